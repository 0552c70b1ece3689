"""An inventory of `keypolicy fetch` in Parquet, as Spark has it: a table out of its columns.

The rows of all tables are in one file, and so is what was seen of them. A value that its column
could not hold is in `record`, which is not read here: rows with one are refused.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from scanner.base.errors import InventoryFileError
from scanner.base.text import plural
from scanner.catalogue import NOWHERE, TABLES
from scanner.inventory.envelope import (
    ENDING,
    HEADER,
    Ending,
    EnvelopeError,
    Header,
    decode,
    read_ending,
    read_header,
    unfiltered,
)
from scanner.inventory.rows.members import NULLS, ODD, members
from scanner.model.coverage import TableCoverage, merge
from scanner.model.inventory import Reach

_REMEDY: Final = "Fetch it again with `keypolicy fetch -o FILE.parquet`, or scan it without Spark."


class SparkFrame(Protocol):
    """What is used of Spark's frames."""

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        ...

    def where(self, condition: str) -> Self:
        """Return the rows of which the condition is true."""
        ...

    def selectExpr(self, *expressions: str) -> Self:  # noqa: N802 - Spark's name
        """Return columns that are made from those that are there."""
        ...

    def collect(self) -> Sequence[Any]:
        """Return all rows."""
        ...


F = TypeVar("F", bound=SparkFrame)


class SparkInventory(Generic[F]):
    """One or several such files, as one frame."""

    def __init__(self, frame: F, label: str) -> None:
        """Read what the files say of themselves; raises InventoryFileError."""
        self._frame = frame
        self._label = label
        self._coverage: dict[str, TableCoverage] = {}
        self.reaches: tuple[Reach, ...] = ()
        ((others,),) = frame.where("kind IS NULL").selectExpr("COUNT(1)").collect()
        if others:
            raise self._refusal(f"has {plural(others, 'row')} of files that are no inventory")
        ends = frame.where(f"kind IN ('{HEADER}', '{ENDING}')").selectExpr("kind", "record")
        records = [self._read(kind, text) for kind, text in ends.collect()]
        headers = [record for record in records if isinstance(record, Header)]
        endings = [record for record in records if isinstance(record, Ending)]
        if not len(headers) == len(endings) > 0:
            found = f"{plural(len(headers), 'first line')} and {plural(len(endings), 'last one')}"
            raise self._refusal(f"has {found}")
        for ending in endings:
            whole = ending
            for header in headers:  # which belong together is not told
                whole = unfiltered(header, whole, label)
            for name, covered in whole.coverage.items():
                known = self._coverage.get(name)
                self._coverage[name] = merge(known, covered) if known else covered
        tables = frozenset(self._coverage)
        self.reaches = tuple(Reach(tables, one.scope, tuple(one.filters)) for one in headers)

    @staticmethod
    def is_one(frame: SparkFrame) -> bool:
        """Whether the frame is of such files."""
        return {"kind", "record", NULLS, ODD} <= set(frame.columns)

    def coverage(self, table: str) -> TableCoverage | None:
        """Return what the files say of a table, None where they do not tell."""
        return self._coverage.get(table)

    def table(self, name: str) -> F | None:
        """Return the rows of a table with the catalogue's columns, None where it has none.

        Raises InventoryFileError for rows that have more in their records.
        """
        if name not in self._frame.columns or name not in self._coverage:
            return None
        rows = self._frame.where(f"kind = '{name}'")
        has = set(rows.selectExpr(f"{name}.*").columns)
        for column in members(name):
            if column not in has:
                raise self._refusal(f"has no column {name}.{column}")
        left = " OR ".join(
            f"(ARRAY_CONTAINS(SPLIT({ODD}, ' '), '{column}') AND {name}.{column} IS NULL)"
            for column in members(name)
        )
        ((count, odd),) = rows.selectExpr("COUNT(1)", f"COUNT_IF({left})").collect()
        promised = self._coverage[name].rows
        if promised is not None and promised != count:
            raise self._refusal(
                f"says that it holds {plural(promised, 'record')} of {name}, but has {count:,}"
            )
        if odd:
            raise self._refusal(
                f"has values that their columns cannot hold, in {plural(odd, 'record')} of {name}"
            )
        return rows.selectExpr(*self._columns(name))

    def _columns(self, name: str) -> Iterator[str]:
        table, mine = TABLES[name], members(name)
        for column, member in mine.items():
            value = f"{name}.`{column}`"
            if member.parts:  # as text, in which null is told from missing
                null = f"ARRAY_CONTAINS(SPLIT({NULLS}, ' '), '{column}')"
                value = (
                    f"CASE WHEN {value} IS NULL AND {null} THEN 'null' ELSE TO_JSON({value}) END"
                )
            elif table.columns[column].source.startswith("coalesce(organization, "):
                value = f"COALESCE(organization, {value})"
            yield f"{value} AS `{column}`"
        places = ((table.organization, "organization"), (table.project, "project"))
        for column, place in places:
            if column != NOWHERE and column not in mine:
                yield f"{place} AS `{column}`"

    def _read(self, kind: str, text: str) -> Any:  # noqa: ANN401 - one of two forms
        try:
            record = decode(text or "null")
            return read_header(record, typed=True) if kind == HEADER else read_ending(record)
        except EnvelopeError as error:
            raise self._refusal(str(error)) from None

    def _refusal(self, message: str) -> InventoryFileError:
        return InventoryFileError(message, where=self._label, remedy=_REMEDY)
