"""Conditions that are sound, and probably not what was meant: values that a column hardly has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scanner.authoring import trees
from scanner.authoring.constants import is_constant
from scanner.base.errors import Problem
from scanner.base.hints import did_you_mean
from scanner.catalogue import TABLES, Column
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.kinds import column_name, literal_kind, literal_text
from scanner.engine.predicate.syntax import Node, arguments_of
from scanner.engine.predicate.vocabulary import MEMBERSHIP, SETS
from scanner.model.rule import Predicate

_SAME: Final = frozenset(
    {"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM"}
    | {"COMPARE_IN", "COMPARE_NOT_IN"}
)
_NO_PATTERNS: Final = "Name the items of the list one by one; it is not held against patterns."
_PLAIN: Final = frozenset({"lower", "upper", "trim"})

Rates = Mapping[str, frozenset[str]]
"""The parameters of a rule that are rates, by its id."""


def doubts(
    connection: Connection, sound: Sequence[Prepared], rates: Rates
) -> tuple[list[Problem], list[Problem]]:
    """Return errors, for wrong units, and warnings, for values that a column hardly has."""
    asked = [(one, predicate) for one in sound for predicate in _predicates(one)]
    parsed = syntax.parse(connection, [predicate.text for _, predicate in asked])
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for (one, predicate), tree in zip(asked, parsed, strict=True):
        columns = TABLES[one.rule.resource].columns
        for _, node in trees.walk(tree):
            warnings += _unlikely(node, columns, predicate)
            errors += _units(node, columns, predicate, rates.get(one.rule.id, frozenset()))
    return list(dict.fromkeys(errors)), list(dict.fromkeys(warnings))


def _predicates(one: Prepared) -> Iterator[Predicate]:
    rule = one.rule
    yield from rule.conditions or ([rule.where] if rule.where else [])
    yield rule.requirement


def _unlikely(node: Node, columns: Mapping[str, Column], predicate: Predicate) -> Iterator[Problem]:
    parts = _compared(node)
    about = next((part for part in parts if not is_constant(part)), None)
    name = column_name(_bare(about)) if about is not None else ""
    column = columns.get(name)
    if column is None or column.type not in {"VARCHAR", "VARCHAR[]"}:
        return
    for part in parts:
        for text in _texts(part, predicate) if part is not about else ():
            place = predicate.place(max(syntax.offset(part, predicate.text), 0))
            if column.values and text not in column.values:
                hint = did_you_mean(text, column.values, kind=f"values of `{name}`")
                message = f"`{name}` has no value '{text}' that we know"
                yield Problem(place, message, "unknown-value", hint)
            elif set("*%") & set(text):
                message = f"'{text}' is compared as it stands: * and % are no wildcards here"
                hint = _pattern(name, text) if column.type == "VARCHAR" else _NO_PATTERNS
                yield Problem(place, message, "no-wildcard", hint)


def _pattern(name: str, text: str) -> str:
    """Say what to write for a text with wildcards."""
    like, glob = text.replace("*", "%"), text.replace("%", "*")
    return f"Write {name} LIKE '{like}', or name_matches_any({name}, ['{glob}']) for several."


def _compared(node: Node) -> list[Node]:
    """Return what the node holds for the same, and the items of lists that are written out."""
    if node["class"] == "COMPARISON" and node["type"] in _SAME:
        return [node["left"], node["right"]]
    if node["class"] == "OPERATOR" and node["type"] in _SAME:
        return list(node["children"])
    name = str(node["function_name"]).lower() if node["class"] == "FUNCTION" else ""
    # contains() of a text is about a part of it, and of a list parameter is `column IN $list`.
    is_list = name in MEMBERSHIP - {"contains"} or name in SETS
    if is_list or (name == "contains" and arguments_of(node)[0]["class"] == "PARAMETER"):
        return [item for argument in arguments_of(node) for item in _items(argument)]
    return []


def _items(node: Node) -> list[Node]:
    is_written = node["class"] == "FUNCTION" and node["function_name"] == "list_value"
    return arguments_of(node) if is_written else [node]


def _bare(node: Node) -> Node:
    """Return the column within functions that leave a text the text it is."""
    while node["class"] == "FUNCTION" and node["function_name"] in _PLAIN and node["arguments"]:
        node = arguments_of(node)[0]
    return node


def _texts(node: Node, predicate: Predicate) -> list[str]:
    """Return the texts that a literal or a parameter is."""
    if node["class"] == "PARAMETER":
        value = predicate.params.get(str(node["identifier"]))
        return [
            one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)
        ]
    return [literal_text(node)] if literal_kind(node) == "STRING" else []


def _units(
    node: Node, columns: Mapping[str, Column], predicate: Predicate, rates: frozenset[str]
) -> Iterator[Problem]:
    """Tell of rates, which are events per second, beside numbers of another unit."""
    sides = {"COMPARISON": ("left", "right"), "BETWEEN": ("input", "lower", "upper")}
    parts = [node[side] for side in sides.get(node["class"], ())]
    counts = [
        part for part in parts if (one := columns.get(column_name(part))) and one.type == "BIGINT"
    ]
    for part in parts if counts else ():
        if part["class"] == "PARAMETER" and str(part["identifier"]) in rates:
            name = column_name(counts[0])
            fitting = [other for other, column in columns.items() if column.type == "DOUBLE"]
            hint = f"Compare it with {fitting[0]}." if fitting else "Use another type."
            yield Problem(
                predicate.place(max(syntax.offset(part, predicate.text), 0)),
                f"`${part['identifier']}` is a rate, in events per second, and `{name}` is none:"
                f" {columns[name].doc[0].lower()}{columns[name].doc[1:]}",
                "wrong-unit",
                hint,
            )
