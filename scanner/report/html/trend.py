"""The trend of the HTML page: findings of earlier scans and of this one, like held against like."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from scanner.base.text import day, plural, timestamp
from scanner.model.outcome import WORST_FIRST
from scanner.model.run import Run, TrendPoint
from scanner.report.html.chart import Chart, chart
from scanner.report.html.plot import Series
from scanner.report.parts.changes import changes

MOST: Final = 400
"""Scans that are drawn, the latest."""


def trend(run: Run) -> dict[str, Any] | None:
    """Return the chart, and what is better or worse; None where there is no earlier scan."""
    now = run.point
    points = [*(point for point in run.earlier if point.as_of < now.as_of), now][-MOST:]
    if len(points) == 1:
        return None
    return {"chart": severities("trend", "Findings by severity", points), **_comparison(points)}


def severities(name: str, title: str, points: Sequence[TrendPoint]) -> Chart:
    """Draw open findings, the worst at the bottom, and upon them those that are tolerated."""
    told = {at: tuple(changes(*pair)) for at, pair in enumerate(pairwise(points), 1)}
    return chart(
        name,
        title,
        [point.as_of for point in points],
        [
            *(
                Series(
                    f"{one.value}, open", one.value, [point.open.get(one, 0) for point in points]
                )
                for one in WORST_FIRST
            ),
            *_unseen(points),
            Series("waived or in the baseline", "tolerated", list(map(_tolerated, points))),
        ],
        breaks={at: why for at, why in told.items() if why},
        notes=[point.result.value for point in points],
    )


def _unseen(points: Sequence[TrendPoint]) -> Iterator[Series]:
    """Give what was open when somebody last looked: a gap makes no day a better one."""
    counts = [sum(point.unseen.values()) for point in points]
    if any(counts):
        yield Series("open when last looked at", "unseen", counts)


def _tolerated(point: TrendPoint) -> int:
    return sum(point.found.values()) - sum(point.open.values())


def _comparison(points: Sequence[TrendPoint]) -> dict[str, Any]:
    """Hold the last scan against the latest earlier one that looked at the same in the same way."""
    now, before = points[-1], points[-2]
    because = tuple(changes(before, now))
    alike = next((one for one in points[-2::-1] if not tuple(changes(one, now))), None)
    told: dict[str, Any] = {"before": _day(before), "because": because, "since": None}
    if alike is None:
        return told
    found, were_found = (sum(one.found.values()) for one in (now, alike))
    opened, were_open = (sum(one.open.values()) for one in (now, alike))
    tolerated, were_tolerated = found - opened, were_found - were_open
    return told | {
        "since": _day(alike),
        # By all findings: a waiver or a baseline makes fewer of them open, and nothing better.
        "word": "worse" if found > were_found else "better" if found < were_found else "unchanged",
        "told": [
            f"{plural(found, 'finding')}, {_difference(found - were_found)}",
            f"{opened:,} open, {_difference(opened - were_open)}",
            f"{tolerated:,} waived or baselined, {_difference(tolerated - were_tolerated)}",
        ],
    }


def _difference(number: int) -> str:
    return f"{abs(number):,} {'more' if number > 0 else 'fewer'}" if number else "as many"


def _day(point: TrendPoint) -> dict[str, str]:
    return {"iso": timestamp(point.as_of), "text": day(point.as_of)}
