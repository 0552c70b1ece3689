"""The parts of a guarded predicate, as a tree: what explanations are made of."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from scanner.engine.database import Connection
from scanner.engine.predicate.syntax import Node, serialize, write

_OF_INTEREST: Final = frozenset({"COLUMN_REF", "PARAMETER", "WINDOW"})


class Part(msgspec.Struct, frozen=True):
    """A part of a predicate.

    `kind` and `name` are DuckDB's: COMPARISON and COMPARE_EQUAL, FUNCTION and lower. `roles` says
    what each child is to its parent, such as `when` and `then`; `node` is the syntax tree itself.
    """

    kind: str
    name: str
    sql: str
    children: tuple["Part", ...]
    roles: tuple[str, ...]
    node: Node

    @property
    def is_variable(self) -> bool:
        """Whether its value depends on the row, on a parameter or on the time."""
        return self.kind in _OF_INTEREST or any(child.is_variable for child in self.children)


def outline(connection: Connection, sql: str) -> Part:
    """Take an expression apart that came out of the guard."""
    (text,) = serialize(connection, [f"SELECT {sql}"])
    statement = json.loads(text)["statements"][0]
    root: Node = statement["node"]["select_list"][0]
    nodes = list(_walk(root))
    texts = iter(write(connection, nodes))
    return _part(root, texts)


def replaced(node: Any, swap: Mapping[int, Node]) -> Any:  # noqa: ANN401 - any part of a JSON tree
    """Return a copy of a tree in which nodes, told by their id(), are others."""
    if isinstance(node, list):
        return [replaced(item, swap) for item in node]
    if not isinstance(node, dict):
        return node
    if id(node) in swap:
        return swap[id(node)]
    return {name: replaced(value, swap) for name, value in node.items()}


def _walk(node: Node) -> Iterator[Node]:
    """Give the nodes in the order in which _part asks for their texts."""
    yield node
    for _, child in _children(node):
        yield from _walk(child)


def _part(node: Node, texts: Iterator[str]) -> Part:
    sql = next(texts)
    found = _children(node)
    children = tuple(_part(child, texts) for _, child in found)
    name = str(node.get("function_name") or node["type"])
    return Part(str(node["class"]), name, sql, children, tuple(role for role, _ in found), node)


def _children(node: Node) -> list[tuple[str, Node]]:
    match node["class"]:
        case "COMPARISON":
            found = [("", node["left"]), ("", node["right"])]
        case "CONJUNCTION" | "OPERATOR":
            found = [("", child) for child in node["children"]]
        case "BETWEEN":
            found = [("", node[part]) for part in ("input", "lower", "upper")]
        case "CASE":
            found = []
            for check in node["case_checks"]:
                found += [("when", check["when_expr"]), ("then", check["then_expr"])]
            found.append(("else", node["else_expr"]))
        case "CAST":
            found = [("", node["child"])]
        case "FUNCTION":
            found = [("", argument["expression"]) for argument in node["arguments"]]
        case "WINDOW":
            found = [("", argument["expression"]) for argument in node["arguments"]]
            found += [("partition by", child) for child in node["partitions"]]
            found += [("order by", order["expression"]) for order in node["orders"]]
        case _:
            found = []
    return found
