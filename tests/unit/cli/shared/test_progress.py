"""What is shown of a fetch while it runs."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from scanner.cli.shared.progress import JsonProgress, TextProgress, summary
from scanner.inventory.progress import FetchProgress, FetchStats

STATS = FetchStats(
    requests=1_234, bytes=5_600_000, retries=1, throttled=0, seconds=12.34, waited=0.0
)
HALF_WAY = FetchProgress(1, 2, 30, 1_000, 200, 40)
WAITING = FetchProgress(
    1, 2, 30, None, 200, 40, waiting_until=datetime(2026, 6, 1, 12, 0, 5, tzinfo=UTC)
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_line_is_drawn_again_and_taken_away_at_the_end() -> None:
    out, clock = io.StringIO(), Clock()
    shown = TextProgress(out, drawing=True, clock=clock)
    shown.update(HALF_WAY)
    shown.update(HALF_WAY)  # at once: not drawn
    clock.now = 0.2
    shown.update(HALF_WAY)
    line = "\r\x1b[2KFetching: 1 of 2 organizations, 30 of 1,000 projects, 200 keys, 40 requests"
    assert out.getvalue() == line * 2
    shown.finish(STATS)
    assert out.getvalue() == line * 2 + "\r\x1b[2K" + summary(STATS) + "\n"


def test_a_wait_is_shown_at_once_with_its_end() -> None:
    out = io.StringIO()
    shown = TextProgress(out, drawing=True, clock=Clock())
    shown.update(HALF_WAY)
    shown.update(WAITING)
    assert "waiting for a rate limit until" in out.getvalue()
    assert ":05" in out.getvalue()


def test_without_a_terminal_only_the_summary_is_written() -> None:
    out = io.StringIO()
    shown = TextProgress(out, drawing=False, clock=Clock())
    shown.update(HALF_WAY)
    shown.finish(STATS)
    assert out.getvalue() == "Fetched in 12.3 s: 1,234 requests, 5.6 MB, 1 retry.\n"


def test_a_fetch_that_failed_has_no_summary() -> None:
    out = io.StringIO()
    TextProgress(out, drawing=False).finish(None)
    assert not out.getvalue()


def test_refusals_are_told() -> None:
    stats = FetchStats(requests=1, bytes=10, retries=2, throttled=2, seconds=0.1, waited=1.0)
    assert summary(stats) == (
        "Fetched in 0.1 s: 1 request, 10 bytes, 2 retries, 2 refused by rate limits."
    )


def test_machines_get_a_line_a_second() -> None:
    out, clock = io.StringIO(), Clock()
    told = JsonProgress(out, clock=clock)
    told.update(HALF_WAY)
    told.update(HALF_WAY)
    told.update(WAITING)
    clock.now = 1.0
    told.update(HALF_WAY)
    told.finish(STATS)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [*["fetch.progress"] * 3, "fetch.summary"]
    assert lines[0]["keys"] == 200
    assert lines[1]["waiting_until"] == "2026-06-01T12:00:05Z"
    assert lines[-1]["bytes"] == 5_600_000


def test_machines_are_told_of_a_failure() -> None:
    out = io.StringIO()
    JsonProgress(out).finish(None)
    assert json.loads(out.getvalue())["event"] == "fetch.failed"
