"""Functions of times."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.calls.arguments import written_out
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call, Lowering

DAY: Final = 86_400_000_000
"""Microseconds of a day."""

REACH: Final = Decimal(10_000 * 366 * DAY)
"""More microseconds than lie between any two dates, which are of the years 1970 to 9000."""

_PARTS: Final = {
    "year": (0, 10_000), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59),
    "dayofweek": (0, 6), "dow": (0, 6),
}  # fmt: skip
_UNITS: Final = frozenset({"year", "month", "week", "day", "hour", "minute"})
_SIZES: Final = {"day": DAY, "hour": DAY // 24, "minute": DAY // 1_440}


def _part_of_time(unit: str | None) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        name = unit or str(written_out(lowering, arguments[0], "a unit")).lower()
        made = lowering.expression(arguments[-1])
        if name not in _PARTS or made.kind not in {ValueKind.MOMENT, ValueKind.DATE}:
            raise inexpressible(f"takes the part '{name}' of a time", node)
        moment = lowering.as_kind(made, ValueKind.MOMENT, 0, arguments[-1])
        low, high = map(Decimal, _PARTS[name])
        name = "dow" if name == "dayofweek" else name
        return Typed(mark("part_of_time", moment.node, name), ValueKind.INTEGER, low, high)

    return call


def _cut_time(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    unit = str(written_out(lowering, arguments[0], "a unit")).lower()
    made = lowering.expression(arguments[1])
    if unit not in _UNITS or made.kind is not ValueKind.MOMENT:
        raise inexpressible(f"cuts a time to the unit '{unit}'", node)
    return Typed(mark("cut_time", made.node, unit), ValueKind.MOMENT)


def _boundaries(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    unit = str(written_out(lowering, arguments[0], "a unit")).lower()
    made = [lowering.expression(one) for one in arguments[1:]]
    if unit not in _SIZES or any(one.kind is not ValueKind.MOMENT for one in made):
        raise inexpressible(f"counts the unit '{unit}' between two times", node)
    bound = REACH / _SIZES[unit]
    nodes = [one.node for one in made]
    return Typed(mark(f"{unit}s_between", *nodes), ValueKind.INTEGER, -bound, bound)


def _epoch(lowering: "Lowering", _: Node, arguments: list[Node]) -> Typed:
    """Return microseconds since 1970; only the catalogue's own columns are made with it."""
    made = lowering.expression(arguments[0])
    return Typed(mark("epoch", made.node), ValueKind.INTEGER, Decimal(0), REACH)


TIMES: Final[dict[str, "Call"]] = {
    "date_part": _part_of_time(None),
    **{name: _part_of_time(name) for name in ("year", "month", "day", "hour", "dayofweek")},
    "date_trunc": _cut_time,
    **dict.fromkeys(("date_diff", "datediff"), _boundaries),
    "epoch_us": _epoch,
}
"""These functions by DuckDB's name."""
