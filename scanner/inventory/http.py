"""One HTTP client for Sentry's API: limits, retries, bounds, and a token that stays at home."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

import httpx
import msgspec

from scanner.inventory.answers import Moved, Reply, check, read_json, unreachable
from scanner.inventory.connection import ClientSettings, open_http
from scanner.inventory.failure import FATAL, TRANSIENT, ApiError, Reason
from scanner.inventory.limits import Limiter
from scanner.inventory.retry import LONGEST_WAIT, retry_after
from scanner.model.errors import UsageError

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bound on one answer, after decompression; a page of 100 keys is about 200 KB."""

_MOST_MOVES: Final = 3
_TALKATIVE: Final = ("httpx", "httpcore", "h2", "hpack")
"""Loggers that would write headers, and the token with them, at the level of debugging."""
_WRONG_ADDRESS: Final = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.GARBLED})
"""What a wrong address looks like, as long as the server has not answered once."""

_HOPELESS_AFTER: Final = 5
"""So many requests in a row that failed for good, retries and all, mean that it is over."""


class Traffic(msgspec.Struct):
    """What was exchanged so far: requests sent, bytes received, attempts beyond the first."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0
    throttled: int = 0


class Client:
    """Asks for JSON, endpoint by endpoint.

    `get` raises ApiError when a request failed for good. `on_change` is called when counts
    change, with the seconds that all is at rest for, or None.
    """

    def __init__(
        self,
        settings: ClientSettings,
        http: httpx.AsyncClient,
        on_change: Callable[[float | None], None] = lambda _seconds: None,
    ) -> None:
        self._settings = settings
        self._http = http
        self._on_change = on_change
        self._ends = time.monotonic() + settings.deadline
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._met = False
        self._failed_in_a_row = 0
        self._over: ApiError | None = None
        self.traffic = Traffic()

    @property
    def waited(self) -> float:
        """Seconds that requests were held back by limits, added over endpoints."""
        return sum(limiter.waited for limiter in self._limiters.values())

    async def get(
        self,
        endpoint: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        base: str = "",
        vital: bool = True,
    ) -> Reply:
        """Return the JSON at `path` of the API.

        `endpoint` names what limits are counted by. `base` is another base URL than the
        configured one; the caller answers for its being trusted (see origin.region_base). When
        what is not `vital` fails again and again, that says nothing about the rest.
        """
        home = base or self._settings.base
        limiter = self._limiter(home, endpoint)
        url = f"{home}/api/0/{path}"
        moved_to = None
        for _ in range(_MOST_MOVES + 1):
            outcome = await self._persist(limiter, url, query or {}, vital=vital)
            if isinstance(outcome, Reply):
                return msgspec.structs.replace(outcome, moved_to=moved_to)
            url, moved_to = urljoin(url, outcome.path), outcome.slug
        raise ApiError(Reason.LOOP, "the project's old names lead in a circle", where=url)

    async def _persist(
        self, limiter: Limiter, url: str, query: Mapping[str, str], *, vital: bool
    ) -> Reply | Moved:
        """Ask until there is an answer or no hope; every way out is bounded."""
        policy, failures, throttled = self._settings.retry, 0, 0
        while True:
            if self._over is not None:
                raise self._over
            try:
                outcome = await self._attempt(limiter, url, query)
            except _FailedError as failed:
                error = failed.error
                if error.reason is Reason.THROTTLED:
                    throttled += 1
                else:
                    failures += 1
                if not self._worth_retrying(error, failures, throttled):
                    raise self._final(error, vital=vital) from failed
                if (failed.retry_after or 0) > LONGEST_WAIT:
                    raise self._final(error, vital=vital) from failed
                await self._hold_back(limiter, failed, policy.wait(failures + throttled))
                self.traffic.retries += 1
            else:
                self._met, self._failed_in_a_row = True, 0
                return outcome

    def _worth_retrying(self, error: ApiError, failures: int, throttled: int) -> bool:
        policy = self._settings.retry
        if error.reason not in TRANSIENT:
            return False
        unmet = error.reason in _WRONG_ADDRESS and not self._met
        most = policy.first_contact if unmet else policy.attempts
        return failures < most and throttled < policy.throttled

    async def _hold_back(self, limiter: Limiter, failed: "_FailedError", wait: float) -> None:
        """Wait before the next attempt: alone, or with everybody if the server asked for it."""
        asked = failed.retry_after
        if asked is not None:
            limiter.pause(asked)
        elif failed.error.reason is not Reason.THROTTLED:
            await asyncio.sleep(min(wait, max(self._ends - time.monotonic(), 0)))
        elif not limiter.paused:
            limiter.pause(wait)

    def _final(self, error: ApiError, *, vital: bool) -> ApiError:
        """Take note of a request that failed for good; after too many, all others fail too."""
        if error.reason in TRANSIENT and vital:
            self._failed_in_a_row += 1
        if error.reason in FATAL or self._failed_in_a_row >= _HOPELESS_AFTER:
            self._over = error
        return error

    async def _attempt(self, limiter: Limiter, url: str, query: Mapping[str, str]) -> Reply | Moved:
        await limiter.acquire()
        try:
            self.traffic.requests += 1
            self._on_change(None)
            response, body = await self._send(url, query)
            limiter.observe(response.status_code, response.headers)
        except ApiError as error:
            raise _FailedError(error) from error
        finally:
            limiter.release()
        return self._judge(response, body)

    def _judge(self, response: httpx.Response, body: bytes) -> Reply | Moved:
        if response.status_code == 429:  # noqa: PLR2004 - Too Many Requests
            self.traffic.throttled += 1
        try:
            moved = check(response, body, self._settings.token)
            if moved is not None:
                return moved
            links = {rel: entry for rel, entry in response.links.items() if rel}
            return Reply(read_json(response, body), links)
        except ApiError as error:
            asked = retry_after(response.headers.get("Retry-After"))
            raise _FailedError(error, asked) from error

    async def _send(self, url: str, query: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        where = url.partition("?")[0]
        try:
            request = self._http.build_request("GET", url, params=dict(query))
        except httpx.InvalidURL as error:
            raise ApiError(Reason.REFUSED, "the address is not a URL", where=where) from error
        try:
            left = max(self._ends - time.monotonic(), 0.0)
            async with asyncio.timeout(min(self._settings.timeout, left)):
                response = await self._http.send(request, stream=True)
                try:
                    body = await _read(response, where)
                finally:
                    self.traffic.bytes += response.num_bytes_downloaded
                    await response.aclose()
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise unreachable(error, where, self._settings.timeout) from error
        except httpx.InvalidURL as error:  # of a redirect
            message = "the server redirects to something that is not a URL"
            raise ApiError(Reason.REDIRECTED, message, where=where) from error
        return response, body

    def _limiter(self, home: str, endpoint: str) -> Limiter:
        key = (home, endpoint)
        if key not in self._limiters:
            self._limiters[key] = Limiter(
                ceiling=self._settings.concurrency, deadline=self._ends, on_wait=self._on_change
            )
        return self._limiters[key]


@asynccontextmanager
async def connect(
    settings: ClientSettings,
    on_change: Callable[[float | None], None] = lambda _seconds: None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Client]:
    """Open a client for as long as the block runs.

    Raises UsageError for a token that no header can carry, and as `open_http` does.
    """
    if not settings.token.sendable:
        raise UsageError(
            "the token is empty or holds characters that no token has",
            where="SENTRY_AUTH_TOKEN",
            remedy="Copy the token again, without line breaks.",
        )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    async with open_http(settings, transport) as http:
        yield Client(settings, http, on_change)


async def _read(response: httpx.Response, where: str) -> bytes:
    """Read a body of bounded size, whatever its Content-Length says."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise ApiError(
                Reason.OVERSIZED,
                f"the answer is larger than {MOST_BYTES // (1024 * 1024)} MiB",
                where=where,
            )
        parts.append(part)
    return b"".join(parts)


class _FailedError(Exception):
    """One attempt that failed, with the pause that the server asked for."""

    def __init__(self, error: ApiError, asked: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = asked
