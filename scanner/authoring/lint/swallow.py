"""Requirements that hide a missing value: they pass or fail where they should be unknown."""

from collections.abc import Iterator, Sequence
from typing import Final

from scanner.authoring import trees
from scanner.authoring.constants import is_null
from scanner.base.errors import Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge import places
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node

FUNCTIONS: Final[dict[str, str]] = {
    "concat": "Join with `||`, which is NULL where a part is.",
    "greatest": "Compare each value by itself, joined with AND or OR.",
    "least": "Compare each value by itself, joined with AND or OR.",
    "list_value": "Compare each value by itself, joined with AND or OR.",
    "nullif": "Compare with `=` or `<>`.",
}
"""Allowed functions that have a value though an argument is NULL, with what to write instead."""

WINDOWS: Final = frozenset({"count", "min", "max", "sum", "avg", "bool_and", "bool_or"})
"""Windows that leave out rows without a value."""

_DISTINCT: Final = ("COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM")
_NULLNESS: Final = ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL")
_ON_PURPOSE: Final = "To decide on purpose, add `{0} IS NULL OR` or `{0} IS NOT NULL AND`."

Swallowed = tuple[Node, str, str, list[Node]]
"""The node that hides, what it is called, what to write instead, and the parts it hides."""


def swallowed(connection: Connection, sound: Sequence[Prepared]) -> list[Problem]:
    """Return a warning for each column whose missing value an author's requirement hides."""
    own = [one for one in sound if one.rule.check is None]
    texts = [one.rule.requirement.text for one in own]
    requirements = syntax.parse(connection, texts)
    wheres = syntax.parse(
        connection, [one.rule.where.text if one.rule.where else "true" for one in own]
    )
    return [
        problem
        for one, tree, where in zip(own, requirements, wheres, strict=True)
        for problem in _problems(one, tree, where)
    ]


def _problems(one: Prepared, tree: Node, where: Node) -> Iterator[Problem]:
    predicate = one.rule.requirement
    decided = _decided(tree) | _decided(where) | _given(where) | never_null(one.rule.resource)
    told: set[tuple[str, str]] = set()
    for node, what, instead, parts in _findings(tree, one.rule.resource):
        for column in sorted({name for part in parts for name in _columns(part)} - decided):
            if (what, column) in told:
                continue
            told.add((what, column))
            place = predicate.place(syntax.offset(node, predicate.text))
            message = (
                f"{what} hides that `{column}` is missing: the rule then passes or fails instead of"
                " being unknown"
            )
            hint = f"{instead} {_ON_PURPOSE.format(column)}"
            yield Problem(place, message, "null-swallowed", hint)


def never_null(table: str) -> set[str]:
    """Return the columns that have a value in every row."""
    spec = TABLES[table]
    return {
        name
        for name, column in spec.columns.items()
        if any(
            field.required and column.source == f"<{path}>" for path, field in spec.fields.items()
        )
    }


def _findings(tree: Node, table: str) -> Iterator[Swallowed]:
    for _, node in trees.walk(tree):
        match node["class"], node["type"]:
            case "OPERATOR", "OPERATOR_COALESCE":
                # The last one's NULL is that of the whole.
                yield node, "coalesce()", "Leave it out.", node["children"][:-1]
            case "COMPARISON", kind if kind in _DISTINCT:
                sides = [node["left"], node["right"]]
                if not any(is_null(side) for side in sides):
                    yield node, "IS [NOT] DISTINCT FROM", "Write `=` or `<>`.", sides
            case "CASE", _:
                hidden = list(_conditions(node))
                yield node, "CASE", "Begin it with `WHEN ... IS NULL THEN NULL`.", hidden
            case "FUNCTION", _:
                name = str(node["function_name"]).lower()
                arguments = [argument["expression"] for argument in node["arguments"]]
                if name in FUNCTIONS:
                    hidden = arguments[1:] if name == "nullif" else arguments
                    yield node, f"{name}()", FUNCTIONS[name], hidden
            case "OPERATOR", kind if kind not in _KNOWN:
                yield node, kind.removeprefix("OPERATOR_").replace("_", " "), "", node["children"]
            case "WINDOW", _:
                yield from _window(node, table)


_KNOWN: Final = frozenset(
    {
        *_NULLNESS,
        "OPERATOR_NOT",
        "OPERATOR_COALESCE",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
        "ARRAY_EXTRACT",
    }
)
"""Operators that keep NULL, or are looked at by themselves."""


def _conditions(node: Node) -> Iterator[Node]:
    """Give the conditions that lead on to a value where they are NULL."""
    checks = node["case_checks"]
    for number, check in enumerate(checks):
        later = [other["then_expr"] for other in checks[number + 1 :]] + [node["else_expr"]]
        if not all(is_null(value) for value in later):
            yield check["when_expr"]


def _window(node: Node, table: str) -> Iterator[Swallowed]:
    name = str(node["function_name"]).lower()
    over = f"{name}() OVER"
    # Of rows that do not tell their place the engine knows; see engine.judge.windows.
    known = {TABLES[table].organization}
    known |= {"project_id", "project_slug"} if places.has_projects(table) else set()
    grouped = [part for part in node["partitions"] if not set(_columns(part)) <= known]
    yield node, "PARTITION BY", "Rows without a value are one group.", grouped
    ordered = [order["expression"] for order in node["orders"]]
    yield node, f"{over} (ORDER BY ...)", "Rows without a value come last.", ordered
    if name in WINDOWS:
        skipped = [argument["expression"] for argument in node["arguments"]]
        skipped += [node["filter_expr"]] if node["filter_expr"] else []
        yield node, over, "It leaves out rows without a value.", skipped


def _decided(tree: Node) -> set[str]:
    """Return the columns about whose NULL the predicate decides in so many words."""
    return {
        name
        for _, node in trees.walk(tree)
        if node["type"] in _NULLNESS
        for name in _columns(node["children"][0])
    }


def _given(where: Node) -> set[str]:
    """Return the columns that have a value wherever `where` is TRUE."""
    if where["type"] == "CONJUNCTION_AND":
        return set().union(*(_given(child) for child in where["children"]))
    for _, node in trees.walk(where):
        plain = {"COLUMN_REF", "CONSTANT", "PARAMETER", "BETWEEN", "CAST"}
        strict = (
            node["class"] in plain
            or (node["class"] == "COMPARISON" and node["type"] not in _DISTINCT)
            or (node["class"] == "FUNCTION" and node["function_name"].lower() not in FUNCTIONS)
            or node["type"] == "OPERATOR_NOT"
        )
        if not strict:
            return set()
    return set(_columns(where))


def _columns(node: Node) -> Iterator[str]:
    for _, part in trees.walk(node):
        if part["class"] == "COLUMN_REF":
            yield str(part["column_names"][-1]).lower()
