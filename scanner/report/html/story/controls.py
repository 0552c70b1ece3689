"""How much of each control passed over the runs: `Run.earlier` and the run go in, rows come out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from scanner.base.text import day, percent
from scanner.model.run import Run, TrendPoint
from scanner.report.html.plot import Plot, places, sparkline
from scanner.report.parts.changes import changes
from scanner.report.parts.frameworks import name_of_framework, title_of

LISTED: Final = 40
"""Controls that are listed, those that lost the most first; all of them are counted."""

_TENTHS: Final = 1000


class _ControlCourse(NamedTuple):
    """A control with the part that passed in each run, None where nothing was judged."""

    framework: str
    requirement: str
    rates: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        return [rate for rate in self.rates if rate is not None]

    @property
    def gain(self) -> float:
        """What passes more now than in the run before that judged anything."""
        return self.known[-1] - self.known[-2] if len(self.known) > 1 else 0.0


def controls(run: Run) -> dict[str, Any] | None:
    """Return the courses of this run's controls; None where no earlier run tells of any."""
    now = run.point
    points = [*(one for one in run.earlier if one.controls and one.as_of < now.as_of), now]
    if len(points) == 1 or not now.controls:
        return None
    found = sorted(_courses(points), key=lambda one: (one.gain, one.known[-1], one[:2]))
    told = {at: tuple(changes(*pair)) for at, pair in enumerate(pairwise(points), 1)}
    breaks = {at: why for at, why in told.items() if why}
    plot = Plot(places([point.as_of for point in points]), breaks, 1.0)
    return {
        "rows": [_row(one, points, breaks) for one in found[:LISTED]],
        "total": len(found),
        "runs": len(points),
        "first": day(points[0].as_of),
        "marks": [plot.between(at) for at in breaks],
    }


def _courses(points: Sequence[TrendPoint]) -> Iterator[_ControlCourse]:
    """Give the controls of the last point, but for those of which nothing was judged."""
    for framework, requirements in points[-1].controls.items():
        for requirement, tally in requirements.items():
            if tally.rate is not None:
                found = [one.controls.get(framework, {}).get(requirement) for one in points]
                rates = tuple(one.rate if one else None for one in found)
                yield _ControlCourse(framework, requirement, rates)


def _row(
    one: _ControlCourse, points: Sequence[TrendPoint], breaks: Mapping[int, Any]
) -> dict[str, Any]:
    moments = [point.as_of for point in points]
    tenths = round(one.gain * _TENTHS)
    return {
        "framework": name_of_framework(one.framework),
        "id": one.requirement,
        "title": title_of(one.framework, one.requirement),
        "shape": sparkline(moments, one.rates, breaks, 1.0),
        "first": percent(one.known[0]),
        "before": percent(one.known[-2] if len(one.known) > 1 else None),
        "now": percent(one.known[-1]),
        "change": f"{tenths / 10:+g}" if tenths else "",
        "is_worse": tenths < 0,
    }
