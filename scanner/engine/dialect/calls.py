"""The functions and operators that mean the same in every engine, each with what it may be given.

What is missing here is missing on purpose: `round` and casts of texts differ in their halves and
blanks, `reverse` in what a character is, `~` in everything.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.engine.dialect import numbers
from scanner.engine.dialect.numbers import whole
from scanner.engine.dialect.patterns import InexpressibleError, portable
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Kind, Typed, hexed, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call, Lowering

_LENGTH: Final = Decimal(1 << 31)
_DAY: Final = 86_400_000_000
_YEARS: Final = Decimal(10_000)
"""Dates lie between the years 1970 and 9000 (model.moment)."""

_LONGEST: Final = 12 * 500  # months of an interval that a time is moved by
_PARTS: Final = {
    "year": (0, 10_000), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59),
    "dayofweek": (0, 6), "dow": (0, 6),
}  # fmt: skip
_UNITS: Final = frozenset({"year", "month", "week", "day", "hour", "minute"})
_SIZES: Final = {"day": _DAY, "hour": _DAY // 24, "minute": _DAY // 1_440}


def _text(lowering: "Lowering", node: Node) -> Typed:
    made = lowering.expression(node)
    if made.kind not in {Kind.TEXT, Kind.NULL}:
        raise inexpressible("takes for a text what is none,", node)
    return made


def _fixed(lowering: "Lowering", node: Node, what: str) -> object:
    """Return the value of an argument that has to be written out."""
    made = lowering.expression(node)
    if not made.is_constant or made.value is None:
        raise inexpressible(f"has {what} that is not written out", node)
    return made.value


def _number(lowering: "Lowering", node: Node, least: int) -> str:
    """Return a whole number that is written out, as a text."""
    value = _fixed(lowering, node, "a number")
    if not isinstance(value, Decimal) or not least <= value < _LENGTH or value % 1:
        raise inexpressible(f"has something else than a number from {least} on", node)
    return str(int(value))


def _of_texts(name: str, kind: Kind, count: int) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        if len(arguments) != count:
            raise inexpressible(f"calls {node['function_name']}() with other arguments", node)
        parts = [_text(lowering, one).node for one in arguments]
        return Typed(mark(name, *parts), kind, Decimal(0), _LENGTH)

    return call


def _cut(name: str, *least: int) -> "Call":
    """Return a function of a text and of numbers that are written out."""

    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        if len(arguments) != len(least) + 1:
            raise inexpressible(f"calls {node['function_name']}() with other arguments", node)
        first = _text(lowering, arguments[0]).node
        numbers = [_number(lowering, a, n) for a, n in zip(arguments[1:], least, strict=True)]
        return Typed(mark(name, first, *numbers), Kind.TEXT)

    return call


def _split(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    first = _text(lowering, arguments[0]).node
    between = _fixed(lowering, arguments[1], "a separator")
    if not isinstance(between, str) or not between:
        raise inexpressible("has an empty separator", arguments[1])
    number = _number(lowering, arguments[2], 1)
    return Typed(mark("piece", first, mark("text", hexed(between)), number), Kind.TEXT)


def _concat(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    parts = [_text(lowering, one).node for one in arguments]
    return Typed(mark("concat", *parts), Kind.TEXT)


def _contains(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    if lowering.expression(arguments[0]).kind is Kind.TEXTS:
        return _member(lowering, node, arguments)
    return _of_texts("contains", Kind.BOOLEAN, 2)(lowering, node, arguments)


def _length(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    name = "items" if made.kind is Kind.TEXTS else "length"
    if made.kind not in {Kind.TEXT, Kind.TEXTS}:
        raise inexpressible("takes the length of what is no text", node)
    return Typed(mark(name, made.node), Kind.INTEGER, Decimal(0), _LENGTH)


def _lists(name: str) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        made = [lowering.expression(one) for one in arguments]
        if any(one.kind is not Kind.TEXTS for one in made):
            raise inexpressible("compares lists of something else than texts", node)
        return Typed(mark(name, *(one.node for one in made)), Kind.BOOLEAN)

    return call


def _member(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is not Kind.TEXTS:
        raise inexpressible("looks into a list of something else than texts", node)
    return Typed(mark("member", made.node, _text(lowering, arguments[1]).node), Kind.BOOLEAN)


def _like(*, negated: bool, ignore_case: bool) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        text = _text(lowering, arguments[0]).node
        pattern = _text(lowering, arguments[1])
        if not isinstance(pattern.value, str):
            raise inexpressible("has a pattern that is not written out", arguments[1])
        wanted = pattern.value
        if ignore_case:
            text = mark("lower", text)
            wanted = lowering.known.lower(wanted)
        return Typed(mark("unlike" if negated else "like", text, hexed(wanted)), Kind.BOOLEAN)

    return call


def _match(*, is_whole: bool) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        text = _text(lowering, arguments[0]).node
        pattern = _fixed(lowering, arguments[1], "a regular expression")
        options = "".join(str(_fixed(lowering, one, "an option")) for one in arguments[2:])
        if not isinstance(pattern, str) or set(options) - set("ic"):
            raise inexpressible(f"has the options '{options}' of a regular expression", node)
        try:
            found = portable(pattern, ignore_case=options.endswith("i"), whole=is_whole)
        except (InexpressibleError, ValueError) as error:
            what = error.what if isinstance(error, InexpressibleError) else "something"
            raise inexpressible(
                f"has {what} in a regular expression, which others read otherwise,", arguments[1]
            ) from None
        lowering.steep += [arguments[1]] if found.is_steep else []
        return Typed(mark("match", text, hexed(found.text)), Kind.BOOLEAN)

    return call


def _sum(sign: int) -> "Call":
    """Return + or -: of numbers, of times and intervals."""

    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        made = [lowering.expression(one) for one in arguments]
        if len(made) == 1:
            return _negative(lowering, node, made[0])
        kinds = [one.kind for one in made]
        if kinds == [Kind.MOMENT, Kind.INTERVAL]:
            return _moved(made[0], made[1], sign, node)
        if kinds == [Kind.INTERVAL, Kind.MOMENT] and sign > 0:
            return _moved(made[1], made[0], sign, node)
        if kinds == [Kind.MOMENT, Kind.MOMENT] and sign < 0:
            bound = _YEARS * 366 * _DAY
            spanned = mark("micros", *(one.node for one in made))
            return Typed(spanned, Kind.SPAN, -bound, bound)
        return _added(lowering, node, arguments, made, sign)

    return call


def _moved(time: Typed, by: Typed, sign: int, node: Node) -> Typed:
    months, days, micros = (sign * part for part in by.value)  # type: ignore[union-attr,misc]
    if abs(months) > _LONGEST or max(abs(days), abs(micros) // _DAY) > _LONGEST * 31:
        raise inexpressible("moves a time by more than 500 years", node)
    return Typed(mark("moved", time.node, str(months), str(days), str(micros)), Kind.MOMENT)


def _added(
    lowering: "Lowering", node: Node, arguments: list[Node], made: list[Typed], sign: int
) -> Typed:
    kind, scale = lowering.known.kind(node)
    if kind not in {Kind.INTEGER, Kind.EXACT, Kind.DOUBLE}:
        raise inexpressible("adds up what other databases add up otherwise", node)
    left, right = (
        lowering.as_kind(one, kind, scale, part) for one, part in zip(made, arguments, strict=True)
    )
    if kind is Kind.INTEGER and left.kind is not Kind.NULL:  # a literal is of 32 bits elsewhere
        left = msgspec.structs.replace(left, node=mark("as_integer", left.node))
    whole_node = mark("plus" if sign > 0 else "minus", left.node, right.node)
    if Kind.NULL in {left.kind, right.kind}:
        return Typed(whole_node, kind, scale=scale)
    if kind is Kind.DOUBLE:
        return numbers.powered(whole_node, *numbers.summed(left, right), node)
    ends = (right.low, right.high) if sign > 0 else (-right.high, -right.low)
    return whole(whole_node, kind, left.low + ends[0], left.high + ends[1], scale, node)


def _negative(lowering: "Lowering", node: Node, made: Typed) -> Typed:
    kind, scale = lowering.known.kind(node)
    if kind is not made.kind or kind not in {Kind.INTEGER, Kind.EXACT, Kind.DOUBLE}:
        raise inexpressible("takes the negative of what is no number", node)
    if kind is Kind.DOUBLE:
        return Typed(mark("negative", made.node), kind, made.low, made.high)
    whole_node = mark("as_integer", made.node) if kind is Kind.INTEGER else made.node
    return whole(mark("negative", whole_node), kind, -made.high, -made.low, scale, node)


def _product(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    kind, scale = lowering.known.kind(node)
    made = [lowering.expression(one) for one in arguments]
    if kind is Kind.DOUBLE:
        left, right = (
            lowering.as_kind(one, kind, 0, part)
            for one, part in zip(made, arguments, strict=True)
        )
        whole_node = mark("times", left.node, right.node)
        return numbers.powered(whole_node, left.low + right.low, left.high + right.high, node)
    if kind not in {Kind.INTEGER, Kind.EXACT} or scale != sum(one.scale for one in made):
        raise inexpressible("multiplies what other databases multiply otherwise", node)
    left, right = (
        lowering.as_kind(one, kind, one.scale, part)
        for one, part in zip(made, arguments, strict=True)
    )
    ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    if kind is Kind.INTEGER:
        made_node = mark("times", mark("as_integer", left.node), right.node)
    else:
        made_node = mark("as_exact", mark("times", left.node, right.node), str(scale))
    return whole(made_node, kind, min(ends), max(ends), scale, node)


def _quotient(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = [lowering.expression(one) for one in arguments]
    if Kind.NULL in {one.kind for one in made}:
        raise inexpressible("divides by NULL, or NULL", node)
    left, right = (
        lowering.as_kind(one, Kind.DOUBLE, 0, part)
        for one, part in zip(made, arguments, strict=True)
    )
    never_zero = _is_never_zero(arguments[1]) or made[1].low > 0 or made[1].high < 0 or (made[1].is_constant and made[1].value)
    if not never_zero or (made[1].kind is Kind.DOUBLE and not made[1].is_constant):
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
        by = _fixed(lowering, arguments[1], "a divisor")
        right = lowering.expression(arguments[1])
        if {left.kind, right.kind} != {Kind.INTEGER} or by in {Decimal(0), Decimal(-1)}:
            raise inexpressible("divides by 0 or -1, or what is no whole number,", node)
        whole_node = mark(name, left.node, right.node)
        size = abs(right.low)
        if name == "remainder":
            return Typed(whole_node, Kind.INTEGER, 1 - size, size - 1)
        reach = left.reach // size
        return Typed(whole_node, Kind.INTEGER, -reach, reach)

    return call


def _absolute(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is Kind.DOUBLE:
        return Typed(mark("absolute", made.node), made.kind, made.low, made.high)
    if made.kind not in {Kind.INTEGER, Kind.EXACT}:
        raise inexpressible("takes the absolute value of what is no number", node)
    whole_node = mark("as_integer", made.node) if made.kind is Kind.INTEGER else made.node
    return whole(
        mark("absolute", whole_node), made.kind, Decimal(0), made.reach, made.scale, node
    )


def _extreme(name: str) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        return lowering.unified(node, arguments, name)

    return call


def _nullif(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    left, right = (lowering.expression(one) for one in arguments)
    if left.kind is not right.kind or left.scale != right.scale or left.kind in {
        *(Kind.INTERVAL, Kind.SPAN, Kind.JSON, Kind.TEXTS)
    }:
        raise inexpressible("compares values of two types", node)
    return Typed(
        mark("unless", left.node, right.node), left.kind, left.low, left.high, left.scale
    )


def _part_of_time(unit: str | None) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        name = unit or str(_fixed(lowering, arguments[0], "a unit")).lower()
        made = lowering.expression(arguments[-1])
        if name not in _PARTS or made.kind not in {Kind.MOMENT, Kind.DATE}:
            raise inexpressible(f"takes the part '{name}' of a time", node)
        moment = lowering.as_kind(made, Kind.MOMENT, 0, arguments[-1])
        low, high = map(Decimal, _PARTS[name])
        name = "dow" if name == "dayofweek" else name
        return Typed(mark("part_of_time", moment.node, name), Kind.INTEGER, low, high)

    return call


def _cut_time(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    unit = str(_fixed(lowering, arguments[0], "a unit")).lower()
    made = lowering.expression(arguments[1])
    if unit not in _UNITS or made.kind is not Kind.MOMENT:
        raise inexpressible(f"cuts a time to the unit '{unit}'", node)
    return Typed(mark("cut_time", made.node, unit), Kind.MOMENT)


def _boundaries(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    unit = str(_fixed(lowering, arguments[0], "a unit")).lower()
    made = [lowering.expression(one) for one in arguments[1:]]
    if unit not in _SIZES or any(one.kind is not Kind.MOMENT for one in made):
        raise inexpressible(f"counts the unit '{unit}' between two times", node)
    bound = _YEARS * 366 * _DAY / _SIZES[unit]
    nodes = [one.node for one in made]
    return Typed(mark(f"{unit}s_between", *nodes), Kind.INTEGER, -bound, bound)


def _field(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    name = str(_fixed(lowering, arguments[1], "a field")).removeprefix("$.")
    if made.kind is not Kind.JSON or not name.isidentifier() or not name.isascii():
        raise inexpressible("takes a field by a path", node, "Write column->>'field'.")
    return Typed(mark("field", made.node, name), Kind.TEXT)


def _type_of(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is not Kind.JSON or len(arguments) > 1:
        raise inexpressible("asks for the type of a field", node)
    return Typed(mark("json_type", made.node), Kind.TEXT)


def _epoch(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    """Return microseconds since 1970; only the catalogue's own columns are made with it."""
    made = lowering.expression(arguments[0])
    return Typed(mark("epoch", made.node), Kind.INTEGER, Decimal(0), _YEARS * 366 * _DAY)


_SIMPLE: Final[dict[str, "Call"]] = {
    "+": _sum(1),
    "-": _sum(-1),
    "*": _product,
    "/": _quotient,
    "//": _whole_division("divided"),
    "%": _whole_division("remainder"),
    "abs": _absolute,
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "lower": _of_texts("lower", Kind.TEXT, 1),
    "upper": _of_texts("upper", Kind.TEXT, 1),
    "trim": _of_texts("trim", Kind.TEXT, 1),
    "ltrim": _of_texts("ltrim", Kind.TEXT, 1),
    "rtrim": _of_texts("rtrim", Kind.TEXT, 1),
    "length": _length,
    "len": _length,
    "left": _cut("left", 0),
    "right": _cut("right", 0),
    "substring": _cut("substring", 1, 0),
    "substr": _cut("substring", 1, 0),
    "split_part": _split,
    "||": _of_texts("joined", Kind.TEXT, 2),
    "concat": _concat,
    "contains": _contains,
    **dict.fromkeys(("starts_with", "prefix"), _of_texts("begins", Kind.BOOLEAN, 2)),
    **dict.fromkeys(("ends_with", "suffix"), _of_texts("ends", Kind.BOOLEAN, 2)),
    **dict.fromkeys(("position", "strpos", "instr"), _of_texts("place", Kind.INTEGER, 2)),
    "regexp_matches": _match(is_whole=False),
    "regexp_full_match": _match(is_whole=True),
    "~~": _like(negated=False, ignore_case=False),
    "!~~": _like(negated=True, ignore_case=False),
    "~~*": _like(negated=False, ignore_case=True),
    "!~~*": _like(negated=True, ignore_case=True),
    "nullif": _nullif,
}
CALLS: Final[dict[str, "Call"]] = {
    **_SIMPLE,
    "date_part": _part_of_time(None),
    **{name: _part_of_time(name) for name in ("year", "month", "day", "hour", "dayofweek")},
    "date_trunc": _cut_time,
    **dict.fromkeys(("date_diff", "datediff"), _boundaries),
    "epoch_us": _epoch,
    "json_type": _type_of,
    **dict.fromkeys(("->>", "json_extract_string"), _field),
    **dict.fromkeys(("list_contains", "list_has", "array_contains", "array_has"), _member),
    **dict.fromkeys(("list_has_any", "array_has_any"), _lists("any_of")),
    **dict.fromkeys(("list_has_all", "array_has_all"), _lists("all_of")),
}
"""Scalar functions and operators by DuckDB's name."""
