"""The identity of a finding from one run to the next: one recipe, in Python and as SQL."""

import hashlib
from typing import Final

VERSION: Final = "keypolicy/1"
"""Part of every fingerprint, so that a later recipe can never be taken for this one."""

_DIGITS: Final = 32


def fingerprint(
    rule_id: str, organization: str | None, project: str | None, resource_id: str
) -> str:
    """Return 32 hexadecimal digits that name the finding of a rule on a resource.

    They depend on the rule's id, not on its policy, wording or parameters; on the organization's
    slug, the project's id (its slug where the source tells no id) and the key's id, so renaming
    a key or a project changes nothing, and a rotated key is another finding.
    """
    text = beginning(rule_id) + "".join(map(_part, (organization, project, resource_id)))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def fingerprint_sql(begun: str, organization: str, project: str, resource_id: str) -> str:
    """Return `fingerprint` as SQL; all are expressions, `begun` of what `beginning` returns."""
    columns = (organization, project, resource_id)
    parts = (f"coalesce(strlen({column}) || ':' || {column}, '-')" for column in columns)
    return f"left(sha256(concat({begun}, {', '.join(parts)})), {_DIGITS})"


def beginning(rule_id: str) -> str:
    """Return what the fingerprints of a rule's findings have in common before they are hashed."""
    return VERSION + _part(rule_id)


def _part(text: str | None) -> str:
    """Return a part with its length, which keeps neighbours apart; None differs from no text."""
    return "-" if text is None else f"{len(text.encode())}:{text}"
