"""Book-keeping of what was seen and what was not, as the coverage of each table."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from scanner.http.failure import ApiError, Reason
from scanner.model.coverage import CoverageState, Gap, TableCoverage, reasons_told


class _Book(msgspec.Struct):
    """What is noted, by table; `denied` and `absent`: whether that is all that kept it away.

    Gaps are the keys of a dictionary, for there may be one of each of many thousand projects.
    """

    seen: set[str] = set()
    gaps: defaultdict[str, dict[Gap, None]] = msgspec.field(
        default_factory=lambda: defaultdict(dict)
    )
    denied: dict[str, bool] = {}
    absent: dict[str, bool] = {}
    notes: defaultdict[str, list[str]] = msgspec.field(default_factory=lambda: defaultdict(list))


class Ledger:
    """Notes pages that were read and parts that could not be; gives the coverage at the end."""

    def __init__(self) -> None:
        self.book = _Book()
        self.errors: list[ApiError] = []

    def saw(self, table: str) -> None:
        """Note that a page of the table was read, even an empty one."""
        self.book.seen.add(table)

    def has_seen(self, table: str) -> bool:
        """Whether any page of the table was read."""
        return table in self.book.seen

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
            self.book.denied[table] = self.book.denied.get(table, True) and denied
            self.book.absent[table] = False

    def missing(
        self, table: str, reason: str, *, organization: str | None, project: str | None
    ) -> None:
        """Note a part of the table that is not there to be seen, or not as it should be."""
        self._add(table, Gap(reason, organization, project))
        self.book.denied[table] = self.book.absent[table] = False

    def lacks(self, table: str, reason: str, *, organization: str) -> None:
        """Note that the server has nothing of this kind."""
        self._add(table, Gap(reason, organization))
        self.book.denied[table] = False
        self.book.absent[table] = self.book.absent.get(table, True)

    def note(self, table: str, text: str) -> None:
        """Add a sentence to the table's reason without calling anything missing."""
        self.book.notes[table].append(text)

    def take(self, other: "Ledger") -> None:
        """Note all that another ledger holds."""
        self.book.seen |= other.book.seen
        self.errors += other.errors
        for table, gaps in other.book.gaps.items():
            for gap in gaps:
                self._add(table, gap)
        for table, notes in other.book.notes.items():
            self.book.notes[table] += notes
        for mine, theirs in (
            (self.book.denied, other.book.denied),
            (self.book.absent, other.book.absent),
        ):
            for table, holds in theirs.items():
                mine[table] = mine.get(table, True) and holds

    def coverage(self, table: str) -> TableCoverage:
        """Return what is to be said of the table."""
        gaps = self._ordered(table)
        notes = self.book.notes[table]
        if not gaps:
            return TableCoverage(CoverageState.COMPLETE, " ".join(notes))
        state = CoverageState.PARTIAL
        if table not in self.book.seen and self.book.denied[table]:
            state = CoverageState.DENIED
        elif table not in self.book.seen and self.book.absent[table]:
            state = CoverageState.ABSENT
        return TableCoverage(state, " ".join([*notes, *reasons_told(gaps)]), gaps)

    def _ordered(self, table: str) -> tuple[Gap, ...]:
        """Return the gaps in an order that does not depend on which answer came first."""

        def place(gap: Gap) -> tuple[str, str, str]:
            return gap.organization or "", gap.project or "", gap.reason

        return tuple(sorted(self.book.gaps[table], key=place))

    def _add(self, table: str, gap: Gap) -> None:
        self.book.gaps[table].setdefault(gap)
