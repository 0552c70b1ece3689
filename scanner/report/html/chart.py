"""A chart over time, drawn by the server: in come series over dates, out come shapes and texts.

Nothing here knows what is counted. chart.html.j2 puts the texts around the drawing, and a table of
all figures below it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from scanner.base.text import day, percent, plural, timestamp
from scanner.report.html.plot import WIDTH, ChartShape, Plot, Series, places, shapes
from scanner.report.html.ticks import days, scale

_EDGE: Final = 0.1
"""Labels nearer to an end than this part of the width begin or end there."""

_TOLD: Final = 5
"""Breaks that are told below a chart; the table tells of all."""


class ChartLabel(msgspec.Struct, frozen=True):
    """A text on the axis of time; `x` is in per cent of the width, `anchor` what of it is there."""

    x: str
    anchor: str
    text: str
    is_minor: bool


class ChartBreak(msgspec.Struct, frozen=True):
    """A moment that cannot be compared with the one before, and why; `x` lies between the two."""

    x: str
    day: str
    reasons: tuple[str, ...]


class ChartRow(msgspec.Struct, frozen=True):
    """One moment in the table; `note` is a word on it, `total` the sum of what is stacked."""

    iso: str
    text: str
    note: str
    cells: tuple[str, ...]
    total: str
    reasons: tuple[str, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart, as chart.html.j2 draws it. `name` is its id in the page, `said` its description."""

    name: str
    title: str
    said: str
    series: tuple[Series, ...]
    shapes: tuple[ChartShape, ...]
    scale: tuple[str, ...]
    labels: tuple[ChartLabel, ...]
    breaks: tuple[ChartBreak, ...]
    rows: tuple[ChartRow, ...]
    has_total: bool

    @property
    def told(self) -> tuple[ChartBreak, ...]:
        """The breaks that are told below the chart, the latest of them."""
        return self.breaks[-_TOLD:]


def chart(  # noqa: PLR0913 - what there is to say of a chart
    name: str,
    title: str,
    moments: Sequence[datetime],
    series: Sequence[Series],
    *,
    breaks: Mapping[int, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
    is_rate: bool = False,
) -> Chart:
    """Draw series over moments, oldest first; there is at least one of each.

    `breaks` say, by the place of a moment, why it cannot be compared with the one before. `notes`
    are a word for each moment. Rates are from 0 to 1, and are written in per cent.
    """
    breaks = breaks or {}
    stacked = [one for one in series if one.is_stacked]
    sums = [_sum(one.values[at] for one in stacked) for at in range(len(moments))]
    lines = [value for one in series if not one.is_stacked for value in one.values]
    ticks = [0, 1] if is_rate else scale(max(filter(None, [*sums, *lines]), default=0))
    plot = Plot(places(moments), breaks, ticks[-1])
    write = percent if is_rate else _number
    return Chart(
        name=name,
        title=title,
        said=_said(moments, series, sums if len(stacked) > 1 else None, len(breaks), write),
        series=tuple(series),
        shapes=tuple(shapes(plot, series)),
        scale=("100%", "50%", "0%") if is_rate else tuple(map(_number, ticks[::-1])),
        labels=_labels(moments),
        breaks=tuple(
            ChartBreak(plot.between(at), day(moments[at]), tuple(breaks[at]))
            for at in sorted(breaks)
        ),
        rows=tuple(
            ChartRow(
                timestamp(moment),
                day(moment),
                notes[at] if notes else "",
                tuple(write(one.values[at]) for one in series),
                write(sums[at]),
                tuple(breaks.get(at, ())),
            )
            for at, moment in enumerate(moments)
        ),
        has_total=len(stacked) > 1,
    )


def _sum(values: Iterator[float | None]) -> float | None:
    found = list(values)
    return None if None in found else sum(value or 0 for value in found)


def _labels(moments: Sequence[datetime]) -> tuple[ChartLabel, ...]:
    ticks = days(moments[0], moments[-1])
    ends = [moments[0], *(one.at for one in ticks), moments[-1]]
    xs = places(ends)[1:-1]
    return tuple(
        ChartLabel(f"{100 * x / WIDTH:.2f}%", _anchor(x / WIDTH), tick.text, tick.is_minor)
        for x, tick in zip(xs, ticks, strict=True)
    )


def _anchor(place: float) -> str:
    if place < _EDGE:
        return "start"
    return "end" if place > 1 - _EDGE else "middle"


def _said(
    moments: Sequence[datetime],
    series: Sequence[Series],
    sums: Sequence[float | None] | None,
    breaks: int,
    write: Callable[[float | None], str],
) -> str:
    told = [f"{plural(len(moments), 'scan')}, {day(moments[0])} to {day(moments[-1])}"]
    named = [(one.name, one.values) for one in series]
    if sums is not None:
        named.insert(0, ("all together", sums))
    for name, values in named:
        known = [value for value in values if value is not None]
        if known:
            ends = f"from {write(known[0])} to {write(known[-1])}"
            told.append(f"{name} {ends}, at most {write(max(known))}")
    if breaks:
        told.append(f"{plural(breaks, 'time')} not comparable with the scan before")
    return "; ".join(told)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,g}" if value % 1 else f"{int(value):,}"
