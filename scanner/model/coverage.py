"""How much of a table was really seen."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from scanner.base.text import plural

_MOST_TOLD: Final = 3
"""Gaps whose reasons are told in a table's own reason; all of them are listed as gaps."""


class CoverageState(StrEnum):
    """Whether a table holds everything that exists in the scan's scope."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    DENIED = "denied"
    ABSENT = "absent"

    @property
    def rank(self) -> int:
        """Position from best (0, complete) to worst (3, absent)."""
        return _ORDER.index(self)


_ORDER = (
    CoverageState.COMPLETE,
    CoverageState.PARTIAL,
    CoverageState.DENIED,
    CoverageState.ABSENT,
)


class Gap(msgspec.Struct, frozen=True):
    """A part of a table that could not be seen.

    `project` is None when the whole organization is missing, `organization` is None when
    everything is or, beside a project, when none of those that were seen has it. `reason` is one
    sentence for a person, with the remedy.
    """

    reason: str
    organization: str | None = None
    project: str | None = None


class TableCoverage(msgspec.Struct, frozen=True):
    """Coverage of one table. `rows` is how many records the source delivered, if it counted."""

    state: CoverageState
    reason: str
    gaps: tuple[Gap, ...] = ()
    rows: int | None = None


NOT_THERE: Final = TableCoverage(CoverageState.ABSENT, "not in the inventory")
"""Of a table that no input says anything of."""


def lacking(coverage: TableCoverage, gaps: Iterable[Gap]) -> TableCoverage:
    """Return the coverage with further gaps, but for places that it has a gap for already.

    Of a table that is absent nothing more is to be told.
    """
    places = {(gap.organization, gap.project) for gap in coverage.gaps}
    new = tuple(gap for gap in gaps if (gap.organization, gap.project) not in places)
    if not new or coverage.state is CoverageState.ABSENT:
        return coverage
    whole = coverage.state is CoverageState.COMPLETE
    known = coverage.gaps or (() if whole else (Gap(coverage.reason),))
    told = reasons_told(new)
    return TableCoverage(
        CoverageState.PARTIAL if whole else coverage.state,
        " ".join(told if whole else [coverage.reason, *told]).strip(),
        known + new,
        coverage.rows,
    )


def reasons_told(gaps: Iterable[Gap]) -> list[str]:
    """Return the sentences of gaps, each once: the first of them, and how many more there are."""
    reasons = list(dict.fromkeys(gap.reason for gap in gaps))
    more = len(reasons) - _MOST_TOLD
    return reasons[:_MOST_TOLD] + ([f"And {plural(more, 'more reason')}."] if more > 0 else [])


def merge(left: TableCoverage, right: TableCoverage) -> TableCoverage:
    """Combine what two inputs say of one table.

    Data from one input does not make up for what another could not see, so anything short of
    complete stays so; the one exception, `made_up` of engine.intake.scope, is made before. An
    absent table is made up for by an input that has it.
    """
    if CoverageState.ABSENT in (left.state, right.state):
        return min(left, right, key=lambda coverage: coverage.state.rank)
    state = left.state if left.state is right.state else CoverageState.PARTIAL
    reasons = dict.fromkeys(
        coverage.reason
        for coverage in (left, right)
        if coverage.reason and coverage.state.rank >= (state is not CoverageState.COMPLETE)
    )
    rows = None if left.rows is None or right.rows is None else left.rows + right.rows
    return TableCoverage(state, "; ".join(reasons), left.gaps + right.gaps, rows)
