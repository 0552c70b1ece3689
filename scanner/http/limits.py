"""Answers' headers go in, permission to send comes out, early enough that none is refused.

Servers count requests per endpoint and caller in fixed windows of wall-clock time, and requests
at once, as Sentry does (https://docs.sentry.io/api/ratelimits/). Answers may say what is left of
both; where they say nothing, as those of self-hosted servers, only parallelism is bounded.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Final

from scanner.catalogue import API
from scanner.http.failure import ApiError, Reason
from scanner.http.retry import LONGEST_WAIT, asked_pause, http_date

_START: Final = 4
"""Parallel requests before the first answer; each good answer adds one, as TCP's slow start."""
_MARGIN: Final = 0.02
"""Seconds that the clocks of a server's machines may differ."""
_WORTH_TELLING: Final = 0.5
"""Seconds; shorter waits are not shown."""


class Limiter:
    """Lets requests to one endpoint through as quickly as its limits allow.

    `acquire` before and `release` after each request; `observe` each answer between them.
    `deadline` is a moment of `clock`; `on_wait` is told until when all is at rest, then None.
    """

    def __init__(
        self,
        *,
        ceiling: int,
        deadline: float = math.inf,
        on_wait: Callable[[float | None], None] = lambda _seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ceiling = max(ceiling, 1)
        self._deadline = deadline
        self._on_wait = on_wait
        self._clock = clock
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self.running = 0
        self.waited = 0.0  # seconds that requests were held back by limits
        self._parallel = float(min(_START, self._ceiling))
        self._growth_slows_at = math.inf
        self._paused_until = -math.inf
        self._window = _Window()

    async def acquire(self) -> None:
        """Wait for permission to send; raises ApiError (DEADLINE) if it comes too late."""
        # One at a time: those behind would only wake, find the same answer and sleep again, and
        # in this order nobody is overtaken for ever.
        async with self._turn:
            while (pause := self._pause()) > 0:
                await self._rest(pause)
            self.running += 1

    def release(self) -> None:
        """Say that a request is over, however it ended."""
        self.running -= 1
        self._changed.set()

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer."""
        now = self._clock()
        self._window.observe(headers, now)
        limit = _number(headers, "ConcurrentLimit")
        if limit:
            # One less: the server may still count a request whose answer is here already.
            self._ceiling = max(min(self._ceiling, limit - 1), 1)
        if status == 429:  # noqa: PLR2004 - Too Many Requests
            self._refused(headers, now)
        elif _number(headers, "ConcurrentRemaining") == 0:
            # Somebody else uses the same allowance: make room.
            self._parallel = max(self._parallel - 1, 1.0)
        elif status < 500:  # noqa: PLR2004 - server errors are no reason to speed up
            # Past where it went wrong once, one more for a whole round of good answers, not for
            # each: the limit is somewhere near.
            slow = self._parallel >= self._growth_slows_at
            self._parallel += 1 / self._parallel if slow else 1
        self._parallel = min(self._parallel, self._ceiling)
        self._changed.set()

    def pause(self, seconds: float) -> None:
        """Hold every request back for a while."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    @property
    def paused(self) -> bool:
        """Whether requests are held back by a pause."""
        return self._paused_until > self._clock()

    def _refused(self, headers: Mapping[str, str], now: float) -> None:
        asked = asked_pause(headers)
        left = _number(headers, "Remaining")
        # The window is used up, which says nothing about parallelism: wait for its end.
        if left == 0 and asked is None:
            ends = self._window.ends(now)
            asked = None if ends is None else ends - now
        else:
            # Too many at once, or a limit that does not say what it is.
            self._parallel = max(self._parallel / 2, 1.0)
            self._growth_slows_at = self._parallel
        if asked is not None:
            self.pause(asked)

    def _pause(self) -> float:
        """Return 0 to go on, else seconds to wait; infinity: until an answer comes."""
        now = self._clock()
        if now >= self._deadline:
            raise too_late()
        if self._paused_until > now:
            return self._paused_until - now
        if self.running >= int(self._parallel):
            return math.inf  # each release wakes it, so no time needs to be known
        if self._window.allows(self.running):
            return 0
        ends = self._window.ends(now)
        if ends is None:
            # Nothing tells when: go on when nothing else is under way, and see.
            return math.inf if self.running else 0
        if now < ends:
            return ends - now
        # Over by the clock, though no answer has said so yet: its whole allowance is there again.
        # Should that be wrong, one request alone may still go, and its answer tells.
        self._window.turn()
        return 0 if self._window.allows(self.running) or not self.running else math.inf

    async def _rest(self, pause: float) -> None:
        start = self._clock()
        limited = pause != math.inf
        # Told now rather than slept through: the wait could not come to anything.
        if limited and start + pause > self._deadline:
            raise too_late()
        telling = limited and pause >= _WORTH_TELLING
        if telling:
            self._on_wait(pause)
        self._changed.clear()
        try:
            async with asyncio.timeout(pause if limited else None):
                await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            if limited:
                self.waited += self._clock() - start
            if telling:
                self._on_wait(None)


class _Window:
    """What is left of the server's current window of time, as far as the answers tell."""

    def __init__(self) -> None:
        self._limit: int | None = None
        self._left: int | None = None
        self._reset: int | None = None  # server's clock, whole seconds
        self._passed = -1  # windows up to here are over
        self._ahead: float | None = None  # the server's clock is at least so far ahead of ours

    def observe(self, headers: Mapping[str, str], now: float) -> None:
        date = http_date(headers.get("Date", ""))
        if date is not None:
            # The answer was made at `date` or later, and is here now. The latest such bound is
            # the best: when our clock says that a window is over, it is over there too.
            ahead = date.timestamp() - now
            self._ahead = ahead if self._ahead is None else max(self._ahead, ahead)
        limit, left, reset = (_number(headers, name) for name in ("Limit", "Remaining", "Reset"))
        # Answers overtake each other: one of a window that is over must not bring it back.
        if limit is None or left is None or reset is None or reset <= self._passed:
            return
        self._limit = limit
        if self._reset is None or reset > self._reset:
            self._reset, self._left = reset, left
        elif reset == self._reset and self._left is not None:
            # Of the same window, the lowest is the newest, in whatever order they came.
            self._left = min(self._left, left)

    def allows(self, running: int) -> bool:
        """Whether one more fits; those under way may or may not be counted yet."""
        return self._left is None or self._left - running >= 1

    def ends(self, now: float) -> float | None:
        """Return when, on our clock, the window is surely over; None if that is not known."""
        if self._reset is None:
            return None
        ahead = time.time() - now if self._ahead is None else self._ahead
        ends = self._reset - ahead + _MARGIN
        return ends if ends - now <= LONGEST_WAIT else None

    def turn(self) -> None:
        """Begin a new window, whose end the next answer will tell."""
        if self._reset is not None:
            self._passed = self._reset
        self._reset, self._left = None, self._limit


def too_late(where: str = "") -> ApiError:
    """Return the error of a fetch that takes longer than it may."""
    return ApiError(
        Reason.DEADLINE,
        "the time for the whole fetch is over",
        where=where,
        remedy="Allow more with --max-time, or fetch fewer organizations or projects at once.",
    )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(API.limits + name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - digits
