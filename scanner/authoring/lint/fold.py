"""Values of the parts of predicates that are the same for every row, computed by DuckDB."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from scanner.authoring import trees
from scanner.engine.database import Connection
from scanner.engine.predicate import syntax
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import ParamValue

FoldedValue = bool | int | float | Decimal | str | None

# Three moments in months of different lengths: what keeps its distance from all of them is the
# clock moved by a fixed time, whatever the scan's as-of time will be.
_MOMENTS: Final = tuple(
    datetime.fromisoformat(text)
    for text in ("2023-01-31T10:11:12Z", "2024-03-01T00:00:00Z", "2025-08-15T20:00:00Z")
)
_NAMES: Final = re.compile(r"\$(\w+)")
_TIME: Final = "TIMESTAMP WITH TIME ZONE"


class Folded(msgspec.Struct, frozen=True):
    """A value that is the same for every row.

    `known` is False where it could not be computed. A `relative` one is in microseconds after the
    scan's as-of time; other times are in microseconds since 1970.
    """

    known: bool
    value: FoldedValue = None
    relative: bool = False
    kind: str = ""


UNKNOWN: Final = Folded(known=False)


class Folder:
    """Computes constant expressions, all of those that were asked for at once."""

    def __init__(self, connection: Connection, params: Mapping[str, ParamValue]) -> None:
        self._connection = connection
        self._params = params
        self._known: dict[str, Folded] = {}

    def prepare(self, expressions: Sequence[Node]) -> None:
        """Compute these; only row-independent expressions of sound predicates are allowed."""
        wanted = {
            key: node
            for node in expressions
            if (key := trees.identity(node)) not in self._known and not self._is_null(node)
        }
        texts = syntax.write(self._connection, list(wanted.values()))
        for relative in (False, True):
            chosen = {
                key: text
                for (key, node), text in zip(wanted.items(), texts, strict=True)
                if _uses_clock(node) is relative
            }
            if chosen:
                found = self._relative(chosen) if relative else self._absolute(chosen)
                self._known |= found

    def value(self, node: Node) -> Folded:
        """Return the value of an expression that was prepared."""
        if self._is_null(node):
            return Folded(known=True)
        return self._known.get(trees.identity(node), UNKNOWN)

    @staticmethod
    def _is_null(node: Node) -> bool:
        return bool(node["class"] == "CONSTANT" and node["literal"]["kind"] == "NULL_LITERAL")

    def _absolute(self, chosen: Mapping[str, str]) -> dict[str, Folded]:
        kinds = self._select([f"typeof(TRY({text}))" for text in chosen.values()], None)
        taken = [
            f"TRY(epoch_us(CAST(({text}) AS {_TIME})))" if _is_time(str(kind)) else f"TRY({text})"
            for text, kind in zip(chosen.values(), kinds, strict=True)
        ]
        values = self._select(taken, None)
        return {
            key: Folded(known=True, value=value, kind=_TIME if _is_time(str(kind)) else str(kind))
            if isinstance(value, (bool, int, float, Decimal, str))
            else UNKNOWN
            for key, value, kind in zip(chosen, values, kinds, strict=True)
        }

    def _relative(self, chosen: Mapping[str, str]) -> dict[str, Folded]:
        taken = [
            f"TRY(epoch_us(CAST(({text}) AS {_TIME})) - epoch_us($as_of))"
            if _is_time(str(kind))
            else "NULL"
            for text, kind in zip(
                chosen.values(),
                self._select([f"typeof({text})" for text in chosen.values()], _MOMENTS[0]),
                strict=True,
            )
        ]
        rows = [self._select(taken, moment) for moment in _MOMENTS]
        return {
            key: Folded(known=True, value=values[0], relative=True, kind=_TIME)
            if values[0] is not None and len(set(values)) == 1
            else UNKNOWN
            for key, values in zip(chosen, zip(*rows, strict=True), strict=True)
        }

    def _select(self, texts: Sequence[str], as_of: datetime | None) -> list[FoldedValue]:
        sql = f"SELECT {', '.join(texts)}"
        known: dict[str, object] = {**self._params, AS_OF: as_of}
        bound = {name: known[name] for name in _NAMES.findall(sql) if name in known}
        row = self._connection.execute(sql, bound).fetchone()
        return list(row or ())


def is_constant(node: Node) -> bool:
    """Whether the expression reads no row."""
    return not trees.columns(node) and not trees.has_window(node)


def _uses_clock(node: Node) -> bool:
    return any(
        one["class"] == "PARAMETER" and one["identifier"] == AS_OF for _, one in trees.walk(node)
    )


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE"))
