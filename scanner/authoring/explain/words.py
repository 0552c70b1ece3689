"""A predicate in words, made from its syntax tree."""

from collections.abc import Mapping
from typing import Final

from scanner.engine.outline import Part

_TEMPLATES: Final = {
    "COMPARE_EQUAL": "{0} is {1}",
    "COMPARE_NOTEQUAL": "{0} is not {1}",
    "COMPARE_LESSTHAN": "{0} is less than {1}",
    "COMPARE_GREATERTHAN": "{0} is more than {1}",
    "COMPARE_LESSTHANOREQUALTO": "{0} is at most {1}",
    "COMPARE_GREATERTHANOREQUALTO": "{0} is at least {1}",
    "COMPARE_DISTINCT_FROM": "{0} differs from {1}",
    "COMPARE_NOT_DISTINCT_FROM": "{0} is the same as {1}",
    "COMPARE_BETWEEN": "{0} is between {1} and {2}",
    "OPERATOR_IS_NULL": "{0} is missing",
    "OPERATOR_IS_NOT_NULL": "{0} is known",
    "regexp_matches": "{0} holds a match of {1}",
    "regexp_full_match": "{0} as a whole matches {1}",
    "contains": "{0} holds {1}",
    "starts_with": "{0} begins with {1}",
    "prefix": "{0} begins with {1}",
    "ends_with": "{0} ends with {1}",
    "suffix": "{0} ends with {1}",
    "~~": "{0} is like {1}",
    "!~~": "{0} is not like {1}",
    "~~*": "{0} is, in any case, like {1}",
    "!~~*": "{0} is not, in any case, like {1}",
}
_LISTS: Final = {"COMPARE_IN": "is one of", "COMPARE_NOT_IN": "is none of"}
_TWO: Final = 2  # with more arguments, such as options, a function is told as SQL
_JOINED: Final = {
    "CONJUNCTION_AND": "all of these hold:",
    "CONJUNCTION_OR": "at least one of these holds:",
}
_CONSTANTS: Final = {"true": "it holds", "false": "it does not hold", "null": "it is unknown"}


class Worded:
    """Puts predicates into words; `names` replaces bound parameters, such as `$age` by `90d`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def lines(self, part: Part, indent: str = "") -> list[str]:
        """Return the part as lines, what belongs together indented."""
        if part.name in _JOINED:
            lines = [f"{indent}{_JOINED[part.name]}"]
            for child in part.children:
                lines += self._item(child, indent)
            return lines
        if part.name == "OPERATOR_NOT" and part.children[0].kind == "CONJUNCTION":
            return [f"{indent}this does not hold:", *self._item(part.children[0], indent)]
        if part.kind == "CASE":
            return self._case(part, indent)
        return [f"{indent}{self._condition(part)}"]

    def _item(self, part: Part, indent: str) -> list[str]:
        first, *others = self.lines(part)
        return [f"{indent}- {first}", *(f"{indent}  {line}" for line in others)]

    def _case(self, part: Part, indent: str) -> list[str]:
        lines = [f"{indent}the first case that holds decides:"]
        for child, role in zip(part.children, part.roles, strict=True):
            lead = {"when": "- if ", "then": "    then ", "else": "- otherwise "}[role]
            first, *others = self.lines(child)
            space = " " * (2 if role == "when" else 4)
            lines += [f"{indent}{lead}{first}", *(f"{indent}{space}{line}" for line in others)]
        return lines

    def _condition(self, part: Part) -> str:
        texts = [self.text(child) for child in part.children]
        if part.name in _TEMPLATES and (part.kind != "FUNCTION" or len(texts) == _TWO):
            return _TEMPLATES[part.name].format(*texts)
        if part.name in _LISTS:
            return f"{texts[0]} {_LISTS[part.name]} {', '.join(texts[1:])}"
        if part.name == "OPERATOR_NOT":
            return self._negated(part.children[0])
        if part.kind == "CONSTANT":
            return _CONSTANTS.get(self._constant(part), self.text(part))
        return f"{self.text(part)} is true"

    def _negated(self, part: Part) -> str:
        if part.kind == "COLUMN_REF":
            return f"{self.text(part)} is false"
        return f"not: {self._condition(part)}"

    def text(self, part: Part) -> str:
        """Return the part as SQL, with values in place of parameters."""
        text = part.sql
        if part.kind == "COLUMN_REF":
            return text.strip('"')
        for name in sorted(self._names, key=len, reverse=True):
            text = text.replace(f"${name}", self._names[name])
        return unwrapped(text)

    @staticmethod
    def _constant(part: Part) -> str:
        literal = part.node.get("literal", {})
        return (
            "null"
            if literal.get("kind") == "NULL_LITERAL"
            else str(literal.get("text", "")).lower()
        )


def unwrapped(text: str) -> str:
    """Return the text without the brackets around all of it."""
    if text.startswith("(") and text.endswith(")") and _is_one_group(text):
        return text[1:-1]
    return text


def _is_one_group(text: str) -> bool:
    """Whether the first bracket closes with the last one; brackets in quotes make it say no."""
    if "'" in text:
        return False
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return place == len(text) - 1
    return False
