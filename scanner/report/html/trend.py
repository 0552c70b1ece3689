"""The trend of the HTML page: findings of earlier scans and of this one, like held against like."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from scanner.base.text import plural, timestamp
from scanner.model.outcome import WORST_FIRST
from scanner.model.run import Run, TrendPoint
from scanner.report.parts.changes import changes

MOST: Final = 60
"""Scans that are drawn, the latest; the table tells of the last LISTED of them."""

LISTED: Final = 12

HEIGHT: Final = 40.0
"""Height of the tallest bar, in units of the drawing; a scan has one unit of its width."""

_WIDEST: Final = 0.7
_ROOMY: Final = 12
"""With fewer scans than these, bars stay as narrow as if there were so many."""


def trend(run: Run) -> dict[str, Any] | None:
    """Return bars, axis and rows, oldest first; None where there is no earlier scan."""
    now = run.point
    points = [*(point for point in run.earlier if point.as_of < now.as_of), now][-MOST:]
    if len(points) == 1:
        return None
    tallest = max(sum(point.found.values()) for point in points) or 1
    told = [()] + [tuple(changes(*pair)) for pair in pairwise(points)]
    width = _WIDEST * min(1, len(points) / _ROOMY)
    rows = [_row(point, change) for point, change in zip(points, told, strict=True)]
    return {
        "bars": [_bar(point, at, width, tallest) for at, point in enumerate(points)],
        "breaks": [at for at, change in enumerate(told) if change],
        "rows": rows[-LISTED:],
        "width": len(points),
        "height": HEIGHT,
        "axis": [tallest, tallest // 2, 0] if tallest > 1 else [tallest, 0],
        "days": [rows[at]["text"] for at in dict.fromkeys((0, (len(rows) - 1) // 2, -1))],
        **_comparison(points),
    }


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
    return {"iso": timestamp(point.as_of), "text": timestamp(point.as_of)[:10]}


def _row(point: TrendPoint, change: tuple[str, ...]) -> dict[str, Any]:
    return {
        **_day(point),
        "result": point.result.value,
        "counts": [{"name": s.value, "open": point.open.get(s, 0)} for s in WORST_FIRST],
        "total": sum(point.open.values()),
        "found": sum(point.found.values()),
        "change": "; ".join(change),
    }


def _bar(point: TrendPoint, at: int, width: float, tallest: int) -> list[dict[str, Any]]:
    """Return the pieces of one bar: open findings, the worst at the bottom, then the others."""
    counts = [(s.value, point.open.get(s, 0)) for s in WORST_FIRST]
    rest = sum(point.found.values()) - sum(point.open.values())
    pieces = []
    bottom = HEIGHT
    for name, number in (*counts, ("tolerated", rest)):
        height = HEIGHT * number / tallest
        if height > 0:
            bottom -= height
            pieces.append(
                {
                    "name": name,
                    "x": round(at + (1 - width) / 2, 3),
                    "y": round(bottom, 3),
                    "width": round(width, 3),
                    "height": round(height, 3),
                }
            )
    return pieces
