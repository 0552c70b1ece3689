"""Syntax trees of predicates, walked, changed and built.

Only for predicates that the guard has let through, or whose regenerated text goes through it.
"""

import json
from collections.abc import Iterator
from typing import Any

from scanner.engine.predicate.syntax import PLACE, Node, nodes, rewritten

Path = tuple[str | int, ...]


def walk(tree: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Give every expression in the tree with the path that leads to it, outer ones first."""
    if "class" in tree and tree["class"] != "TYPE":
        yield path, tree
    for key, value in tree.items():
        if key == "type_expr":
            continue
        if isinstance(value, dict):
            yield from walk(value, (*path, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield from walk(item, (*path, key, index))


def replaced(tree: Any, path: Path, new: Node) -> Any:  # noqa: ANN401 - lists and dictionaries
    """Return the tree with `new` at `path`; the given one stays as it is."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    copy: Any = list(tree) if isinstance(tree, list) else dict(tree)
    copy[step] = replaced(tree[step], rest, new)
    return copy


def has_window(tree: Node) -> bool:
    """Whether the value depends on other rows."""
    return any(node["class"] == "WINDOW" for node in nodes(tree))


def two_sided(node: Node) -> Node:
    """Return `x BETWEEN a AND b` as two comparisons, of which each may be understood by itself."""
    sides = [
        {"class": "COMPARISON", "type": kind, **PLACE, "left": node["input"], "right": bound}
        for kind, bound in (
            ("COMPARE_GREATERTHANOREQUALTO", node["lower"]),
            ("COMPARE_LESSTHANOREQUALTO", node["upper"]),
        )
    ]
    return {"class": "CONJUNCTION", "type": "CONJUNCTION_AND", **PLACE, "children": sides}


def identity(tree: Node) -> str:
    """Return a text that is the same for equal expressions, wherever they stand."""
    return json.dumps(rewritten(tree, _bare), sort_keys=True)


def _bare(made: Node) -> Node:
    return {name: part for name, part in made.items() if name not in PLACE}
