"""What calls take: texts, and values that are written out."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Lowering

LENGTH: Final = Decimal(1 << 31)
"""More characters than a text has."""


def text(lowering: "Lowering", node: Node) -> Typed:
    """Return an argument that is a text. Raises RefusedError."""
    made = lowering.expression(node)
    if made.kind not in {ValueKind.TEXT, ValueKind.NULL}:
        raise inexpressible("takes for a text what is none,", node)
    return made if made.kind is ValueKind.TEXT else Typed(mark("nothing"), ValueKind.TEXT)


def written_out(lowering: "Lowering", node: Node, what: str) -> object:
    """Return the value of an argument that has to be written out."""
    made = lowering.expression(node)
    if not made.is_constant or made.value is None:
        raise inexpressible(f"has {what} that is not written out", node)
    return made.value


def count(lowering: "Lowering", node: Node, least: int) -> str:
    """Return a whole number that is written out, as a text."""
    value = written_out(lowering, node, "a number")
    if not isinstance(value, Decimal) or not least <= value < LENGTH or value % 1:
        raise inexpressible(f"has something else than a number from {least} on", node)
    return str(int(value))
