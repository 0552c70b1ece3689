"""Where things lie in a chart: in come series over moments, out come outlines of areas and lines.

The units are those of an SVG that is WIDTH by HEIGHT and is stretched to its place. What is not
known is a gap, and where a scan cannot be compared with the one before, no line leads there.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
_MARGIN: Final = 8.0
"""Room left of the first moment and right of the last, for what stands alone there."""

_ALONE: Final = 5.0
"""Half the width of a moment with no other beside it, in a stack."""

_DOTTED: Final = 40
"""Up to so many moments, each has a dot on a line."""


class Series(msgspec.Struct, frozen=True):
    """One figure over time; `look` is the class of its colour (`is-high` has the look `high`).

    `values` are one a moment, None where it is not known. Those that are stacked stand one upon the
    other, in their order from the bottom; others are lines.
    """

    name: str
    look: str
    values: Sequence[float | None]
    is_stacked: bool = True


class ChartShape(msgspec.Struct, frozen=True):
    """The outline of an area, or a line, as the `d` of a path; `dots` are moments on a line."""

    look: str
    path: str
    is_area: bool
    dots: str = ""


class Plot:
    """Where values lie: x by moment, y by value, and which moments hang together."""

    def __init__(self, xs: Sequence[float], breaks: Collection[int], top: float) -> None:
        self.xs = xs
        self._breaks = breaks
        self._top = top

    def line(self, one: Series) -> ChartShape:
        """Draw a line; a moment alone is a dot."""
        runs = list(self.runs([value is not None for value in one.values]))
        values = [value or 0 for value in one.values]
        path = "".join(
            f"M{'L'.join(self.point(at, values[at]) for at in run)}{'h0' if len(run) == 1 else ''}"
            for run in runs
        )
        few = len(self.xs) <= _DOTTED
        dots = "".join(f"M{self.point(at, values[at])}h0" for run in runs for at in run)
        return ChartShape(one.look, path, is_area=False, dots=dots if few else "")

    def area(self, look: str, low: Sequence[float | None], high: Sequence[float]) -> ChartShape:
        """Draw what lies between two lines; a moment alone is a bar."""
        path = []
        for run in self.runs([value is not None for value in low]):
            if not any(high[at] > (low[at] or 0) for at in run):
                continue
            if len(run) == 1:
                (at,) = run
                top, bottom = self.y(high[at]), self.y(low[at] or 0)
                x, width = units(self.xs[at] - _ALONE), units(2 * _ALONE)
                path.append(f"M{x} {bottom}V{top}h{width}V{bottom}z")
                continue
            there = [self.point(at, high[at]) for at in run]
            back = [self.point(at, low[at] or 0) for at in reversed(run)]
            path.append(f"M{'L'.join([*there, *back])}z")
        return ChartShape(look, "".join(path), is_area=True)

    def point(self, at: int, value: float) -> str:
        """Return where a value at a moment lies."""
        return f"{units(self.xs[at])} {self.y(value)}"

    def between(self, at: int) -> str:
        """Return the x between a moment and the one before."""
        return units((self.xs[max(at - 1, 0)] + self.xs[at]) / 2)

    def y(self, value: float) -> str:
        """Return the height of a value, from the top."""
        return units(HEIGHT - HEIGHT * value / self._top)

    def runs(self, known: Sequence[bool]) -> Iterator[list[int]]:
        """Give the places of known moments, in parts that no gap and no break divides."""
        run: list[int] = []
        for at, is_known in enumerate(known):
            if run and (at in self._breaks or not is_known):
                yield run
                run = []
            if is_known:
                run.append(at)
        if run:
            yield run


def shapes(plot: Plot, series: Sequence[Series]) -> Iterator[ChartShape]:
    """Give the areas, from the bottom, and then the lines."""
    yield from _areas(plot, [one for one in series if one.is_stacked])
    yield from (plot.line(one) for one in series if not one.is_stacked)


def _areas(plot: Plot, stacked: Sequence[Series]) -> Iterator[ChartShape]:
    if not stacked:
        return
    columns = list(zip(*(one.values for one in stacked), strict=True))
    # Where one of them is not known, nor is how high those above it stand.
    low: list[float | None] = [None if None in column else 0.0 for column in columns]
    for one in stacked:
        high = [(base or 0) + (value or 0) for base, value in zip(low, one.values, strict=True)]
        yield plot.area(one.look, low, high)
        low = [None if base is None else top for base, top in zip(low, high, strict=True)]


def sparkline(
    moments: Sequence[datetime],
    values: Sequence[float | None],
    breaks: Collection[int] = (),
    top: float | None = None,
) -> ChartShape:
    """Draw one series as a line without axes, from 0 to `top`; without it, to the highest value."""
    highest = top or max(filter(None, values), default=0) or 1
    shape = Plot(places(moments), breaks, highest).line(Series("", "", values))
    return msgspec.structs.replace(shape, dots="")


def places(moments: Sequence[datetime]) -> list[float]:
    """Return the x of moments, oldest first."""
    first, span = moments[0], moments[-1] - moments[0]
    if not span:
        return [WIDTH / 2] * len(moments)
    return [_MARGIN + (WIDTH - 2 * _MARGIN) * ((one - first) / span) for one in moments]


def units(value: float) -> str:
    """Write a length as short as can be seen."""
    return f"{round(value, 1):g}"
