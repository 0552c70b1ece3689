"""Conditions on the values of a row, and whether some row could meet several of them at once.

A predicate is true in one of several ways, each a set of conditions that hold together; ways
whose conditions exclude one another are no ways.
"""

from collections.abc import Iterable
from itertools import pairwise
from math import floor
from typing import Final

import msgspec

from scanner.authoring.lint.fold import FoldedValue

MAX_WAYS: Final = 256
"""Most ways that are told apart; a predicate with more is taken to be possible."""

NULL: Final = "null"
NOT_NULL: Final = "not null"


class RowCondition(msgspec.Struct, frozen=True):
    """What a subject is: `operator` compares it with `value`; NULL and NOT_NULL have no value."""

    subject: str
    domain: str
    operator: str
    value: FoldedValue = None


Way = frozenset[RowCondition]
ALWAYS: Final[tuple[Way, ...]] = (frozenset(),)
NEVER: Final[tuple[Way, ...]] = ()


def possible(ways: Iterable[Way]) -> bool:
    """Whether any of the ways is free of contradictions."""
    return any(_consistent(way) for way in ways)


def both(first: tuple[Way, ...], second: tuple[Way, ...]) -> tuple[Way, ...]:
    """Return the ways in which both hold."""
    if len(first) * len(second) > MAX_WAYS:
        return ALWAYS if possible(first) and possible(second) else NEVER
    return tuple({one | other for one in first for other in second})


def either(first: tuple[Way, ...], second: tuple[Way, ...]) -> tuple[Way, ...]:
    """Return the ways in which at least one holds."""
    joined = tuple({*first, *second})
    return joined if len(joined) <= MAX_WAYS else ALWAYS


def _consistent(way: Way) -> bool:
    """Whether one row could meet all conditions."""
    subjects: dict[str, list[RowCondition]] = {}
    for condition in way:
        subjects.setdefault(condition.subject, []).append(condition)
    return all(_satisfiable(conditions) for conditions in subjects.values())


def _satisfiable(conditions: list[RowCondition]) -> bool:
    operators = {condition.operator for condition in conditions}
    if NULL in operators:
        return operators == {NULL}
    compared = [one for one in conditions if one.operator != NOT_NULL]
    # Times that are told by the clock and times that are not cannot be held against each other.
    for domain in {one.domain for one in compared}:
        if not _some_value([one for one in compared if one.domain == domain], domain):
            return False
    return True


def _some_value(conditions: list[RowCondition], domain: str) -> bool:
    """Try every constant, and the room before, between and after them."""
    if domain == "boolean":
        return any(all(_holds(one, value) for one in conditions) for value in (False, True))
    points = sorted({one.value for one in conditions})  # type: ignore[type-var]
    for point in points:
        allowed = not (
            (domain == "lower" and point != str(point).lower())
            or (domain == "upper" and point != str(point).upper())
            or (domain == "whole" and point != int(point))  # type: ignore[arg-type]
        )
        if allowed and all(_holds(one, point) for one in conditions):
            return True
    gaps = [True, *(_room(low, high, domain) for low, high in pairwise(points)), True]
    return any(
        room and all(_holds_between(one, points, index) for one in conditions)
        for index, room in enumerate(gaps)
    )


def _room(low: FoldedValue, high: FoldedValue, domain: str) -> bool:
    """Whether there may be a value between two constants."""
    if domain != "whole":
        return True
    return floor(low) + 1 < high  # type: ignore[arg-type,operator]


def _holds(condition: RowCondition, value: FoldedValue) -> bool:
    match condition.operator:
        case "=":
            return value == condition.value
        case "<>":
            return value != condition.value
        case "<":
            return value < condition.value  # type: ignore[operator]
        case "<=":
            return value <= condition.value  # type: ignore[operator]
        case ">":
            return value > condition.value  # type: ignore[operator]
    return value >= condition.value  # type: ignore[operator]


def _holds_between(condition: RowCondition, points: list[FoldedValue], gap: int) -> bool:
    """Whether it holds for the values after `gap` of the constants, before the next."""
    below = points.index(condition.value) >= gap
    match condition.operator:
        case "=":
            return False
        case "<>":
            return True
        case "<" | "<=":
            return below
    return not below
