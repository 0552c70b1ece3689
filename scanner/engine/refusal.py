"""Saying what of a predicate is not allowed, and what to write instead."""

from scanner.engine import vocabulary
from scanner.engine.syntax import PREFIX, Node
from scanner.policy.hints import closest


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
    if name in vocabulary.WINDOWS and node["class"] == "FUNCTION":
        return refused(
            f"uses {name}() without OVER (...)",
            "aggregate-without-over",
            node,
            "A predicate is about one row; write for example"
            f" `{name}(...) over (partition by project_slug)`.",
        )
    near = closest(name, (*vocabulary.FUNCTIONS, *vocabulary.WINDOWS))
    return refused(
        f"may not call {name}()",
        "forbidden-function",
        node,
        f"Did you mean `{near}`?"
        if near
        else "Only pure functions may be called; docs/policy-language.md lists them.",
    )


def refused(message: str, code: str, node: Node, hint: str = "") -> RefusedError:
    """Return the error for a node; the message goes on after "The predicate"."""
    # Locations count from the start of the statement that the guard wraps the predicate in.
    return RefusedError(
        message, code, max(int(node.get("query_location", 0)) - len(PREFIX), 0), hint
    )
