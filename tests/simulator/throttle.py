"""Sentry's limits: requests in a fixed window and requests at once, per endpoint and caller."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulator.message import Response, raw_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Limits:
    """How much is allowed; the defaults are those seen on the hosted service.

    `headers` False: the limits hold, but no answer says so, as behind some proxies.
    `retry_after`: seconds that a 429 names in Retry-After, which Sentry itself never sends.
    """

    requests: int = 40
    window: int = 1  # seconds
    concurrent: int = 25
    headers: bool = True
    retry_after: int | None = None


@dataclass
class Throttle:
    """Counts requests against the limits; None as limits never refuses and sends no headers."""

    limits: Limits | None
    clock: Callable[[], float] = time.time
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    _running: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def enter(self, caller: str) -> Iterator[tuple[dict[str, str], Response | None]]:
        """Count a request in; yield the headers for its answer and the 429, if it gets one."""
        if self.limits is None:
            yield {}, None
            return
        limits = self.limits
        with self._lock:
            bucket = int(self.clock() / limits.window)
            self._counts[caller, bucket] += 1
            count = self._counts[caller, bucket]
            self._running[caller] += 1
            running = self._running[caller]
        try:
            headers = self._headers(limits, bucket, count, running) if limits.headers else {}
            yield headers, self._refusal(limits, count, running, headers)
        finally:
            with self._lock:
                self._running[caller] -= 1

    @staticmethod
    def _headers(limits: Limits, bucket: int, count: int, running: int) -> dict[str, str]:
        over = count > limits.requests
        left = "None" if over else str(max(limits.concurrent - running, 0))
        return {
            "X-Sentry-Rate-Limit-Remaining": str(max(limits.requests - count, 0)),
            "X-Sentry-Rate-Limit-Limit": str(limits.requests),
            "X-Sentry-Rate-Limit-Reset": str((bucket + 1) * limits.window),
            "X-Sentry-Rate-Limit-ConcurrentRemaining": left,
            "X-Sentry-Rate-Limit-ConcurrentLimit": str(limits.concurrent),
        }

    @staticmethod
    def _refusal(
        limits: Limits, count: int, running: int, headers: dict[str, str]
    ) -> Response | None:
        if count > limits.requests:
            text = (
                "You are attempting to use this endpoint too frequently. "
                f"Limit is {limits.requests} requests in {limits.window} seconds"
            )
        elif running > limits.concurrent:
            text = (
                "You are attempting to go above the allowed concurrency for this endpoint. "
                f"Concurrency limit is {limits.concurrent}"
            )
        else:
            return None
        body = f'"{text}"'.encode()
        refusal = raw_answer(429, body, "text/html; charset=utf-8", allow=None)
        if limits.retry_after is not None:
            headers = headers | {"Retry-After": str(limits.retry_after)}
        return Response(429, body, refusal.headers | headers)
