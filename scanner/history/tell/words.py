"""How times, counts and findings are written on the sheets of a history."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from scanner.base.text import timestamp
from scanner.history.manifest import Manifest
from scanner.model.coverage import CoverageState
from scanner.model.history import TrackedFinding
from scanner.model.outcome import WORST_FIRST, Severity
from scanner.report.sheet.sheet import Sheet, SheetCell

MOST: Final = 20
"""Findings of a class that a terminal shows."""

MOST_OF_A_PAGE: Final = 500
"""Findings of a class that a page shows."""

_HEAD: Final = (
    *("severity", "rule", "organization", "project", "resource", "owner", "open since", "due"),
)


def day(moment: datetime) -> str:
    """Write a time as far as a table of runs needs it, to the minute."""
    return timestamp(moment)[:16].replace("T", " ")


def by_severity(counted: Callable[[Severity], int]) -> list[str]:
    """Write a number for each severity, the worst first."""
    return [f"{counted(severity):,}" for severity in WORST_FIRST]


def coverage(manifest: Manifest) -> str:
    """Say in a word what a run could not see of what its rules read."""
    tables = manifest.looked.tables
    needed = {name: table.coverage for name, table in tables.items() if table.needed}
    gaps = [f"{name} {state}" for name, state in needed.items() if state != CoverageState.COMPLETE]
    return ", ".join(gaps) or ("whole" if needed else "nothing")


def scope_of(manifest: Manifest) -> str:
    """Say what a run looked at: the projects, if some were asked for, and the organizations."""
    looked = manifest.looked
    organizations = looked.scope.organizations or tuple(looked.organizations)
    projects = looked.scope.projects
    shown, more = organizations[:_NAMED], len(organizations) - _NAMED
    told = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    told = told or "no organization"
    return f"{', '.join(projects[:_NAMED])} of {told}" if projects else told


_NAMED: Final = 6


def findings(sheet: Sheet, told: str, some: Sequence[TrackedFinding], most: int) -> None:
    """Add a section with the first of these findings; none where there is none."""
    if not some:
        return
    sheet.heading(f"{told[0].upper()}{told[1:]} ({len(some):,})")
    rows = [
        (
            SheetCell(one.severity.value, one.severity.value),
            one.rule,
            one.organization or "",
            one.project or "",
            one.name or one.id,
            one.owner or "",
            day(one.opened)[:10],
            day(one.due)[:10] if one.due else "",
        )
        for one in some[:most]
    ]
    sheet.table(_HEAD, rows, minor=("organization", "owner", "open since"))
    if len(some) > most:
        sheet.line(f"and {len(some) - most:,} more: --format json has all")
