"""What a plan is narrowed to goes in; that there is no such key or project comes out, if so."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from scanner.base.errors import UsageError
from scanner.base.hints import did_you_mean
from scanner.remediate.keys import columns_of_remedies
from scanner.remediate.plan import is_key

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.rule import Policy
    from scanner.remediate.keys import Rows

_ALONE = "A report tells of what has a finding alone; plan from a scan to see the rest."


def absent(keys: Sequence[str], policies: "Iterable[Policy]", rows: "Rows") -> UsageError | None:
    """Return the error for a name that no row which was seen has; `rows` are those of a scan."""
    if not keys:
        return None
    rules = [rule for policy in policies for rule in policy.rules]
    tables = {rule.resource for rule in rules}.union(columns_of_remedies(rules))
    known = [
        (key, row.get("name"))
        for table in sorted(tables)
        for key, row in rows(table, ("name",), None).items()
    ]
    lost = _lost(keys, known)
    if lost is None:
        return None
    return UsageError(
        f"no key that was seen has an id that begins with {lost!r}, or that name",
        where="--key",
        remedy=_meant(lost, known),
    )


def check_reported(
    keys: Sequence[str], projects: Sequence[str], findings: "Iterable[Finding]"
) -> None:
    """Raise UsageError for a key or project of which the report has no finding."""
    places = [one.resource for one in findings]
    known = [(one.id, one.name) for one in places if one.id]
    if (lost := _lost(keys, known)) is not None:
        raise UsageError(
            f"no finding of the report is about a key whose id begins with {lost!r}, or of that"
            " name",
            where="--key",
            remedy=f"{_meant(lost, known)} {_ALONE}",
        )
    slugs = sorted({one.project for one in places if one.project})
    for slug in projects:
        if slug not in slugs:
            raise UsageError(
                f"no finding of the report is about a project {slug!r}",
                where="--project",
                remedy=f"{did_you_mean(slug, slugs, kind='projects')} {_ALONE}",
            )


def _lost(keys: Sequence[str], known: Sequence[tuple[str, str | None]]) -> str | None:
    """Return the first name that nothing has."""
    return next((k for k in keys if not any(is_key(*one, k) for one in known)), None)


def _meant(lost: str, known: Iterable[tuple[str, str | None]]) -> str:
    return did_you_mean(lost, sorted({name for _, name in known if name}), kind="keys")
