"""Windows that come to the same in every database."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.numbers import whole
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import NULL, Typed, ValueKind, mark
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import DEFAULT_FRAME, PLACE, Node, call
from scanner.engine.predicate.vocabulary import BY_PLACE, RANKS

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Lowering

_ROWS: Final = Decimal(1 << 40)
"""More rows than a table has."""

_NONE: Final = Decimal(0)
_COUNTS: Final = frozenset({"count", "row_number", "rank", "dense_rank"})
_SAME: Final = frozenset({"min", "max", "first_value", "last_value", "lag", "lead"})
_FRAMELESS: Final = frozenset({"row_number", "rank", "dense_rank", "lag", "lead"})
"""Windows that see their whole partition: DuckDB and PostgreSQL take a frame for them and pay no
heed to it, Spark does not take it."""

_LONGEST: Final = (1 << 31) - 1
"""Most rows that a frame of Spark's goes back or on."""

_SORTED: Final = frozenset(
    {
        *(
            ValueKind.BOOLEAN,
            ValueKind.INTEGER,
            ValueKind.EXACT,
            ValueKind.DOUBLE,
            ValueKind.TEXT,
            ValueKind.MOMENT,
            ValueKind.DATE,
        )
    }
)
_OF_FLAGS: Final = {"min": "bool_and", "max": "bool_or"}
"""What the smallest and the largest of truth values are, which PostgreSQL does not compare."""

_TOTAL: Final = "End its ORDER BY with `id`, so that no two rows are equal."


def window(lowering: "Lowering", node: Node) -> Typed:
    """Return a window lowered. Raises RefusedError."""
    name = str(node["function_name"])
    if node["distinct"] or node["ignore_nulls"] or node["offset_expr"] or node["default_expr"]:
        raise inexpressible(f"has an option in the window {name}()", node)
    orders = [_order(lowering, order) for order in node["orders"]]
    partitions = [_sorted(lowering, part) for part in node["partitions"]]
    if name in RANKS and not orders:  # all rows are equal, which Spark does not take
        return Typed(mark("integer", "1"), ValueKind.INTEGER, Decimal(1), Decimal(1))
    frame = _frame(node, name)
    by_rows = any(str(frame[end]).endswith("_ROWS") for end in ("start", "end"))
    if (by_rows or name in BY_PLACE) and not _is_total(node["orders"]):
        raise inexpressible(f"has a window {name}() over rows in no certain order", node, _TOTAL)
    arguments = [part["expression"] for part in node["arguments"]]
    typed = [lowering.expression(part) for part in arguments[:1]]
    if name in _OF_FLAGS and typed and typed[0].kind is ValueKind.BOOLEAN:
        name = _OF_FLAGS[name]
    if name in {"min", "max"} and typed and typed[0].kind is ValueKind.TEXT:
        typed = [Typed(mark("bytes", typed[0].node), ValueKind.TEXT)]
    if name in {"count", "count_star"} and not typed:
        name, typed = "count", [Typed(syntax.constant("1"), ValueKind.INTEGER)]
    made = {
        "class": "WINDOW",
        "type": "WINDOW_AGGREGATE" if name == "count" else node["type"],
        **PLACE,
        **call(name, [*(one.node for one in typed), *arguments[1:]]),
        "partitions": partitions,
        "orders": orders,
        **frame,
        "exclude_clause": "NO_OTHER",
        "arg_orders": [],
        "offset_expr": None,
        "default_expr": None,
        "filter_expr": None,
        "ignore_nulls": False,
        "distinct": False,
        "has_ignore_nulls": False,
    }
    if node["filter_expr"] is not None:
        made |= _filtered(lowering, node, name, typed)
    return _typed(made, name, typed, node)


def _frame(node: Node, name: str) -> Node:
    """Return which rows the window sees; the frame that is the default is not written out."""
    parts = {key: node[key] for key in DEFAULT_FRAME}
    by = {str(parts[end]).rpartition("_")[2] for end in ("start", "end")}
    if "GROUPS" in by:
        raise inexpressible(f"has a window {name}() over groups of rows", node)
    by_rows = "ROWS" in by
    if any(parts[end] is not None for end in ("start_expr", "end_expr")) and not by_rows:
        raise inexpressible(f"has a window {name}() over a range of values", node)
    if by_rows and _place(parts, "start", node) > _place(parts, "end", node):
        raise inexpressible(f"has a window {name}() over rows that end before they begin", node)
    is_whole = not node["orders"] and not by_rows
    return DEFAULT_FRAME if name in _FRAMELESS or is_whole else parts


def _place(frame: Node, end: str, node: Node) -> int:
    """Return how many rows after its own row a frame begins or ends."""
    kind, count = str(frame[end]), frame[f"{end}_expr"]
    if kind.startswith(("UNBOUNDED", "CURRENT")):
        far = {"UNBOUNDED_PRECEDING": -_LONGEST - 1, "UNBOUNDED_FOLLOWING": _LONGEST + 1}
        return far.get(kind, 0)
    text = str(count["literal"].get("text")) if count and count["class"] == "CONSTANT" else ""
    if not (text.isascii() and text.isdigit() and int(text) <= _LONGEST):
        raise inexpressible("has a window over a number of rows that is not written out", node)
    return -int(text) if "PRECEDING" in kind else int(text)


def _typed(made: Node, name: str, typed: list[Typed], node: Node) -> Typed:
    if name in _COUNTS:
        return Typed(made, ValueKind.INTEGER, Decimal(0), _ROWS)
    if not typed or typed[0].kind not in _SORTED:
        raise inexpressible(f"has a window {name}() over values of a type that others lack", node)
    (of,) = typed
    if name in _SAME and len(node["arguments"]) == 1:
        return Typed(made, of.kind, of.low, of.high, of.scale)
    if name in {"bool_and", "bool_or"} and of.kind is ValueKind.BOOLEAN:
        return Typed(made, ValueKind.BOOLEAN)
    if name == "sum" and of.kind is ValueKind.INTEGER:
        exact = made | call("sum", [mark("as_exact", of.node, "0")])
        low, high = min(of.low, _NONE) * _ROWS, max(of.high, _NONE) * _ROWS
        return whole(mark("as_exact", exact, "0"), ValueKind.EXACT, low, high, 0, node)
    raise inexpressible(f"has the window {name}()", node)


def _filtered(lowering: "Lowering", node: Node, name: str, typed: list[Typed]) -> Node:
    """Return a window with FILTER as one over a CASE."""
    if name not in {"count", "min", "max", "bool_and", "bool_or"}:
        raise inexpressible(f"has FILTER with the window {name}()", node)
    check = {"when_expr": lowering.condition(node["filter_expr"]), "then_expr": typed[0].node}
    case = {"class": "CASE", "type": "CASE_EXPR", **PLACE, "case_checks": [check]}
    chosen = {**case, "else_expr": NULL}
    return call(name, [chosen])


def _order(lowering: "Lowering", order: Node) -> Node:
    kind = "DESCENDING" if order["type"] == "DESCENDING" else "ASCENDING"
    nulls = "NULLS FIRST" if "FIRST" in order["null_order"] else "NULLS LAST"
    return {"type": kind, "null_order": nulls, "expression": _sorted(lowering, order["expression"])}


def _sorted(lowering: "Lowering", node: Node) -> Node:
    made = lowering.expression(node)
    if made.kind not in _SORTED:
        raise inexpressible("has a window by values of a type that others lack", node)
    return mark("bytes", made.node) if made.kind is ValueKind.TEXT else made.node


def _is_total(orders: list[Node]) -> bool:
    """Whether no two rows are equal in this order: ids are of one row."""
    return any(
        order["expression"]["class"] == "COLUMN_REF"
        and order["expression"]["column_names"][-1] == "id"
        for order in orders
    )
