"""The identity of a finding from one run to the next."""

import hashlib
from typing import Final

VERSION: Final = b"keypolicy/1"
"""Part of every fingerprint, so that a later recipe can never be taken for this one."""


def fingerprint(
    rule_id: str, organization: str | None, project: str | None, resource_id: str
) -> str:
    """Return 32 hexadecimal digits that name the finding of a rule on a resource.

    They depend on the rule's id, not on its policy, wording or parameters; on the organization's
    slug, the project's id (its slug where the source tells no id) and the key's id, so renaming
    a key or a project changes nothing, and a rotated key is another finding.
    """
    digest = hashlib.sha256(VERSION)
    for part in (rule_id, organization, project, resource_id):
        # Lengths keep neighbours apart; None differs from an empty text.
        data = b"" if part is None else part.encode()
        digest.update(b"-" if part is None else b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()[:32]
