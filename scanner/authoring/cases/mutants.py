"""Small changes of predicates, each one a mistake that an author could make."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from scanner.authoring.trees import Path, replaced, walk
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import ParamValue

_EDGES: Final = {
    "COMPARE_LESSTHAN": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHAN": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_GREATERTHAN",
}
_OPPOSITES: Final = {
    "COMPARE_EQUAL": "COMPARE_NOTEQUAL",
    "COMPARE_NOTEQUAL": "COMPARE_EQUAL",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHAN",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHAN",
    "COMPARE_DISTINCT_FROM": "COMPARE_NOT_DISTINCT_FROM",
    "COMPARE_NOT_DISTINCT_FROM": "COMPARE_DISTINCT_FROM",
    "OPERATOR_IS_NULL": "OPERATOR_IS_NOT_NULL",
    "OPERATOR_IS_NOT_NULL": "OPERATOR_IS_NULL",
}
_JOINTS: Final = {"CONJUNCTION_AND": "CONJUNCTION_OR", "CONJUNCTION_OR": "CONJUNCTION_AND"}
_LIKE: Final = {"~~": "!~~", "!~~": "~~", "~~*": "!~~*", "!~~*": "~~*"}
_FLIPPED: Final = {"DESCENDING": "ASCENDING"}
_PATTERNS: Final = frozenset({"regexp_matches", "regexp_full_match", "regexp_extract", *_LIKE})
_PART: Final = 1_000
"""A number that need not be whole is moved by this part of itself."""


class Mutant(msgspec.Struct, frozen=True):
    """A changed tree: where the change is, what was done, and the node before and after."""

    tree: Node
    path: Path
    what: str
    before: Node
    after: Node


def mutants(tree: Node) -> Iterator[Mutant]:
    """Give every mutant of a predicate, outer changes first."""
    for path, node in walk(tree):
        if _only_counted(tree, path):
            continue
        for what, after in _changes(node, is_condition=_is_condition(tree, path)):
            yield Mutant(replaced(tree, path, after), path, what, node, after)


def moved(value: ParamValue) -> Iterator[tuple[str, ParamValue]]:
    """Give other values for a parameter: one unit less and more, or one item less."""
    match value:
        case bool():
            yield "the other value", not value
        case int():
            yield "one less", value - 1
            yield "one more", value + 1
        case float() if math.isfinite(value):
            step = abs(value) / _PART or 1 / _PART
            yield "a little less", value - step
            yield "a little more", value + step
        case timedelta():
            yield "a second less", value - timedelta(seconds=1)
            yield "a second more", value + timedelta(seconds=1)
        case list():
            for index in range(len(value)):
                rest: Any = value[:index] + value[index + 1 :]
                yield f"without {value[index]!r}", rest


def _changes(node: Node, *, is_condition: bool) -> Iterator[tuple[str, Node]]:
    kind = node["class"]
    if kind == "FUNCTION":
        yield from _function(node, is_condition=is_condition)
    elif kind == "COLUMN_REF" and is_condition:
        yield "negated", _negated(node)
    elif kind in _CHANGES:
        yield from _CHANGES[kind](node)


def _comparison(node: Node) -> Iterator[tuple[str, Node]]:
    if edge := _EDGES.get(node["type"]):
        yield "other boundary", {**node, "type": edge}
    yield "opposite", {**node, "type": _OPPOSITES[node["type"]]}


def _conjunction(node: Node) -> Iterator[tuple[str, Node]]:
    yield "and/or", {**node, "type": _JOINTS[node["type"]]}
    yield from _dropped(node)


def _between(node: Node) -> Iterator[tuple[str, Node]]:
    yield "opposite", _negated(node)


def _dropped(node: Node) -> Iterator[tuple[str, Node]]:
    children = node["children"]
    for index in range(len(children)):
        rest = children[:index] + children[index + 1 :]
        yield "part dropped", rest[0] if len(rest) == 1 else {**node, "children": rest}


def _operator(node: Node) -> Iterator[tuple[str, Node]]:
    children = node["children"]
    match node["type"]:
        case "OPERATOR_NOT":
            yield "not dropped", children[0]
        case "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
            yield "opposite", {**node, "type": _OPPOSITES[node["type"]]}
        case "OPERATOR_COALESCE":
            yield "fallback dropped", children[0]
        case "COMPARE_IN" | "COMPARE_NOT_IN":
            yield "opposite", _negated(node)
            # The only item stays: without it there would be nothing to be in.
            for index in range(1, len(children) if children[2:] else 0):
                rest = children[:index] + children[index + 1 :]
                yield "item dropped", {**node, "children": rest}


def _branches(node: Node) -> Iterator[tuple[str, Node]]:
    checks = node["case_checks"]
    for index in range(len(checks)):
        rest = checks[:index] + checks[index + 1 :]
        yield "branch dropped", {**node, "case_checks": rest} if rest else node["else_expr"]


def _window(node: Node) -> Iterator[tuple[str, Node]]:
    partitions, orders = node["partitions"], node["orders"]
    for index in range(len(partitions)):
        rest = partitions[:index] + partitions[index + 1 :]
        yield "partition widened", {**node, "partitions": rest}
    for index, order in enumerate(orders):
        flipped = {**order, "type": _FLIPPED.get(order["type"], "DESCENDING")}
        changed = [*orders[:index], flipped, *orders[index + 1 :]]
        yield "order reversed", {**node, "orders": changed}


def _constant(node: Node) -> Iterator[tuple[str, Node]]:
    literal = node["literal"]
    match literal["kind"]:
        case "BOOLEAN":
            other = "false" if literal["text"].lower() == "true" else "true"
            yield "other constant", _with_text(node, other)
        case "INTEGER":
            for step in (-1, 1):
                yield "other constant", _with_text(node, str(int(literal["text"]) + step))
        case "NUMERIC":
            number = Decimal(literal["text"])
            unit = Decimal(1).scaleb(min(int(number.as_tuple().exponent), 0))
            for moved_by in (-unit, unit):
                yield "other constant", _with_text(node, f"{number + moved_by:f}")


def _function(node: Node, *, is_condition: bool) -> Iterator[tuple[str, Node]]:
    name = str(node["function_name"]).lower()
    if name in _LIKE:
        other = _LIKE[name]
        yield (
            "opposite",
            {**node, "function_name": other, "qualified_name": {"path": [other]}},
        )
    elif is_condition:
        yield "negated", _negated(node)
    if name in _PATTERNS:
        yield from _pattern(node, is_like=name in _LIKE)
    if name in {"lower", "upper", "trim"}:
        yield f"{name}() dropped", node["arguments"][0]["expression"]


def _pattern(node: Node, *, is_like: bool) -> Iterator[tuple[str, Node]]:
    """Loosen or tighten a pattern at either end."""
    pattern = node["arguments"][1]["expression"]
    if pattern["class"] != "CONSTANT" or pattern["literal"]["kind"] != "STRING":
        return
    text = pattern["literal"]["text"]
    first, last = ("%", "%") if is_like else ("^", "$")
    changed = {text.removeprefix(first), text.removesuffix(last)} - {text, ""}
    for other in sorted(changed):
        argument = {**node["arguments"][1], "expression": _with_text(pattern, other)}
        arguments = [node["arguments"][0], argument, *node["arguments"][2:]]
        yield "pattern's end dropped", {**node, "arguments": arguments}


def _with_text(node: Node, text: str) -> Node:
    return {**node, "literal": {**node["literal"], "text": text}}


def _negated(node: Node) -> Node:
    return {
        "class": "OPERATOR",
        "type": "OPERATOR_NOT",
        "alias": "",
        "query_location": node.get("query_location", 0),
        "query_location_length": 0,
        "children": [node],
    }


def _only_counted(tree: Node, path: Path) -> bool:
    """Whether the node is a constant of which nothing counts but that it is not NULL."""
    nodes: list[Any] = [tree]
    for step in path:
        nodes.append(nodes[-1][step])
    if nodes[-1]["class"] != "CONSTANT" or path[-1:] not in (("then_expr",), ("else_expr",)):
        return False
    outer = [node for node in nodes[:-1] if isinstance(node, dict) and "class" in node][-2:]
    return [one.get("function_name", one["class"]) for one in outer] == ["count", "CASE"]


def _is_condition(tree: Node, path: Path) -> bool:
    """Whether the node stands where a condition does, so that it can be negated."""
    if not path:
        return True
    above: Any = tree
    for step in path[: -2 if isinstance(path[-1], int) else -1]:
        above = above[step]
    if path[-1] == "when_expr":
        return True
    return isinstance(above, dict) and (
        above.get("class") == "CONJUNCTION" or above.get("type") == "OPERATOR_NOT"
    )


_CHANGES: Final[dict[str, Callable[[Node], Iterator[tuple[str, Node]]]]] = {
    "COMPARISON": _comparison,
    "CONJUNCTION": _conjunction,
    "OPERATOR": _operator,
    "BETWEEN": _between,
    "CASE": _branches,
    "CONSTANT": _constant,
    "WINDOW": _window,
}
