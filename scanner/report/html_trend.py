"""The trend of the HTML page: open findings of earlier scans and of this one."""

from typing import Any, Final

from scanner.model.run import Run, TrendPoint
from scanner.model.severity import WORST_FIRST
from scanner.report.text import timestamp

MOST: Final = 60
"""Scans that are drawn, the latest; the table tells of the last LISTED of them."""

LISTED: Final = 12

NARROWEST: Final = 16
"""Scans that the drawing has room for at least, so that a few are no wall of colour."""

HEIGHT: Final = 40.0
"""Height of the tallest bar, in units of the drawing; a scan is one unit wide."""


def trend(run: Run) -> dict[str, Any] | None:
    """Return bars and rows of the trend, oldest first; None where there is no earlier scan."""
    now = TrendPoint(run.info.as_of, run.verdict.result, run.open_by_severity())
    points = [*(point for point in run.earlier if point.as_of < now.as_of), now][-MOST:]
    if len(points) == 1:
        return None
    tallest = max(sum(point.open.values()) for point in points) or 1
    rows = [_row(point) for point in points]
    before, last = rows[-2]["total"], rows[-1]["total"]
    return {
        "bars": [_bar(point, number, tallest) for number, point in enumerate(points)],
        "rows": rows[-LISTED:],
        "width": max(len(points), NARROWEST),
        "height": HEIGHT,
        "change": last - before,
        "since": rows[-2]["day"],
    }


def _row(point: TrendPoint) -> dict[str, Any]:
    counts = [{"name": s.value, "open": point.open.get(s, 0)} for s in WORST_FIRST]
    return {
        "iso": timestamp(point.as_of),
        "day": timestamp(point.as_of)[:10],
        "result": point.result.value,
        "counts": counts,
        "total": sum(point.open.values()),
    }


def _bar(point: TrendPoint, number: int, tallest: int) -> list[dict[str, Any]]:
    """Return the pieces of one bar, the worst severity at the bottom."""
    pieces = []
    bottom = HEIGHT
    for severity in WORST_FIRST:
        height = HEIGHT * point.open.get(severity, 0) / tallest
        if height:
            bottom -= height
            pieces.append(
                {
                    "name": severity.value,
                    "x": number,
                    "y": round(bottom, 3),
                    "height": round(height, 3),
                }
            )
    return pieces
