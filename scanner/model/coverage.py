"""How much of a table was really seen."""

from enum import StrEnum

import msgspec


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
    everything is. `reason` is one sentence for a person, with the remedy.
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


def merge(left: TableCoverage, right: TableCoverage) -> TableCoverage:
    """Combine what two inputs say of one table.

    Data from one input does not make up for what another could not see, so anything short of
    complete stays so. An absent table is made up for by an input that has it.
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
