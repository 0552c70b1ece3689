"""Saying what cannot be said in another database."""

from typing import Final

from scanner.engine.predicate.refusal import RefusedError, refused
from scanner.engine.predicate.syntax import Node

CODE: Final = "not-in-every-engine"
_LISTED: Final = "docs/engines.md lists what means the same in every engine."


def inexpressible(message: str, node: Node, hint: str = _LISTED) -> RefusedError:
    """Return the error for a part; the message goes on after "The predicate"."""
    return refused(f"{message} and cannot be said in another engine", CODE, node, hint)
