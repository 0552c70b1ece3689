"""What DuckDB says of the parts of guarded trees: their types, and the values of constants."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import _duckdb as duckdb

from scanner.engine.database import Connection, used
from scanner.engine.dialect.typed import Typed, ValueKind, constant, kind_of
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node

_AT_ONCE: Final = 400  # expressions in one statement


class KnownParts:
    """Types and constants of the parts of some trees over one table, by the identity of nodes."""

    def __init__(
        self, connection: Connection, table: str, trees: Sequence[Node], bound: Mapping[str, Any]
    ) -> None:
        self._connection = connection
        self._bound = dict(bound)
        self._trees = trees  # what is known by identity must not go
        self._constants: dict[int, Typed | None] = {}
        self._kinds: dict[int, str] = {}
        fixed = [node for tree in trees for node in _fixed(tree)]
        known = {id(node) for node in fixed}
        others = [node for tree in trees for node in _varying(tree, known)]
        for nodes, text in _some(connection, others):
            found = self._described(text, f'FROM "{table}" LIMIT 0')
            self._kinds |= dict(zip(map(id, nodes), found, strict=True))
        for nodes, text in _some(connection, fixed):
            self._constants |= dict(zip(map(id, nodes), self._values(text), strict=True))

    def constant(self, node: Node) -> Typed | None:
        """Return the value of a part without columns; None where it has none."""
        return self._constants.get(id(node))

    def is_constant(self, node: Node) -> bool:
        """Whether the part has no column in it."""
        return id(node) in self._constants

    def kind(self, node: Node) -> tuple[ValueKind | None, int]:
        """Return the kind that a part has in DuckDB, and its scale."""
        return kind_of(self._kinds.get(id(node), ""))

    def cast(self, text: str, kind: ValueKind) -> Typed | None:
        """Return a text as a value of another kind, as DuckDB reads it; None where it cannot."""
        name = "BIGINT" if kind is ValueKind.INTEGER else str(kind)
        try:
            found = self._connection.execute(
                f"SELECT CAST(CAST($text AS VARCHAR) AS {name})", {"text": text}
            )
        except duckdb.Error:
            return None
        return _constant(found.fetchall()[0][0], str(found.description[0][1]))

    def lower(self, text: str) -> str:
        """Return a text in lower case, as DuckDB has it."""
        found = self._connection.execute("SELECT lower(CAST($text AS VARCHAR))", {"text": text})
        return str(found.fetchall()[0][0])

    def _described(self, texts: Sequence[str], rest: str) -> list[str]:
        try:
            return [str(one[1]) for one in self._run(texts, rest).description]
        except duckdb.Error:
            if len(texts) == 1:
                return [""]
            return [kind for text in texts for kind in self._described([text], rest)]

    def _values(self, texts: Sequence[str]) -> list[Typed | None]:
        try:
            found = self._run(texts, "")
            kinds = [str(one[1]) for one in found.description]
            (row,) = found.fetchall()
        except (duckdb.Error, OverflowError, ValueError):
            if len(texts) == 1:
                return [None]
            return [value for text in texts for value in self._values([text])]
        return [
            self._interval(text)
            if kind == "INTERVAL" and value is not None
            else _constant(value, kind)
            for text, value, kind in zip(texts, row, kinds, strict=True)
        ]

    def _interval(self, text: str) -> Typed | None:
        """Return an interval as months, days and microseconds, which are kept apart."""
        parts = ("year", "month", "day", "hour", "minute", "microsecond")
        found = self._run([f"date_part('{part}', {text})" for part in parts], "").fetchall()[0]
        years, months, days, hours, minutes, micros = map(int, found)
        rest = ((hours * 60) + minutes) * 60_000_000 + micros
        return constant((years * 12 + months, days, rest), ValueKind.INTERVAL)

    def _run(self, texts: Sequence[str], rest: str) -> Connection:
        sql = f"SELECT {', '.join(texts)} {rest}"
        return self._connection.execute(sql, used(sql, self._bound))


def _constant(value: object, name: str) -> Typed | None:
    kind, scale = kind_of(name)
    if isinstance(value, list):
        return constant(value, ValueKind.TEXTS)
    return constant(value, kind, scale) if kind is not None or value is None else None


def _some(connection: Connection, nodes: list[Node]) -> Iterator[tuple[list[Node], list[str]]]:
    for start in range(0, len(nodes), _AT_ONCE):
        some = nodes[start : start + _AT_ONCE]
        yield some, syntax.write(connection, some)


def _varies(node: Node) -> bool:
    return node["class"] in {"COLUMN_REF", "WINDOW"} or any(map(_varies, syntax.children(node)))


def _fixed(node: Node) -> Iterator[Node]:
    """Give the largest parts that are without a column."""
    if not _varies(node):
        yield node
        return
    for child in syntax.children(node):
        yield from _fixed(child)


def _varying(node: Node, fixed: set[int]) -> Iterator[Node]:
    if id(node) in fixed:
        return
    yield node
    for child in syntax.children(node):
        yield from _varying(child, fixed)
