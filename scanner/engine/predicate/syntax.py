"""DuckDB's syntax trees: parsed, written and built here, and nowhere else.

The trees are those of json_serialize_sql. DuckDB itself parses and writes them, so there is no
second parser that might disagree with the one that runs the statement.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from scanner.engine.database import Connection
from scanner.engine.predicate.vocabulary import BY_PLACE, FRAMED, RANKS, SUMS

Node = dict[str, Any]
"""A node of a tree."""

PREFIX: Final = "SELECT (\n"
"""What an expression is wrapped in to be parsed; the line break ends a comment before it."""

PLACE: Final = {"alias": "", "query_location": 0, "query_location_length": 0}

DEFAULT_FRAME: Final[Node] = {
    "start": "UNBOUNDED_PRECEDING",
    "end": "CURRENT_ROW_RANGE",
    "start_expr": None,
    "end_expr": None,
}

_BATCH: Final = 2_000
_bare: Final[list[Node]] = []
"""What `template` returns, once it was asked for: it is the same in every database."""

_FARTHEST: Final = 1 << 31
"""Larger places are negative numbers: of nodes that the parser made up, which are nowhere."""


def wrapped(text: str) -> str:
    """Return the statement that has the expression `text` as its only part."""
    return f"{PREFIX}{text}\n)"


def character(text: str, byte: int) -> int:
    """Return the place of a character from its byte: the parser counts in UTF-8."""
    return len(text.encode()[: max(byte, 0)].decode(errors="ignore"))


def byte(node: Node) -> int:
    """Return the byte of the wrapped text where the node, or the first part of it, starts."""
    place = int(node.get("query_location", 0))
    if place <= _FARTHEST:
        return max(place - len(PREFIX), 0)
    return min((byte(child) for child in children(node)), default=0)


def offset(node: Node, text: str) -> int:
    """Return the character of the wrapped `text` where the node starts."""
    return character(text, byte(node))


def arguments_of(node: Node) -> list[Node]:
    """Return the arguments of a call."""
    return [argument["expression"] for argument in node["arguments"]]


def serialize(connection: Connection, statements: Sequence[str]) -> list[str]:
    """Let DuckDB parse statements; each answer is a JSON text, also where the SQL is wrong."""
    return _map(connection, "json_serialize_sql(CAST(item AS VARCHAR))", statements)


def parse(connection: Connection, expressions: Sequence[str]) -> list[Node]:
    """Return the tree of each expression; all of them must be sound."""
    answers = serialize(connection, [wrapped(text) for text in expressions])
    return [json.loads(answer)["statements"][0]["node"]["select_list"][0] for answer in answers]


def write(connection: Connection, expressions: Sequence[Node]) -> list[str]:
    """Let DuckDB write expressions from their trees."""
    bare = template(connection)
    trees = []
    for expression in expressions:
        node = {**bare, "select_list": [expression]}
        statements = [{"node": node, "named_param_map": []}]
        trees.append(json.dumps({"error": False, "statements": statements}))
    made = _map(connection, "json_deserialize_sql(CAST(item AS JSON))", trees)
    return [text.removeprefix("SELECT ") for text in made]


def template(connection: Connection) -> Node:
    """Return the tree of a SELECT without any clause."""
    if not _bare:
        (text,) = serialize(connection, ["SELECT 1"])
        _bare.append(json.loads(text)["statements"][0]["node"])
    return _bare[0]


def _map(connection: Connection, expression: str, items: Sequence[str]) -> list[str]:
    """Apply a scalar function to texts, many with one call of the database."""
    found: list[str] = []
    for start in range(0, len(items), _BATCH):
        rows = connection.execute(
            f"SELECT CAST({expression} AS VARCHAR) FROM (SELECT"
            " unnest(CAST($items AS VARCHAR[])) AS item, generate_subscripts($items, 1) AS place)"
            " ORDER BY place",
            {"items": list(items[start : start + _BATCH])},
        )
        found += [str(text) for (text,) in rows.fetchall()]
    return found


def call(name: str, arguments: list[Node]) -> Node:
    """Return the fields that calls of functions and of window functions share."""
    return {
        "function_name": name,
        "schema": "",
        "catalog": "",
        "arguments": [{"name": "", "expression": argument} for argument in arguments],
        "qualified_name": {"path": [name]},
    }


def function(name: str, arguments: list[Node], *, is_operator: bool = False) -> Node:
    """Return a call of a function."""
    return {
        "class": "FUNCTION",
        "type": "FUNCTION",
        **PLACE,
        **call(name, arguments),
        "filter": None,
        "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
        "distinct": False,
        "is_operator": is_operator,
        "export_state": False,
    }


def target(name: str, sizes: list[Node]) -> Node:
    """Return the fields of a cast that tell its type."""
    return {
        "type_expr": {
            "class": "TYPE",
            "type": "TYPE",
            **PLACE,
            "catalog": "",
            "schema": "",
            "type_name": name,
            "children": sizes,
            "qualified_name": {"path": [name]},
        }
    }


def parameter(name: str) -> Node:
    """Return a bound parameter."""
    return {"class": "PARAMETER", "type": "VALUE_PARAMETER", **PLACE, "identifier": name}


def cast_to(name: str, child: Node) -> Node:
    """Return a cast of the child to a type."""
    kind = {"class": "CAST", "type": "OPERATOR_CAST", **PLACE, "try_cast": False}
    return {**kind, "child": child, **target(name, [])}


def rewritten(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return what the tree comes to when `change` is made to every object in it, inner first."""
    return change({name: _rewritten(value, change) for name, value in node.items()})


def _rewritten(value: Any, change: Callable[[Node], Node]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return rewritten(value, change)
    return [_rewritten(one, change) for one in value] if isinstance(value, list) else value


def finite(tree: Node) -> Node:
    """Return the tree with NULL for what has no result: a division by 0, the root of less than 0.

    To DuckDB these are infinite and NaN, both more than every number, so that a lower bound would
    be kept by what nobody can tell.
    """
    return rewritten(tree, _finite)


def _finite(made: Node) -> Node:
    name = made.get("function_name") if made.get("class") == "FUNCTION" else None
    arguments = arguments_of(made) if name in {"/", "nullif"} else []
    if name == "/" and len(arguments) == 2:  # noqa: PLR2004 - what is divided, and by what
        return {**made, **call("/", [arguments[0], _unless(arguments[1], constant("0"))])}
    if name == "nullif" and len(arguments) == 2:  # noqa: PLR2004 - a value, and what it may not be
        return arguments[0] if _is_without(*arguments) else made
    return _unless(made, cast_to("DOUBLE", constant("nan"))) if name == "sqrt" else made


def settled(tree: Node, columns: Sequence[str]) -> Node:
    """Return the tree with each window that goes by place ordered down to the row, by `columns`.

    The database takes equal rows in any order, another one each time. Ranges of values say which
    rows are equal: they stay, and what is taken of them is ordered. So are the terms of a sum, as
    fractions come to another one in another order.
    """
    return rewritten(
        tree, lambda made: _settled(made, columns) if made.get("class") == "WINDOW" else made
    )


def _settled(made: Node, columns: Sequence[str]) -> Node:
    name, ends = made["function_name"], (made["start"], made["end"])
    by_rows = any(end.endswith("_ROWS") for end in ends)
    by_value = any(end.startswith("EXPR") or end.endswith("_GROUPS") for end in ends)
    last = [_by(column(name)) for name in columns]
    if name in FRAMED and by_value and not by_rows:
        return made | {"arg_orders": [*made["orders"], *last]}
    if name in SUMS and not (by_rows or made["orders"]):
        terms = arguments_of(made)
        # To order by a constant is to order by the column of that number.
        return made | {"arg_orders": [_by(one) for one in terms if one["class"] != "CONSTANT"]}
    if name in RANKS or not (by_rows or name in BY_PLACE):
        return made
    if name in BY_PLACE - FRAMED:  # it pays no heed to a frame, which may take one order only
        made |= DEFAULT_FRAME
    elif not (by_rows or made["orders"]):  # it sees its whole partition, as without an order
        made |= {"start": "UNBOUNDED_PRECEDING", "end": "UNBOUNDED_FOLLOWING"}
    return made | {"orders": [*made["orders"], *last]}


def _by(expression: Node) -> Node:
    return {"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": expression}


def column(name: str) -> Node:
    """Return the tree of a column of the table."""
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", **PLACE, "column_names": [name]}


def _unless(node: Node, value: Node) -> Node:
    """Return the node with NULL where it has the value, or as it is where it cannot have it."""
    is_other = node["class"] == "CONSTANT" and re.search("[1-9]", _told(node)) is not None
    if is_other or _is_without(node, value):
        return node
    return {**function("nullif", [node, value]), "query_location": node["query_location"]}


def _is_without(node: Node, value: Node) -> bool:
    """Whether the node is `nullif(..., value)`."""
    if node.get("function_name") != "nullif":
        return False
    return _told(value) != "" and _told(arguments_of(node)[-1]) == _told(value)


def _told(node: Node) -> str:
    """Return what a number says that is written out; nothing for everything else."""
    literal = node.get("child", node).get("literal", {})
    return str(literal.get("text", ""))


def constant(text: str, kind: str = "") -> Node:
    """Return a literal of a kind of DuckDB: without one, a number if it is whole, else a text."""
    literal = {"kind": kind or ("INTEGER" if text.isdecimal() else "STRING"), "text": text}
    return {"class": "CONSTANT", "type": "VALUE_CONSTANT", **PLACE, "literal": literal}


FALSE: Final = constant("false", "BOOLEAN")


def children(node: Node) -> list[Node]:
    """Return the expressions within a rebuilt node: whatever in it has a class of its own."""
    found: list[Node] = []
    waiting = [value for name, value in node.items() if name != "type_expr"]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if "class" in value:
                found.append(value)
            else:
                waiting += value.values()
    return found


def nodes(tree: Any) -> Iterator[Node]:  # noqa: ANN401 - any part of a JSON tree
    """Give every node of the tree, outer ones first."""
    if isinstance(tree, dict) and "class" in tree:
        yield tree
    parts = tree.values() if isinstance(tree, dict) else tree
    for part in parts if isinstance(tree, (dict, list)) else ():
        yield from nodes(part)


def columns(tree: Node) -> set[str]:
    """Return the names of the columns in the tree, without that of a table before them."""
    found = (one["column_names"] for one in nodes(tree) if one["class"] == "COLUMN_REF")
    return {str(names[-1]) for names in found}


def parameters(tree: Node) -> set[str]:
    """Return the names of the parameters that are bound in the tree."""
    return {str(one["identifier"]) for one in nodes(tree) if one["class"] == "PARAMETER"}
