"""The value of every part of a predicate for one row: why the row has the outcome it has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import _duckdb as duckdb
import msgspec

from scanner.catalogue import TEXTS
from scanner.engine.database import Connection, reason, time_limit, used
from scanner.engine.judge.evaluate import RULE_SECONDS
from scanner.engine.judge.prepare import values
from scanner.engine.outline import Part, outline, replaced
from scanner.engine.predicate.guard import Checked
from scanner.engine.predicate.syntax import column, write

_NO_VALUE: Final = ("NULL", None, "")


class Step(msgspec.Struct, frozen=True):
    """A part of a predicate with its value, as SQL shows it; None for NULL.

    `error` is why it could not be evaluated. A part is not `reached` where an earlier branch of
    a CASE decides. Parts that are plain constants are left out.
    """

    kind: str
    name: str
    sql: str
    type: str
    value: str | None
    error: str
    role: str
    reached: bool
    children: tuple["Step", ...]

    @property
    def is_null(self) -> bool:
        """Whether it was evaluated and has no value."""
        return self.value is None and not self.error


PartValue = tuple[str, str | None, str]
"""Type, value and error of a part."""


def trace(
    connection: Connection, checked: Checked, table: str, number: int, as_of: datetime
) -> Step:
    """Evaluate every part of a guarded predicate for the row with this rowid.

    Windows see the whole table; everything else is evaluated for the one row, each part by
    itself if need be, so that what fails does not hide the rest.
    """
    root = outline(connection, checked.sql)
    parts = _flat(root)
    tracer = _Tracer(connection, checked, table, number, as_of)
    found = tracer.values(parts)
    return _step(root, dict(zip(map(id, parts), found, strict=True)), "", reached=True)


class _Tracer:
    """Evaluates parts over one row."""

    def __init__(
        self, connection: Connection, checked: Checked, table: str, number: int, as_of: datetime
    ) -> None:
        self._connection = connection
        self._bound = values([checked], as_of)
        self._table = table
        self._number = number

    def values(self, parts: Sequence[Part]) -> list[PartValue]:
        # A window that fails takes down each statement that holds it, and the row has to be
        # chosen outside of windows: so they are tried first, each by itself, those that fail are
        # left out with all that is built on them, and the others become columns below the row.
        windows = [part for part in parts if part.kind == "WINDOW"]
        failures = ((part, self._alone(part.sql, [])[2]) for part in windows)
        broken = {id(part.node): why for part, why in failures if why}
        sound = [part for part in windows if id(part.node) not in broken]
        swap = {id(part.node): column(f"window_{n}") for n, part in enumerate(sound)}
        inner = [f"{part.sql} AS window_{n}" for n, part in enumerate(sound)]
        usable = [part for part in parts if not _holds(part, broken)]
        texts = write(self._connection, [replaced(part.node, swap) for part in usable])
        answers = iter(self._row(texts, inner))
        return [
            ("", None, why) if (why := _holds(part, broken)) else next(answers) for part in parts
        ]

    def _row(self, texts: Sequence[str], inner: Sequence[str]) -> list[PartValue]:
        """Evaluate all at once; where that fails, each by itself.

        Not with TRY: DuckDB takes what several expressions have in common out of it.
        """
        try:
            return self._select(texts, inner)
        except duckdb.Error:
            return [self._alone(text, inner) for text in texts]

    def _alone(self, text: str, inner: Sequence[str]) -> PartValue:
        try:
            return self._select([text], inner)[0]
        except duckdb.InterruptException:
            return "", None, f"it took longer than {RULE_SECONDS:g} seconds"
        except duckdb.Error as error:
            return "", None, reason(error)

    def _select(self, texts: Sequence[str], inner: Sequence[str]) -> list[PartValue]:
        if not texts:
            return []
        # A list is written as JSON: as SQL shows it, a comma may be a text's own.
        chosen = ", ".join(
            f"CASE WHEN typeof({text}) = '{TEXTS}' THEN CAST(to_json({text}) AS VARCHAR)"
            f" ELSE CAST({text} AS VARCHAR) END, typeof({text})"
            for text in texts
        )
        row = self._fetch(chosen, inner)
        return [
            (str(kind), None if value is None else str(value), "")
            for value, kind in zip(row[::2], row[1::2], strict=True)
        ]

    def _fetch(self, chosen: str, inner: Sequence[str]) -> tuple[object, ...]:
        # The row is chosen outside, so that windows inside have seen all of them.
        columns = ", ".join(["rowid AS number", "*", *inner])
        sql = (
            f'SELECT {chosen} FROM (SELECT {columns} FROM "{self._table}") AS "{self._table}"'
            f" WHERE number = {self._number}"
        )
        with time_limit(self._connection, RULE_SECONDS):
            row = self._connection.execute(sql, used(sql, self._bound)).fetchone()
        return tuple(row or ())


def _flat(part: Part) -> list[Part]:
    return [part, *(found for child in part.children for found in _flat(child))]


def _holds(part: Part, broken: dict[int, str]) -> str:
    """Return why a window in this part could not be evaluated, if one could not."""
    if why := broken.get(id(part.node)):
        return why
    return next((why for child in part.children if (why := _holds(child, broken))), "")


def _step(part: Part, found: dict[int, PartValue], role: str, *, reached: bool) -> Step:
    kind, value, error = found.get(id(part), _NO_VALUE)
    pairs = list(zip(part.children, part.roles, strict=True))
    open_branch, taken = reached, reached
    children = []
    for child, its in pairs:
        if part.kind != "CASE":
            visible = reached
        elif its == "when":
            visible = open_branch
            condition = found.get(id(child), _NO_VALUE)
            taken = open_branch and condition[1] == "true"
            # A condition that fails ends the CASE: SQL would not look at a later branch either.
            open_branch = open_branch and not taken and not condition[2]
        else:
            visible = taken if its == "then" else open_branch
        if child.is_variable:
            children.append(_step(child, found, its, reached=visible))
    return Step(
        kind=part.kind,
        name=part.name,
        sql=part.sql,
        type=kind,
        value=value,
        error=error,
        role=role,
        reached=reached,
        children=tuple(children),
    )
