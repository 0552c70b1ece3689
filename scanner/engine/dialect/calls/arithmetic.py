"""Numbers, and times moved by intervals: what cannot overflow in any engine."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.engine.dialect import numbers
from scanner.engine.dialect.calls.arguments import written_out
from scanner.engine.dialect.calls.times import DAY, REACH
from scanner.engine.dialect.numbers import whole
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call, Lowering

_LONGEST: Final = 12 * 500  # months of an interval that a time is moved by


def _sum(sign: int) -> "Call":
    """Return + or -: of numbers, of times and intervals."""

    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        made = [lowering.expression(one) for one in arguments]
        if len(made) == 1:
            return _negative(lowering, node, made[0])
        kinds = [one.kind for one in made]
        if kinds == [ValueKind.MOMENT, ValueKind.INTERVAL]:
            return _moved(made[0], made[1], sign, node)
        if kinds == [ValueKind.INTERVAL, ValueKind.MOMENT] and sign > 0:
            return _moved(made[1], made[0], sign, node)
        if kinds == [ValueKind.MOMENT, ValueKind.MOMENT] and sign < 0:
            spanned = mark("micros", *(one.node for one in made))
            return Typed(spanned, ValueKind.SPAN, -REACH, REACH)
        return _added(lowering, node, arguments, made, sign)

    return call


def _moved(time: Typed, by: Typed, sign: int, node: Node) -> Typed:
    if not isinstance(by.value, tuple):
        raise inexpressible("moves a time by an interval that is not written out", node)
    months, days, micros = (sign * part for part in by.value)
    if abs(months) > _LONGEST or max(abs(days), abs(micros) // DAY) > _LONGEST * 31:
        raise inexpressible("moves a time by more than 500 years", node)
    return Typed(mark("moved", time.node, str(months), str(days), str(micros)), ValueKind.MOMENT)


def _added(
    lowering: "Lowering", node: Node, arguments: list[Node], made: list[Typed], sign: int
) -> Typed:
    kind, scale = lowering.known.kind(node)
    if kind not in {ValueKind.INTEGER, ValueKind.EXACT, ValueKind.DOUBLE}:
        raise inexpressible("adds up what other databases add up otherwise", node)
    left, right = (
        lowering.as_kind(one, kind, scale, part) for one, part in zip(made, arguments, strict=True)
    )
    if (
        kind is ValueKind.INTEGER and left.kind is not ValueKind.NULL
    ):  # a literal is of 32 bits elsewhere
        left = msgspec.structs.replace(left, node=mark("as_integer", left.node))
    whole_node = mark("plus" if sign > 0 else "minus", left.node, right.node)
    if ValueKind.NULL in {left.kind, right.kind}:
        return Typed(whole_node, kind, scale=scale)
    if kind is ValueKind.DOUBLE:
        return numbers.powered(whole_node, *numbers.summed(left, right), node)
    ends = (right.low, right.high) if sign > 0 else (-right.high, -right.low)
    return whole(whole_node, kind, left.low + ends[0], left.high + ends[1], scale, node)


def _negative(lowering: "Lowering", node: Node, made: Typed) -> Typed:
    kind, scale = lowering.known.kind(node)
    if kind is not made.kind or kind not in {ValueKind.INTEGER, ValueKind.EXACT, ValueKind.DOUBLE}:
        raise inexpressible("takes the negative of what is no number", node)
    if kind is ValueKind.DOUBLE:
        return Typed(mark("negative", made.node), kind, made.low, made.high)
    whole_node = mark("as_integer", made.node) if kind is ValueKind.INTEGER else made.node
    return whole(mark("negative", whole_node), kind, -made.high, -made.low, scale, node)


def _product(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    kind, scale = lowering.known.kind(node)
    made = [lowering.expression(one) for one in arguments]
    if kind is ValueKind.DOUBLE:
        left, right = (
            lowering.as_kind(one, kind, 0, part) for one, part in zip(made, arguments, strict=True)
        )
        whole_node = mark("times", left.node, right.node)
        return numbers.powered(whole_node, left.low + right.low, left.high + right.high, node)
    if kind not in {ValueKind.INTEGER, ValueKind.EXACT} or scale != sum(one.scale for one in made):
        raise inexpressible("multiplies what other databases multiply otherwise", node)
    left, right = (
        lowering.as_kind(one, kind, one.scale, part)
        for one, part in zip(made, arguments, strict=True)
    )
    ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    if kind is ValueKind.INTEGER:
        made_node = mark("times", mark("as_integer", left.node), right.node)
    else:
        made_node = mark("as_exact", mark("times", left.node, right.node), str(scale))
    return whole(made_node, kind, min(ends), max(ends), scale, node)


def _quotient(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = [lowering.expression(one) for one in arguments]
    if ValueKind.NULL in {one.kind for one in made}:
        raise inexpressible("divides by NULL, or NULL", node)
    left, right = (
        lowering.as_kind(one, ValueKind.DOUBLE, 0, part)
        for one, part in zip(made, arguments, strict=True)
    )
    never_zero = (
        _is_never_zero(arguments[1])
        or made[1].low > 0
        or made[1].high < 0
        or (made[1].is_constant and made[1].value)
    )
    if not never_zero or (made[1].kind is ValueKind.DOUBLE and not made[1].is_constant):
        raise inexpressible(
            "divides by what may be 0, which is an error elsewhere,",
            node,
            "Write a / nullif(b, 0), or multiply: a > 2 * b in place of a / b > 2.",
        )
    whole_node = mark("over", left.node, right.node)
    return numbers.powered(whole_node, left.low - right.high, left.high - right.low, node)


def _is_never_zero(node: Node) -> bool:
    """Whether it is `nullif(..., 0)`."""
    if node.get("function_name") != "nullif":
        return False
    second = node["arguments"][-1]["expression"]
    return bool(second["class"] == "CONSTANT" and second["literal"].get("text") == "0")


def _whole_division(name: str) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        left = lowering.expression(arguments[0])
        by = written_out(lowering, arguments[1], "a divisor")
        right = lowering.expression(arguments[1])
        if {left.kind, right.kind} != {ValueKind.INTEGER} or by in {Decimal(0), Decimal(-1)}:
            raise inexpressible("divides by 0 or -1, or what is no whole number,", node)
        whole_node = mark(name, left.node, right.node)
        size = abs(right.low)
        if name == "remainder":
            return Typed(whole_node, ValueKind.INTEGER, 1 - size, size - 1)
        reach = left.reach // size
        return Typed(whole_node, ValueKind.INTEGER, -reach, reach)

    return call


def _absolute(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is ValueKind.DOUBLE:
        return Typed(mark("absolute", made.node), made.kind, made.low, made.high)
    if made.kind not in {ValueKind.INTEGER, ValueKind.EXACT}:
        raise inexpressible("takes the absolute value of what is no number", node)
    whole_node = mark("as_integer", made.node) if made.kind is ValueKind.INTEGER else made.node
    return whole(mark("absolute", whole_node), made.kind, Decimal(0), made.reach, made.scale, node)


def _extreme(name: str) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        return lowering.unified(node, arguments, name)

    return call


def _nullif(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    left, right = (lowering.expression(one) for one in arguments)
    if left.kind is ValueKind.DOUBLE and right.is_constant:
        right = lowering.as_kind(right, ValueKind.DOUBLE, 0, arguments[1])
    if (
        left.kind is not right.kind
        or left.scale != right.scale
        or left.kind in {*(ValueKind.INTERVAL, ValueKind.SPAN, ValueKind.JSON, ValueKind.TEXTS)}
    ):
        raise inexpressible("compares values of two types", node)
    return Typed(mark("unless", left.node, right.node), left.kind, left.low, left.high, left.scale)


def _bits(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    """Return what `windows.py` asks of the marks of a row; the guard lets no author write it."""
    left, right = (lowering.expression(one) for one in arguments)
    if ValueKind.INTEGER not in {left.kind, right.kind} or not right.is_constant:
        raise inexpressible("looks at the bits of a number", node)
    return Typed(mark("bits", left.node, right.node), ValueKind.INTEGER, Decimal(0), right.high)


NUMBERS: Final[dict[str, "Call"]] = {
    "+": _sum(1),
    "-": _sum(-1),
    "*": _product,
    "/": _quotient,
    "//": _whole_division("divided"),
    "%": _whole_division("remainder"),
    "&": _bits,
    "abs": _absolute,
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "nullif": _nullif,
}
"""These functions by DuckDB's name."""
