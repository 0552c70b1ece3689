"""Lowering: a guarded tree in, the same with everything said that databases would fill in.

DuckDB tells the types of all parts. What compares or joins two types is cast, constants are
computed, and calls become marks (`kp_...`) for which each database has words of its own
(`postgres.py`, `spark.py`). What is not on the list here, or could overflow, is refused at its
place: that other databases have a function of the same name says nothing about what it does.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.dialect import casts, windows
from scanner.engine.dialect.constants import KnownParts
from scanner.engine.dialect.numbers import cast_number
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, mark
from scanner.engine.predicate.syntax import PLACE, Node

Call = Callable[["Lowering", Node, list[Node]], Typed]
"""What makes a call of a function: the node and its arguments in, the lowered call out."""

_NUMBERS: Final = (ValueKind.INTEGER, ValueKind.EXACT, ValueKind.DOUBLE)
_EQUAL: Final = frozenset(
    {*("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM")}
)
_COMPARED: Final = frozenset(
    {
        ValueKind.BOOLEAN,
        ValueKind.TEXT,
        ValueKind.MOMENT,
        ValueKind.DATE,
        ValueKind.SPAN,
        ValueKind.NULL,
        *_NUMBERS,
    }
)


class Lowering:
    """Lowers trees over one table; `calls` are the functions that it knows."""

    def __init__(
        self,
        connection: Connection,
        table: str,
        trees: Sequence[Node],
        bound: Mapping[str, Any],
        calls: Mapping[str, Call],
    ) -> None:
        self.known = KnownParts(connection, table, trees, bound)
        self._columns = TABLES[table].columns
        self._calls = calls
        # Regular expressions that may take a backtracking engine too long.
        self.steep: list[Node] = []
        self._makers: dict[str, Callable[[Node], Typed]] = {
            "COLUMN_REF": self._column,
            "COMPARISON": self._comparison,
            "CONJUNCTION": self._conjunction,
            "OPERATOR": self._operator,
            "BETWEEN": self._between,
            "CASE": self._case,
            "CAST": lambda node: casts.cast(self, node),
            "FUNCTION": self._function,
            "WINDOW": lambda node: windows.window(self, node),
        }

    def expression(self, node: Node) -> Typed:
        """Return the node lowered. Raises RefusedError."""
        if self.known.is_constant(node):
            if (found := self.known.constant(node)) is None:
                raise inexpressible("has a value here that not every database has", node)
            return found
        return self._makers[node["class"]](node)

    def condition(self, node: Node) -> Node:
        """Return a node that is a truth value. Raises RefusedError."""
        made = self.expression(node)
        if made.kind not in {ValueKind.BOOLEAN, ValueKind.NULL}:
            raise inexpressible("has something else here than a condition", node)
        return made.node if made.kind is ValueKind.BOOLEAN else mark("unknown")

    def as_kind(self, made: Typed, kind: ValueKind, scale: int, node: Node) -> Typed:
        """Return an expression as another kind, as DuckDB casts it by itself."""
        if made.kind is kind and (kind is not ValueKind.EXACT or made.scale == scale):
            return made
        if made.kind is ValueKind.NULL:
            return made
        if made.kind is ValueKind.TEXT and isinstance(made.value, str):
            if (found := self.known.cast(made.value, kind)) is None:
                raise inexpressible(f"has a text here that is no {kind}", node)
            return self.as_kind(found, kind, scale, node) if found.kind is not kind else found
        if kind is ValueKind.SPAN and isinstance(made.value, tuple):
            months, days, micros = made.value
            total = Decimal(((months * 30) + days) * 86_400_000_000 + micros)
            return Typed(
                mark("integer", str(total)), ValueKind.SPAN, total, total, is_constant=True
            )
        if kind is ValueKind.MOMENT and made.kind is ValueKind.DATE:
            return Typed(mark("date_moment", made.node), ValueKind.MOMENT)
        return cast_number(made, kind, scale, node)

    def alike(self, node: Node, parts: Sequence[Node]) -> list[Typed]:
        """Return parts that are compared with each other, all as one kind."""
        made = [self.expression(part) for part in parts]
        kind, scale = _common(made)
        if kind is None or kind not in _COMPARED:
            raise inexpressible("compares values that other databases compare otherwise", node)
        return [self.as_kind(one, kind, scale, part) for one, part in zip(made, parts, strict=True)]

    def _ordered(self, node: Node, parts: Sequence[Node]) -> list[Typed]:
        """Return parts as they are compared: texts by their bytes, in no language's order."""
        made = self.alike(node, parts)
        if made[0].kind is not ValueKind.TEXT or node["type"] in _EQUAL:
            return made
        return [msgspec.structs.replace(made[0], node=mark("bytes", made[0].node)), *made[1:]]

    def _column(self, node: Node) -> Typed:
        name = node["column_names"][-1]
        spec = self._columns.get(name)
        if spec is not None and (spec.heavy or name == "owner"):
            why = "which is filled in here" if name == "owner" else "which may hold secrets there"
            raise inexpressible(f"reads `{name}`, {why},", node, "Leave the column out.")
        kind, scale = self.known.kind(node)
        if kind is None:
            raise inexpressible(f"reads `{name}`, whose type not every database has,", node)
        if kind is ValueKind.DOUBLE:  # of whole numbers, one by the other
            return Typed(node, kind, Decimal(-20), Decimal(20))
        return Typed(node, kind, scale=scale)

    def _comparison(self, node: Node) -> Typed:
        left, right = self._ordered(node, [node["left"], node["right"]])
        made = {"class": "COMPARISON", "type": node["type"], **PLACE}
        return Typed({**made, "left": left.node, "right": right.node}, ValueKind.BOOLEAN)

    def _conjunction(self, node: Node) -> Typed:
        made = {"class": "CONJUNCTION", "type": node["type"], **PLACE}
        return Typed(
            {**made, "children": list(map(self.condition, node["children"]))}, ValueKind.BOOLEAN
        )

    def _operator(self, node: Node) -> Typed:
        made = {"class": "OPERATOR", "type": node["type"], **PLACE}
        children = node["children"]
        match node["type"]:
            case "OPERATOR_NOT":
                return Typed({**made, "children": [self.condition(children[0])]}, ValueKind.BOOLEAN)
            case "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
                inner = self.expression(children[0])
                if inner.kind in {ValueKind.INTERVAL, ValueKind.SPAN}:
                    raise inexpressible("asks whether an interval is NULL", node)
                return Typed({**made, "children": [inner.node]}, ValueKind.BOOLEAN)
            case "OPERATOR_COALESCE":
                return self.unified(node, children, made)
            case "COMPARE_IN" | "COMPARE_NOT_IN":
                parts = [one.node for one in self.alike(node, children)]
                return Typed({**made, "children": parts}, ValueKind.BOOLEAN)
        raise inexpressible("takes a field by its place", node, "Write column->>'field'.")

    def unified(self, node: Node, parts: Sequence[Node], made: Node | str) -> Typed:
        """Return a choice between parts: `made` is the node that gets them, or a mark."""
        kind, scale = self.known.kind(node)
        if kind is None or kind in {ValueKind.INTERVAL, ValueKind.JSON, ValueKind.TEXTS}:
            raise inexpressible("chooses between values of a type that others lack", node)
        typed = [self.as_kind(self.expression(p), kind, scale, p) for p in parts]
        if isinstance(made, str) and kind is ValueKind.TEXT:
            typed[0] = msgspec.structs.replace(typed[0], node=mark("bytes", typed[0].node))
        nodes = [one.node for one in typed]
        whole = mark(made, *nodes) if isinstance(made, str) else {**made, "children": nodes}
        return _spanning(whole, kind, scale, typed)

    def _between(self, node: Node) -> Typed:
        parts = ("input", "lower", "upper")
        made = self._ordered(node, [node[part] for part in parts])
        found = {part: one.node for part, one in zip(parts, made, strict=True)}
        return Typed(
            {"class": "BETWEEN", "type": node["type"], **PLACE, **found}, ValueKind.BOOLEAN
        )

    def _case(self, node: Node) -> Typed:
        kind, scale = self.known.kind(node)
        if kind is None or kind in {ValueKind.INTERVAL, ValueKind.JSON, ValueKind.TEXTS}:
            raise inexpressible("chooses between values of a type that others lack", node)
        results = [*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]]
        typed = [self.as_kind(self.expression(part), kind, scale, part) for part in results]
        checks = [
            {"when_expr": self.condition(check["when_expr"]), "then_expr": then.node}
            for check, then in zip(node["case_checks"], typed, strict=False)
        ]
        whole = {"class": "CASE", "type": node["type"], **PLACE, "case_checks": checks}
        return _spanning({**whole, "else_expr": typed[-1].node}, kind, scale, typed)

    def _function(self, node: Node) -> Typed:
        name = str(node["function_name"])
        call = self._calls.get(name)
        if call is None:
            what = f"calls {name}()" if name.isidentifier() else f"uses {name}"
            raise inexpressible(what, node)
        return call(self, node, [argument["expression"] for argument in node["arguments"]])


def _common(made: Sequence[Typed]) -> tuple[ValueKind | None, int]:
    """Return the kind as which DuckDB compares values; None where that is not told."""
    kinds = {one.kind for one in made} - {ValueKind.NULL}
    scale = max(one.scale for one in made)
    if ValueKind.SPAN in kinds:
        return (ValueKind.SPAN if kinds <= {ValueKind.SPAN, ValueKind.INTERVAL} else None), 0
    firm = {one.kind for one in made if not (one.kind is ValueKind.TEXT and one.is_constant)}
    firm -= {ValueKind.NULL}
    if not firm:
        return (ValueKind.TEXT if kinds else ValueKind.NULL), 0
    if firm <= {ValueKind.MOMENT, ValueKind.DATE}:
        return (ValueKind.MOMENT if ValueKind.MOMENT in firm else ValueKind.DATE), 0
    if firm <= set(_NUMBERS):
        return next(kind for kind in reversed(_NUMBERS) if kind in firm), scale
    return (firm.pop() if len(firm) == 1 else None), 0


def _spanning(node: Node, kind: ValueKind, scale: int, parts: Sequence[Typed]) -> Typed:
    """Return an expression whose value is one of the parts."""
    some = [part for part in parts if part.kind is not ValueKind.NULL]
    low = min((part.low for part in some), default=Decimal(0))
    return Typed(node, kind, low, max((part.high for part in some), default=Decimal(0)), scale)
