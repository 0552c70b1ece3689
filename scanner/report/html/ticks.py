"""Round numbers and dates along the axes of a chart: in come the ends, out come the ticks."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

_MOST: Final = 4
"""Steps between the lines of the scale of numbers."""

_LABELS: Final = 6
_ROUND: Final = (1, 2, 5)
_DAYS: Final = (1, 2, 7, 14)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_MONTH: Final = 30.44
_SHORT: Final = timedelta(days=2)


class DayTick(msgspec.Struct, frozen=True):
    """A moment that the axis of time names; `is_minor` ones are left out where there is no room."""

    at: datetime
    text: str
    is_minor: bool


def scale(highest: float) -> list[int]:
    """Return round numbers from 0 up to one that `highest` does not exceed."""
    step = next(one for one in _steps() if math.ceil(highest / one) <= _MOST)
    return [step * place for place in range(max(math.ceil(highest / step), 1) + 1)]


def _steps() -> Iterator[int]:
    power = 1
    while True:
        yield from (one * power for one in _ROUND)
        power *= 10


def days(first: datetime, last: datetime) -> list[DayTick]:
    """Return the days or months between two moments at which there is a label, in UTC."""
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    if last - first < _SHORT:
        ends = dict.fromkeys((first, last))
        return [DayTick(at, f"{at:%Y-%m-%d %H:%M}", is_minor=False) for at in ends]
    span = (last - first) / timedelta(days=1)
    by_day = next((one for one in _DAYS if span / one < _LABELS), None)
    if by_day is not None:
        found = [(at, f"{at:%Y-%m-%d}") for at in _by_days(first, last, by_day)]
    else:
        by_month = next((n for n in _MONTHS if span / (n * _MONTH) < _LABELS), _MONTHS[-1])
        found = [(at, f"{at:%Y-%m}") for at in _by_months(first, last, by_month)]
    return [DayTick(at, text, number % 2 == 1) for number, (at, text) in enumerate(found)]


def _by_days(first: datetime, last: datetime, step: int) -> Iterator[datetime]:
    at = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while at <= last:
        if at >= first:
            yield at
        at += timedelta(days=step if at >= first else 1)


def _by_months(first: datetime, last: datetime, step: int) -> Iterator[datetime]:
    number = first.year * 12 + first.month - 1
    number = -(-number // step) * step
    while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)) <= last:
        if at >= first:
            yield at
        number += step
