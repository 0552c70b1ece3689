"""Saying what of a predicate is not allowed, and what to write instead."""

from typing import Final

from scanner.base.hints import closest
from scanner.engine.predicate import vocabulary
from scanner.engine.predicate.syntax import Node, byte

ONLY_LISTED: Final = "docs/policy-language.md lists what a condition may be made of."
TOO_LARGE: Final = "Make several rules of it, or shorten its lists and expressions."
_ONLY_PURE: Final = "Only pure functions may be called; docs/policy-language.md lists them."
_INSTEAD: Final[dict[str, str]] = {
    "&&": "Write AND.",
    "&": "Write AND.",
    "|": "Write OR.",
    "!": "Write NOT.",
    "=>": "A rule that is about some rows only says which in `where`.",
    "=<": "Write <=.",
    "row": "Write a list with at least one value: name IN ('a', 'b').",
    "=~": "Write regexp_matches(column, 'expression').",
    "~~~": "Write LIKE, with % for any text and _ for one character.",
    "startswith": "Write starts_with(column, 'text').",
    "endswith": "Write ends_with(column, 'text').",
    "getdate": "Write now(), which is the scan's as-of time.",
    "sysdate": "Write now(), which is the scan's as-of time.",
    "datediff": "Write age_days, or now() - date_created > INTERVAL '90 days'.",
    "isnull": "Write column IS NULL.",
    "nvl": "Write coalesce(column, value).",
    "regexp_like": "Write regexp_matches(column, 'expression').",
    "rlike": "Write regexp_matches(column, 'expression').",
}
"""What to write instead of functions and operators of other languages."""


class RefusedError(Exception):
    """A part of a predicate that is not allowed; `offset` is its place in the text."""

    def __init__(self, message: str, code: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.offset = offset
        self.hint = hint


def unknown_function(name: str, node: Node) -> RefusedError:
    """Return the error for a call of a function that is not on the list."""
    written = "count(*)" if name == "count_star" else f"{name}()"
    if name in vocabulary.WINDOWS and node["class"] == "FUNCTION":
        return refused(
            f"uses {written} without OVER (...)",
            "aggregate-without-over",
            node,
            f"A predicate is about one row; write for example `{written.replace('()', '(...)')}"
            " over (partition by project_slug)`.",
        )
    near = (
        closest(name, (*vocabulary.FUNCTIONS, *vocabulary.WINDOWS)) if name.isidentifier() else ""
    )
    hint = f"Did you mean `{near}`?" if near else _ONLY_PURE
    if near == name and (node["schema"] or node["catalog"]):
        hint = f"The column stands in the brackets: {name}(column)."
    what = f"call {written}" if name.isidentifier() else f"use {name}"
    return refused(f"may not {what}", "forbidden-function", node, _INSTEAD.get(name, hint))


def refused(message: str, code: str, node: Node, hint: str = ONLY_LISTED) -> RefusedError:
    """Return the error for a node; the message goes on after "The predicate"."""
    return RefusedError(message, code, byte(node), hint)
