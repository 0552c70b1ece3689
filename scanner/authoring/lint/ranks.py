"""The predicates of rules enter; whether they can be TRUE or FALSE, alone and together, leaves.

What compares values with constants tells values apart by the constants alone: a value is missing,
is one of them, or lies before, between or after them. So each value of a row (a *subject*) becomes
a column of ranks, each constant its rank, and what is not understood a column that is missing,
false or true; and DuckDB evaluates the predicates on every combination there is, with its own
logic of NULL. Nothing is guessed: subjects that depend on one another in ways that are not seen
here only make more combinations, and where those are too many everything is taken to be possible.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec

from scanner.authoring import trees
from scanner.authoring.constants import Constant, is_constant, is_null
from scanner.authoring.lint.domains import Domain, domain, settled
from scanner.catalogue import Column
from scanner.engine.database import Connection
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node

MOST: Final = 1 << 18
"""Most combinations that are evaluated for a rule, in about 15 milliseconds."""

_AT_ONCE: Final = 50
"""Rules in one statement."""

_TRUTHS: Final = {
    **dict.fromkeys(("boolean", "opaque"), ("NULL", "false", "true")),
    "empty": ("NULL",),
    "holds": ("NULL", "true"),
    "fails": ("NULL", "false"),
}
"""What a subject without an order may be, by its kind."""

_SIDES: Final = {
    "COMPARE_LESSTHAN": 1,
    "COMPARE_GREATERTHANOREQUALTO": 1,
    "COMPARE_GREATERTHAN": -1,
    "COMPARE_LESSTHANOREQUALTO": -1,
}
"""Where the values lie that fare as the constant on the right does: above it, or below."""

# Beyond this a whole number and the number it is compared with may be rounded to one value.
_EXACT: Final = 2**53
_ASKED: Final = ("w", "r", "NOT r", "w AND r", "w AND NOT r")


class Possible(msgspec.Struct, frozen=True):
    """What can be for some row: `where` TRUE, the requirement TRUE or FALSE, and both at once."""

    applies: bool = True
    true: bool = True
    false: bool = True
    passes: bool = True
    fails: bool = True


def possibilities(
    connection: Connection,
    asked: Sequence[tuple[Mapping[str, Column], Node, Node]],
    known: Mapping[str, Constant],
) -> list[Possible]:
    """Tell what can be of each rule: its table's columns, its `where` and its requirement.

    `known` are the constants in them, by identity.
    """
    ranked = [_Ranked(*one, known) for one in asked]
    texts = iter(syntax.write(connection, [tree for one in ranked for tree in one.trees]))
    queries = [one.query(n, next(texts), next(texts)) for n, one in enumerate(ranked)]
    small = [query for query in queries if query]
    found: dict[int, Possible] = {}
    for start in range(0, len(small), _AT_ONCE):
        answer = connection.execute(" UNION ALL ".join(small[start : start + _AT_ONCE]))
        found |= {number: Possible(*can) for number, *can in answer.fetchall()}
    return [found.get(number, Possible()) for number in range(len(asked))]


class _Subject(msgspec.Struct, eq=False):
    """A value of a row, in a column of ranks: odd ones of constants, even ones between them.

    `points` are the constants, each with the sides whose values no comparison tells from it.
    """

    domain: Domain
    column: str
    points: dict[Constant, set[int]]

    @property
    def node(self) -> Node:
        """What stands for it in a predicate."""
        return syntax.column(self.column)

    def ranks(self) -> dict[Constant, int]:
        """Return the ranks of the constants."""
        return {point: 2 * n + 1 for n, point in enumerate(sorted(self.points))}

    def values(self) -> tuple[list[str], str]:
        """Return all that it may be, each that comparisons tell from the others; and the type."""
        if truths := _TRUTHS.get(self.domain.kind):
            return list(truths), "BOOLEAN"
        ranks, rooms = self.ranks(), {0}
        if any(sides != {0} for sides in self.points.values()):
            ends = [None, *ranks, None]
            rooms = {2 * n for n, two in enumerate(pairwise(ends)) if self.domain.has_between(*two)}
        made = [
            rank
            for point, rank in ranks.items()
            if self.domain.has(point)
            and not any({side} == self.points[point] and rank + side in rooms for side in (-1, 1))
        ]
        return ["NULL", *map(str, (*rooms, *made))], "INTEGER"


class _Ranked:
    """The predicates of one rule over ranks; `trees` are its `where` and its requirement."""

    def __init__(
        self,
        table: Mapping[str, Column],
        where: Node,
        requirement: Node,
        known: Mapping[str, Constant],
    ) -> None:
        self._table = table
        self._known = known
        self._subjects: dict[tuple[str, str], _Subject] = {}
        self._placed: list[tuple[Node, _Subject, Constant]] = []
        self.trees = (self._rewritten(where), self._rewritten(requirement))
        # Only now all constants of a subject are known, and with them their ranks.
        for node, subject, point in self._placed:
            node["literal"]["text"] = str(subject.ranks()[point])

    def query(self, number: int, where: str, requirement: str) -> str:
        """Return the statement that evaluates the predicates; "" for too many combinations."""
        chosen, size = [], 1
        for one in self._subjects.values():
            values, kind = one.values()
            place = f"n // {size} % {len(values)} + 1"
            chosen.append(f"CAST([{', '.join(values)}] AS {kind}[])[{place}] AS {one.column}")
            size *= len(values)
        # A subject that is missing is so in all of its columns.
        tied = [
            f"({one.column} IS NULL OR {whole.column} IS NOT NULL)"
            for (identity, apart), one in self._subjects.items()
            if apart and (whole := self._subjects.get((identity, "")))
        ]
        if size > MOST:
            return ""
        return (
            f"SELECT {number}, {', '.join(f'coalesce(bool_or({one}), false)' for one in _ASKED)}"
            f" FROM (SELECT ({where}) AS w, ({requirement}) AS r"
            f" FROM (SELECT {', '.join(chosen or ['n'])} FROM range({size}) AS combinations(n))"
            f" WHERE {' AND '.join(tied) or 'true'})"
        )

    def _rewritten(self, node: Node) -> Node:
        if is_constant(node):
            return self._literal(node)
        match node["class"], node["type"]:
            case ("CONJUNCTION", _) | (_, "OPERATOR_NOT"):
                made = self._parts(node)
            case "CASE", _:
                checks = [
                    {name: self._rewritten(part) for name, part in check.items()}
                    for check in node["case_checks"]
                ]
                otherwise = self._rewritten(node["else_expr"])
                made = {**node, "case_checks": checks, "else_expr": otherwise}
            case _ if trees.has_window(node) and not self._counts_rows(node):
                # Where rows may be missing all of it is NULL; see engine.judge.windows.
                made = self._subject(node).node
            case _, "OPERATOR_COALESCE":
                made = self._parts(node)
            case _, "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
                made = {**node, "children": [self._subject(node["children"][0]).node]}
            case "BETWEEN", _:
                made = self._parts(trees.two_sided(node))
            case ("COMPARISON", _) | (_, "COMPARE_IN" | "COMPARE_NOT_IN"):
                made = self._comparison(node)
            case _:
                made = self._condition(node)
        return made

    def _counts_rows(self, node: Node) -> bool:
        """Whether a number of rows is compared with constants: it is NULL where that is."""
        is_in = node["type"] in {"COMPARE_IN", "COMPARE_NOT_IN"}
        if not is_in and node["class"] not in {"BETWEEN", "COMPARISON"}:
            return False
        return "DISTINCT" not in node["type"] and all(
            is_constant(one) or (one["class"] == "WINDOW" and self._kind(one) == "whole")
            for one in syntax.children(node)
        )

    def _condition(self, node: Node) -> Node:
        """Rewrite a condition that is not understood, or is the same for every text."""
        if found := settled(node, self._table, self._known):
            text, holds = found
            return self._subject(text, trees.identity(node), "holds" if holds else "fails").node
        return self._subject(node).node

    def _literal(self, node: Node) -> Node:
        value = self._known.get(trees.identity(node))
        if isinstance(value, bool):
            return syntax.constant(str(value).lower(), "BOOLEAN")
        return node if is_null(node) else self._subject(node).node

    def _parts(self, node: Node) -> Node:
        return {**node, "children": [self._rewritten(child) for child in node["children"]]}

    def _comparison(self, node: Node) -> Node:
        """Rewrite what compares a subject with constants; all else may be so, or not."""
        keys = () if "children" in node else ("left", "right")
        operands = [node[key] for key in keys] or node["children"]
        free = {trees.identity(one): one for one in operands if not is_constant(one)}
        if len(free) > 1:
            return self._subject(node).node
        (one,) = free.values()
        values = [
            self._known.get(trees.identity(operand))
            for operand in operands
            if is_constant(operand) and not is_null(operand)
        ]
        kind, clocked = self._kind(one), {isinstance(value, timedelta) for value in values}
        fits = kind == "empty" or all(_fits(kind, value) for value in values)
        if len(clocked) > 1 or not fits:
            if "DISTINCT" in node["type"]:
                return self._subject(node).node
            return self._subject(one, trees.identity(node), "opaque").node
        # Times that the clock tells and times that it does not have no order among them.
        subject = self._subject(one, "clock" if True in clocked else "")
        side = _SIDES.get(node["type"], 0)
        made = [
            self._operand(subject, operand, -side if keys and not number else side)
            for number, operand in enumerate(operands)
        ]
        return {**node, **(dict(zip(keys, made, strict=True)) if keys else {"children": made})}

    def _operand(self, subject: _Subject, node: Node, side: int) -> Node:
        """Return what stands for a subject, or for a constant that it is compared with."""
        if not is_constant(node):
            return subject.node
        if is_null(node):
            return node
        point = self._known.get(trees.identity(node))
        if point is None or isinstance(point, bool) or subject.domain.kind == "empty":
            return syntax.constant("true" if point else "false", "BOOLEAN")
        if subject.domain.kind == "number":  # the database compares them as it keeps them
            point = float(point)  # type: ignore[arg-type]
        subject.points.setdefault(point, set()).add(side)
        self._placed.append((syntax.constant("", "INTEGER"), subject, point))
        return self._placed[-1][0]

    def _subject(self, node: Node, apart: str = "", kind: str = "") -> _Subject:
        """Return the subject that a part of a predicate is; `apart` is a column of its own."""
        key = trees.identity(node), apart
        if key not in self._subjects:
            made = Domain(kind) if kind else domain(node, self._table, self._known)
            if made.kind == "time" and apart != "clock":
                made = Domain("time")
            self._subjects[key] = _Subject(made, f"s{len(self._subjects)}", {})
        return self._subjects[key]

    def _kind(self, node: Node) -> str:
        return domain(node, self._table, self._known).kind


def _fits(kind: str, value: Constant | None) -> bool:
    """Whether the database compares as we do: no value is cast to another type first."""
    match value:
        case None:
            return False
        case bool():
            return kind == "boolean"
        case str():
            return kind == "text"
        case datetime() | timedelta():
            return kind == "time"
    return kind in {"whole", "number"} and -_EXACT < value < _EXACT
