"""What values the parts of a condition have: a text, a number, a time, or what else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from scanner.catalogue import Column
from scanner.engine.predicate.syntax import Node, arguments_of
from scanner.model.rule import ParamValue

NUMBERS: Final = frozenset({"INTEGER", "DECIMAL", "DOUBLE", "HUGEINT", "BIGINT", "NUMERIC"})
"""Kinds of literals that are numbers."""

_TEXTS: Final = frozenset(
    {"lower", "upper", "trim", "ltrim", "rtrim", "left", "right", "substring", "substr", "||"}
    | {"split_part", "regexp_extract", "->>", "json_extract_string", "concat", "reverse"}
)
_OF_FIRST: Final = frozenset({"lag", "lead", "first_value", "last_value", "min", "max", "nullif"})
"""Functions that give one of the values that they are given."""

TEXT, NUMBER, TRUTH, TIME = "a text", "a number", "true or false", "a time"
INTERVAL, LIST, JSON = "an interval", "a list", "a JSON value"
_COLUMNS: Final = {
    "VARCHAR": TEXT, "BIGINT": NUMBER, "INTEGER": NUMBER, "DOUBLE": NUMBER, "BOOLEAN": TRUTH,
    "TIMESTAMP WITH TIME ZONE": TIME, "JSON": JSON, "VARCHAR[]": LIST,
}  # fmt: skip
_CASTS: Final = {"INTERVAL": INTERVAL, "DATE": TIME, "TIMESTAMP": TIME, "TIMESTAMPTZ": TIME}
_MADE: Final = {
    "VARCHAR": TEXT, "BIGINT": NUMBER, "INTEGER": NUMBER, "DOUBLE": NUMBER, "DATE": TIME,
    "TIMESTAMP": TIME, "TIMESTAMPTZ": TIME, "TIMESTAMP WITH TIME ZONE": TIME,
}  # fmt: skip
"""What a cast makes of the values of a row."""


def column_name(node: Node) -> str:
    """Return the column that the node is; empty if it is none."""
    return str(node["column_names"][-1]).lower() if node["class"] == "COLUMN_REF" else ""


def is_text(node: Node, columns: Mapping[str, Column]) -> bool:
    """Whether the part is a column of texts, or a function that gives one."""
    return row_kind(node, columns) == TEXT


def literal_kind(node: Node) -> str:
    """Return the kind of literal that the node is; empty if it is none."""
    return str(node["literal"]["kind"]) if node["class"] == "CONSTANT" else ""


def literal_text(node: Node) -> str:
    """Return the text of a literal; empty if the node is none."""
    return str(node["literal"].get("text", "")) if node["class"] == "CONSTANT" else ""


def row_kind(node: Node, columns: Mapping[str, Column]) -> str:
    """Return what a part is that depends on the row; empty where that is not known."""
    name = str(node.get("function_name", "")).lower()
    match node["class"]:
        case "COLUMN_REF":
            column = columns.get(column_name(node))
            return _COLUMNS.get(column.type, "") if column else ""
        case "CAST" if row_kind(node["child"], columns):
            return _MADE.get(str(node["type_expr"].get("type_name", "")).upper(), "")
        case "FUNCTION" | "WINDOW" if name in _OF_FIRST and node["arguments"]:
            return row_kind(arguments_of(node)[0], columns)
        case "OPERATOR" if node["type"] == "OPERATOR_COALESCE":
            return row_kind(node["children"][0], columns)
        case "OPERATOR" if node["type"] == "ARRAY_EXTRACT":
            return TEXT if row_kind(node["children"][0], columns) == LIST else ""
    return TEXT if name in _TEXTS else ""


def written_kind(node: Node, given: Mapping[str, ParamValue]) -> str:
    """Return what a literal or a parameter is; empty where that is not known."""
    if node["class"] == "CAST" and node["child"]["class"] == "CONSTANT":
        return _CASTS.get(str(node["type_expr"].get("type_name", "")).upper(), "")
    if node["class"] == "PARAMETER":
        return _kind_of(given.get(str(node["identifier"])))
    kind = literal_kind(node)
    return NUMBER if kind in NUMBERS else {"STRING": TEXT, "BOOLEAN": TRUTH}.get(kind, "")


def _kind_of(value: ParamValue) -> str:
    if isinstance(value, list):  # each of its items is compared
        return _kind_of(value[0]) if value else ""
    kinds = ((bool, TRUTH), ((int, float), NUMBER), (timedelta, INTERVAL), (str, TEXT))
    return next((kind for types, kind in kinds if isinstance(value, types)), "")
