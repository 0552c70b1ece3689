"""How a fetch is shown while it runs: one line on a terminal, or JSON lines for machines."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from scanner.base.text import plural
from scanner.inventory.progress import FetchProgress, FetchStats, NoProgress, Progress

_REDRAW: Final = 0.1
"""Seconds between two drawings of the line."""

_TELL: Final = 1.0
"""Seconds between two JSON lines."""

_CLEAR: Final = "\r\x1b[2K"
_UNITS: Final = ("bytes", "KB", "MB", "GB")


def progress_for(log_format: str, *, quiet: bool) -> Progress:
    """Return what shows the progress of a fetch on standard error."""
    if log_format == "json":
        return JsonProgress(sys.stderr)
    if quiet:
        return NoProgress()
    return TextProgress(sys.stderr, drawing=sys.stderr.isatty())


class TextProgress:
    """One line that is drawn again and again, if `drawing`; a summary at the end in any case."""

    def __init__(
        self, out: TextIO, *, drawing: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._drawing = drawing
        self._clock = clock
        self._drawn_at: float | None = None
        self._waiting: datetime | None = None

    def update(self, progress: FetchProgress) -> None:
        """Draw the line, unless it was drawn just now; a wait is shown at once."""
        if not self._drawing:
            return
        now = self._clock()
        news = progress.waiting_until != self._waiting
        if self._drawn_at is not None and now - self._drawn_at < _REDRAW and not news:
            return
        self._drawn_at, self._waiting = now, progress.waiting_until
        self._out.write(f"{_CLEAR}Fetching: {_counts(progress)}")
        self._out.flush()

    def finish(self, stats: FetchStats | None) -> None:
        """Take the line away, and sum up what a fetch took that did not fail."""
        if self._drawn_at is not None:
            self._out.write(_CLEAR)
        if stats is not None:
            self._out.write(summary(stats) + "\n")
        self._out.flush()


class JsonProgress:
    """A JSON object a line: progress at most once a second, then the summary."""

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._told_at: float | None = None
        self._waiting: datetime | None = None

    def update(self, progress: FetchProgress) -> None:
        """Tell the counts, unless they were told just now."""
        now = self._clock()
        news = progress.waiting_until not in {self._waiting, None}
        if self._told_at is not None and now - self._told_at < _TELL and not news:
            return
        self._told_at, self._waiting = now, progress.waiting_until
        self._tell("progress", msgspec.to_builtins(progress))

    def finish(self, stats: FetchStats | None) -> None:
        """Tell what the fetch took, or that it failed."""
        if stats is None:
            self._tell("failed", {})
        else:
            self._tell("summary", msgspec.to_builtins(stats))

    def _tell(self, event: str, facts: dict[str, Any]) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "event": f"fetch.{event}", **facts}
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()


def summary(stats: FetchStats) -> str:
    """Say in one line what a fetch took."""
    parts = [
        plural(stats.requests, "request"),
        _size(stats.bytes),
        plural(stats.retries, "retry", "retries"),
    ]
    if stats.throttled:
        parts.append(f"{stats.throttled:,} refused by rate limits")
    return f"Fetched in {stats.seconds:.1f} s: {', '.join(parts)}."


def _counts(progress: FetchProgress) -> str:
    parts = [
        _of(progress.organizations, progress.organizations_total, "organization"),
        _of(progress.projects, progress.projects_total, "project"),
        plural(progress.keys, "key"),
        plural(progress.requests, "request"),
    ]
    if progress.waiting_until is not None:
        until = progress.waiting_until.astimezone()
        parts.append(f"waiting for a rate limit until {until:%H:%M:%S}")
    return ", ".join(parts)


def _of(number: int, total: int | None, noun: str) -> str:
    return plural(number, noun) if total is None else f"{number:,} of {plural(total, noun)}"


def _size(number: float) -> str:
    for unit in _UNITS[:-1]:
        if number < 1000:  # noqa: PLR2004 - units are powers of 1000
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} {_UNITS[-1]}"
