"""Book-keeping of what was seen and what was not, as the coverage of each table."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from scanner.inventory.failure import ApiError, Reason
from scanner.model.coverage import CoverageState, Gap, TableCoverage

_MOST_NAMED: Final = 3
"""Gaps whose reasons are spelt out in a table's own reason; all of them are listed as gaps."""


class Ledger:
    """Notes pages that were read and parts that could not be; gives the coverage at the end."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._gaps: dict[str, list[Gap]] = defaultdict(list)
        self._denied: dict[str, bool] = {}
        self._absent: dict[str, bool] = {}
        self._notes: dict[str, list[str]] = defaultdict(list)
        self.errors: list[ApiError] = []

    def saw(self, table: str) -> None:
        """Note that a page of the table was read, even an empty one."""
        self._seen.add(table)

    def has_seen(self, table: str) -> bool:
        """Whether any page of the table was read."""
        return table in self._seen

    def failed(
        self,
        tables: Iterable[str],
        error: ApiError,
        *,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        """Note that an error keeps a part of the tables from being seen."""
        self.errors.append(error)
        for table in tables:
            self._add(table, Gap(error.sentence, organization, project))
            denied = error.reason in {Reason.FORBIDDEN, Reason.UNAUTHORIZED}
            self._denied[table] = self._denied.get(table, True) and denied
            self._absent[table] = False

    def missing(
        self, table: str, reason: str, *, organization: str | None, project: str | None
    ) -> None:
        """Note a part of the table that is not there to be seen, or not as it should be."""
        self._add(table, Gap(reason, organization, project))
        self._denied[table] = self._absent[table] = False

    def lacks(self, table: str, reason: str, *, organization: str) -> None:
        """Note that the server has nothing of this kind."""
        self._add(table, Gap(reason, organization))
        self._denied[table] = False
        self._absent[table] = self._absent.get(table, True)

    def note(self, table: str, text: str) -> None:
        """Add a sentence to the table's reason without calling anything missing."""
        self._notes[table].append(text)

    def coverage(self, table: str) -> TableCoverage:
        """Return what is to be said of the table."""
        gaps = self._ordered(table)
        notes = self._notes[table]
        if not gaps:
            return TableCoverage(CoverageState.COMPLETE, " ".join(notes))
        state = CoverageState.PARTIAL
        if table not in self._seen and self._denied[table]:
            state = CoverageState.DENIED
        elif table not in self._seen and self._absent[table]:
            state = CoverageState.ABSENT
        reasons = list(dict.fromkeys(gap.reason for gap in gaps))
        more = len(reasons) - _MOST_NAMED
        told = reasons[:_MOST_NAMED] + ([f"And {more} more reasons."] if more > 0 else [])
        return TableCoverage(state, " ".join([*notes, *told]), gaps)

    def _ordered(self, table: str) -> tuple[Gap, ...]:
        """Return the gaps in an order that does not depend on which answer came first."""

        def place(gap: Gap) -> tuple[str, str, str]:
            return gap.organization or "", gap.project or "", gap.reason

        return tuple(sorted(self._gaps[table], key=place))

    def _add(self, table: str, gap: Gap) -> None:
        if gap not in self._gaps[table]:
            self._gaps[table].append(gap)
