"""Numbers in every database alike: casts that lose nothing, sums that do not overflow."""

from decimal import Decimal
from typing import Final

import msgspec

from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import DIGITS, WIDE, Typed, ValueKind, mark
from scanner.engine.predicate.syntax import Node

_POWERS: Final = 290
"""Largest power of ten of a DOUBLE that is certain to be neither infinite nor nothing."""

_EXACT_DOUBLE: Final = 1 << 53
_SCALE: Final = 6
"""Digits after the point that Spark keeps in whatever it computes."""

_LOST: Final = 17
"""Digits that a difference of two DOUBLEs may lose."""

_OVERFLOW: Final = (
    "Take the column as HUGEINT or DOUBLE first, such as CAST(column AS HUGEINT) + 1."
)
_TYPES: Final = {"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 63}


def cast_number(made: Typed, kind: ValueKind, scale: int, node: Node) -> Typed:
    """Return a number as another kind without any loss. Raises RefusedError."""
    match made.kind, kind:
        case ((ValueKind.INTEGER | ValueKind.EXACT), ValueKind.EXACT) if scale >= made.scale:
            if made.reach < Decimal(10) ** (DIGITS - scale):
                wide = mark("as_exact", made.node, str(scale))
                return msgspec.structs.replace(made, node=wide, kind=kind, scale=scale, value=None)
        case ValueKind.EXACT, ValueKind.INTEGER if not made.scale and made.reach < WIDE:
            return msgspec.structs.replace(made, node=mark("as_integer", made.node), kind=kind)
        case ValueKind.INTEGER, ValueKind.INTEGER:
            return made
        case ((ValueKind.INTEGER | ValueKind.EXACT), ValueKind.DOUBLE):
            # DuckDB divides by the power of ten: as exact as reading the digits up to here.
            plain = made.kind is ValueKind.INTEGER or not made.scale
            if made.reach * 10**made.scale <= _EXACT_DOUBLE or (plain and made.reach <= WIDE):
                powers = Decimal(-made.scale), Decimal(max(made.reach, Decimal(1)).adjusted() + 1)
                return Typed(mark("as_double", made.node), kind, *powers)
        case ValueKind.DOUBLE, ValueKind.DOUBLE:
            return made
    raise inexpressible("casts a number in a way that may lose some of it", node)


def fitting(made: Typed, name: str, sizes: list[str], node: Node) -> Typed:
    """Return a number that is certain to fit the type of this name. Raises RefusedError."""
    room = Decimal(10) ** DIGITS
    if name in _TYPES:
        room = Decimal(1 << _TYPES[name])
    elif name == "DECIMAL":
        whole, scale = (int(sizes[0]), made.scale) if sizes else (18, 3)
        room = Decimal(10) ** (whole - scale)
    if made.kind is not ValueKind.DOUBLE and made.reach >= room and made.low != -room:
        raise inexpressible(f"may have numbers here that are too large for {name}", node)
    return made


def whole(  # noqa: PLR0913, PLR0917 - all that a number is
    node: Node, kind: ValueKind, low: Decimal, high: Decimal, scale: int, place: Node
) -> Typed:
    """Return a whole or an exact number within bounds. Raises RefusedError where it overflows."""
    room = Decimal(WIDE) if kind is ValueKind.INTEGER else Decimal(10) ** (DIGITS - scale)
    if scale > _SCALE:
        raise inexpressible(f"has more than {_SCALE} digits after the point", place)
    if max(-low - (kind is ValueKind.INTEGER), high) >= room:
        raise inexpressible("may have a number here that is too large", place, _OVERFLOW)
    return Typed(node, kind, low, high, scale)


def powered(node: Node, low: Decimal, high: Decimal, place: Node) -> Typed:
    """Return a DOUBLE within powers of ten. Raises RefusedError where that may be too far."""
    if low < -_POWERS or high > _POWERS:
        raise inexpressible("may have a number here that is too large or too small", place)
    return Typed(node, ValueKind.DOUBLE, low, high)


def summed(left: Typed, right: Typed) -> tuple[Decimal, Decimal]:
    """Return the powers of ten of a sum or difference of two DOUBLEs."""
    return min(left.low, right.low) - _LOST, max(left.high, right.high) + 1
