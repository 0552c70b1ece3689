"""The ways in which a predicate is true, and those in which it is false.

Nothing is guessed: what is not understood counts as possible.
"""

from collections.abc import Mapping
from typing import Final

from scanner.authoring import trees
from scanner.authoring.lint.conditions import (
    ALWAYS,
    NEVER,
    NOT_NULL,
    NULL,
    RowCondition,
    Way,
    both,
    either,
)
from scanner.authoring.lint.fold import FoldedValue, Folder, is_constant
from scanner.catalogue import Column
from scanner.engine.predicate.syntax import Node

_OPPOSITE: Final = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPERATORS: Final = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_DISTINCT: Final = {"COMPARE_DISTINCT_FROM": "<>", "COMPARE_NOT_DISTINCT_FROM": "="}
_DOMAINS: Final = {
    "VARCHAR": "text",
    "BIGINT": "whole",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "time",
}
_FUNCTIONS: Final = {
    **dict.fromkeys(("length", "len", "strpos", "position", "instr"), "whole"),
    **dict.fromkeys(("year", "month", "day", "hour", "dayofweek"), "whole"),
    "lower": "lower",
    "upper": "upper",
    **dict.fromkeys(("trim", "left", "right", "split_part", "regexp_extract", "->>"), "text"),
}
# Beyond this a whole number and the number it is compared with may be rounded to one value.
_EXACT: Final = 2**53


class Reasoner:
    """Finds the ways in which the predicates over one table are true, or false."""

    def __init__(self, table: Mapping[str, Column], folder: Folder) -> None:
        self._table = table
        self._folder = folder
        self._kinds = {
            "CONJUNCTION": self._conjunction,
            "OPERATOR": self._operator,
            "COMPARISON": self._comparison,
            "BETWEEN": self._between,
            "CASE": self._case,
        }

    def ways(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        """Return the ways in which the predicate is TRUE, or those in which it is FALSE."""
        if is_constant(node):
            return self._constant(node, to_be=to_be)
        if node["class"] == "COLUMN_REF" and self._domain(node) == "boolean":
            return self._compare(node, "=", value=to_be)
        return self._kinds.get(node["class"], self._opaque)(node, to_be=to_be)

    def _conjunction(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        combine = both if (node["type"] == "CONJUNCTION_AND") is to_be else either
        first, *others = [self.ways(child, to_be=to_be) for child in node["children"]]
        for more in others:
            first = combine(first, more)
        return first

    def _constant(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        folded = self._folder.value(node)
        if not folded.known or not (folded.value is None or isinstance(folded.value, bool)):
            return ALWAYS
        return ALWAYS if folded.value is to_be else NEVER

    def _operator(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        children = node["children"]
        match node["type"]:
            case "OPERATOR_NOT":
                return self.ways(children[0], to_be=not to_be)
            case "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
                is_null = (node["type"] == "OPERATOR_IS_NULL") is to_be
                return self._nullness(children[0], NULL if is_null else NOT_NULL)
            case "COMPARE_IN" | "COMPARE_NOT_IN":
                return self._membership(node, to_be=to_be)
            case "OPERATOR_COALESCE":
                made = NEVER
                for child in children:
                    made = either(made, self.ways(child, to_be=to_be))
                return made
        return self._opaque(node, to_be=to_be)

    def _nullness(self, node: Node, operator: str) -> tuple[Way, ...]:
        if trees.has_window(node):
            return ALWAYS
        if self._always_null(node):
            return ALWAYS if operator == NULL else NEVER
        return (frozenset({RowCondition(trees.identity(node), self._domain(node), operator)}),)

    def _membership(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        subject, *items = node["children"]
        inside = (node["type"] == "COMPARE_IN") is to_be
        made = NEVER if inside else ALWAYS
        for item in items:
            if not is_constant(item):
                one = self._opaque(node, to_be=to_be)
            else:
                one = self._against(subject, "=" if inside else "<>", item)
            made = either(made, one) if inside else both(made, one)
        return made

    def _comparison(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        left, right = node["left"], node["right"]
        if node["type"] in _DISTINCT:
            return self._distinct(node, to_be=to_be)
        operator = _OPERATORS[node["type"]]
        if not to_be:
            operator = _OPPOSITE[operator]
        if is_constant(right):
            return self._against(left, operator, right)
        if is_constant(left):
            return self._against(right, _MIRRORED[operator], left)
        if trees.identity(left) == trees.identity(right) and not trees.has_window(left):
            # A value is equal to itself or unknown; which of the two is left to the rest.
            if operator in {"<>", "<", ">"}:
                return NEVER
            return self._nullness(left, NOT_NULL)
        return self._opaque(node, to_be=to_be)

    def _distinct(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        """`x IS DISTINCT FROM c`: never NULL, and a missing value is distinct."""
        subject, constant = node["left"], node["right"]
        if is_constant(subject):
            subject, constant = constant, subject
        if not is_constant(constant):
            return self._opaque(node, to_be=to_be)
        operator = _DISTINCT[node["type"]]
        operator = operator if to_be else _OPPOSITE[operator]
        folded = self._folder.value(constant)
        if not folded.known:
            return ALWAYS
        if folded.value is None:
            return self._nullness(subject, NULL if operator == "=" else NOT_NULL)
        ways = self._against(subject, operator, constant)
        return ways if operator == "=" else either(ways, self._nullness(subject, NULL))

    def _between(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        subject, lower, upper = node["input"], node["lower"], node["upper"]
        if is_constant(subject) or not (is_constant(lower) and is_constant(upper)):
            return self._opaque(node, to_be=to_be)
        if to_be:
            return both(self._against(subject, ">=", lower), self._against(subject, "<=", upper))
        return either(self._against(subject, "<", lower), self._against(subject, ">", upper))

    def _case(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        """Take each branch by itself: that earlier ones were not taken is left out."""
        made = self.ways(node["else_expr"], to_be=to_be)
        for check in node["case_checks"]:
            taken = self.ways(check["when_expr"], to_be=True)
            made = either(made, both(taken, self.ways(check["then_expr"], to_be=to_be)))
        return made

    def _against(self, subject: Node, operator: str, constant: Node) -> tuple[Way, ...]:
        """Return the ways in which a row's value compares so with a constant."""
        folded = self._folder.value(constant)
        if not folded.known:
            return self._nullness(subject, NOT_NULL)
        if folded.value is None:
            return NEVER
        domain = self._domain(subject)
        fits = _fits(domain, folded.value, folded.kind)
        if domain == "time" and folded.relative:
            return self._compare(subject, operator, value=folded.value, domain="relative")
        if not fits:
            return self._nullness(subject, NOT_NULL)
        return self._compare(subject, operator, value=folded.value)

    def _compare(
        self, subject: Node, operator: str, *, value: FoldedValue, domain: str = ""
    ) -> tuple[Way, ...]:
        if trees.has_window(subject):
            return ALWAYS
        if self._always_null(subject):
            return NEVER
        key = trees.identity(subject)
        return (frozenset({RowCondition(key, domain or self._domain(subject), operator, value)}),)

    def _opaque(self, node: Node, *, to_be: bool) -> tuple[Way, ...]:
        """Return that what is not understood is so: it may be either, but not both at once."""
        if trees.has_window(node):
            return ALWAYS
        return (frozenset({RowCondition(trees.identity(node), "boolean", "=", to_be)}),)

    def _domain(self, node: Node) -> str:
        if node["class"] == "COLUMN_REF":
            return _DOMAINS.get(self._table[node["column_names"][-1]].type, "opaque")
        if node["class"] == "FUNCTION":
            return _FUNCTIONS.get(node["function_name"], "opaque")
        return "opaque"

    def _always_null(self, node: Node) -> bool:
        if node["class"] != "COLUMN_REF":
            return False
        return self._table[node["column_names"][-1]].is_empty


def _fits(domain: str, value: FoldedValue, kind: str) -> bool:
    """Whether the database compares as we do: no value is cast to another type first."""
    match domain:
        case "text" | "lower" | "upper":
            return isinstance(value, str) and kind == "VARCHAR"
        case "boolean":
            return isinstance(value, bool)
        case "whole" | "number":
            number = not isinstance(value, (bool, str)) and value is not None
            return number and not kind.startswith("TIMESTAMP") and abs(value) < _EXACT  # type: ignore[arg-type,operator]
        case "time":
            return kind.startswith("TIMESTAMP")
    return False
