"""What a predicate may cost, estimated from its tree before anything is run.

DuckDB builds the texts of a statement for a few thousand rows at a time, outside of what its
memory limit counts. So their bytes are estimated here, from how wide a column's values are taken
to be: `dsn || dsn` makes two kilobytes a row. Everything is bounded twice, for one predicate and
for all that are checked together, since all rules of a table may run in one statement.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from scanner.catalogue import TEXTS, Column
from scanner.engine.predicate.syntax import Node, children
from scanner.model.rule import ParamValue

_NARROW: Final = 16
"""Bytes of a number, a time or a truth value, and of a reference to a text."""

_TEXT: Final = 64
_JSON: Final = 1_024
_FIELD: Final = 128
"""Bytes of a column's value, or a field's of a JSON value; what is larger costs in proportion."""

_WIDTHS: Final = {"VARCHAR": _TEXT, "JSON": _JSON, TEXTS: _JSON}

_PARTS: Final = 16
_FOUND: Final = 4
"""How much larger a text is in parts, each a character, and JSON as a list of its fields."""

_JOINING: Final = frozenset({"||", "concat", "list_value"})
_SPLITTING: Final = frozenset({"split_part"})
_PATHS: Final = frozenset({"->", "->>", "json_extract", "json_extract_string"})
_COPYING: Final = frozenset(
    {
        *("lower", "upper", "trim", "ltrim", "rtrim", "left", "right", "substring", "substr"),
        *("reverse", "regexp_extract", "greatest", "least", "nullif"),
    }
)


class Cost(msgspec.Struct):
    """What a predicate comes to.

    `nodes` of its tree; `items` of lists that it looks in; `instructions` of its regular
    expressions; `bytes` a row of the texts that it builds.
    """

    nodes: int = 0
    items: int = 0
    instructions: int = 0
    bytes: int = 0

    def add(self, other: "Cost") -> None:
        """Count another cost in."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


MOST: Final = Cost(nodes=1_000, items=20_000, instructions=20_000, bytes=32 * 1_024)
"""The most that one predicate may cost."""

MOST_TOGETHER: Final = Cost(nodes=100_000, items=40_000, instructions=150_000, bytes=256 * 1_024)
"""The most that all predicates of a scan, a lint or a test may cost together."""

_WORDS: Final = {
    "nodes": "operators, columns and values",
    "items": "items of list parameters",
    "instructions": "instructions of regular expressions",
    "bytes": "bytes of text built for a row",
}


def beyond(cost: Cost, most: Cost) -> str:
    """Return what there is too much of, in words; empty where the cost is within the most."""
    for name, what in _WORDS.items():
        spent, limit = getattr(cost, name), getattr(most, name)
        if spent > limit:
            return f"{spent:,} {what}; {limit:,} is the most"
    return ""


class Scale:
    """Estimates the bytes that a predicate over some columns builds for a row."""

    def __init__(self, columns: Mapping[str, Column], params: Mapping[str, ParamValue]) -> None:
        self._columns = columns
        self._params = params
        self.built = 0

    def width(self, node: Node) -> int:
        """Return the bytes of the node's value, and add up in `built` what is made anew."""
        kind = node["class"]
        if kind == "COLUMN_REF":
            column = self._columns.get(str(node["column_names"][0]))
            return _WIDTHS.get(column.type if column else "", _NARROW)
        if kind == "CONSTANT":
            return len(str(node["literal"].get("text", ""))) + _NARROW
        if kind == "PARAMETER":
            return len(str(self._params.get(str(node["identifier"]), ""))) + _NARROW
        widths = [self.width(child) for child in children(node)] or [_NARROW]
        if kind == "FUNCTION":
            return self._function(node, widths)
        return self._other(node, max(widths))

    def _other(self, node: Node, widest: int) -> int:
        kind = node["class"]
        is_text = kind == "CAST" and str(node["type_expr"]["type_name"]) in {"VARCHAR", "JSON"}
        if is_text or kind == "WINDOW":
            return self._made(widest)
        return widest if kind in {"CASE", "OPERATOR"} else _NARROW

    def _function(self, node: Node, widths: list[int]) -> int:
        name = str(node["function_name"])
        if name in _JOINING:
            return self._made(sum(widths))
        if name in _SPLITTING:
            return self._made(max(widths) * _PARTS)
        if name in _PATHS:
            path = self._path(node)
            if path.startswith("$") and "*" in path:  # one value for each that it matches
                return self._made(max(widths) * _FOUND)
            return self._made(max(widths) if path == "$" else min(max(widths), _FIELD))
        return self._made(max(widths)) if name in _COPYING else _NARROW

    def _path(self, node: Node) -> str:
        path = node["arguments"][-1]["expression"]
        if path["class"] == "PARAMETER":
            return str(self._params.get(str(path["identifier"]), ""))
        return str(path.get("literal", {}).get("text", ""))

    def _made(self, width: int) -> int:
        self.built += width
        return width
