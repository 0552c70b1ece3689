"""An endpoint and a path go in; a Reply comes out or an ApiError, after limits and retries."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

import httpx
import msgspec

from scanner.base.errors import UsageError
from scanner.catalogue import TOKEN_SETTING
from scanner.http.answers import Moved, Reply, check, gave_up, read_json, unreachable
from scanner.http.connection import ClientSettings, Use, open_http
from scanner.http.failure import FATAL, TRANSIENT, ApiError, Reason
from scanner.http.limits import Limiter, too_late
from scanner.http.retry import LONGEST_WAIT, Drought, retry_after

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bound on one answer, after decompression; a page of 100 keys is about 200 KB."""

_MOST_MOVES: Final = 3
_TALKATIVE: Final = ("httpx", "httpcore", "h2", "hpack")
"""Loggers that would write headers, and the token with them, at the level of debugging."""
_WRONG_ADDRESS: Final = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.GARBLED})
"""What a wrong address looks like, as long as the server has not answered once."""

_HOPELESS_AFTER: Final = 5
"""So many requests in a row that failed for good, retries and all, mean that it is over."""

_PATIENCE_SHARE: Final = 15
"""The part of the time for the whole fetch that may pass without a good answer."""


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._on_change = on_change
        self._clock = clock
        self._ends = clock() + settings.deadline
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._met = False
        self._failed_in_a_row = 0
        patience = max(settings.retry.patience, settings.deadline / _PATIENCE_SHARE)
        self._drought = Drought(patience, clock)
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
            try:
                outcome = await self._attempt(limiter, url, query)
            except _FailedError as failed:
                error = failed.error
                if error.reason is Reason.THROTTLED:
                    throttled += 1  # counted apart: being told to slow down is no failure
                else:
                    failures += 1
                self._watch(failed, vital=vital)
                if not self._worth_retrying(error, failures, throttled):
                    raise self._final(error, vital=vital) from failed
                if (failed.retry_after or 0) > LONGEST_WAIT:
                    raise self._final(error, vital=vital) from failed
                await self._hold_back(limiter, failed, policy.wait(failures + throttled))
                self.traffic.retries += 1
            else:
                self._met, self._failed_in_a_row = True, 0
                self._drought.ended()
                return outcome

    def _watch(self, failed: "_FailedError", *, vital: bool) -> None:
        """Raise ApiError where all requests together have failed for too long."""
        error = failed.error
        if error.reason not in TRANSIENT | FATAL:
            self._drought.ended()  # a refusal is an answer: somebody is there
        elif error.reason in TRANSIENT - {Reason.THROTTLED} and vital:
            self._drought.failed(failed.started)
            if self._drought.is_too_long and self._over is None:
                self._over = gave_up(error, self._drought.failures, self._drought.lasted)
        if self._over is not None:
            raise self._over

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
            # The server means everybody: what the others sent would be refused too.
            limiter.pause(asked)
        elif failed.error.reason is not Reason.THROTTLED:
            await asyncio.sleep(min(wait, max(self._ends - self._clock(), 0)))
        elif not limiter.paused:
            # Once for all that were refused together, or each would put the end further off.
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
        started = self._clock()
        try:
            if self._over is not None:  # it came while this one waited for its turn
                raise self._over
            self.traffic.requests += 1
            self._on_change(None)
            response, body = await self._send(url, query)
            limiter.observe(response.status_code, response.headers)
        except ApiError as error:
            raise _FailedError(error, started) from error
        finally:
            limiter.release()
        return self._judge(response, body, started)

    def _judge(self, response: httpx.Response, body: bytes, started: float) -> Reply | Moved:
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
            raise _FailedError(error, started, asked) from error

    async def _send(self, url: str, query: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        where = url.partition("?")[0]
        # Less than a request's own time where the time for all of them ends before.
        allowed = min(self._settings.timeout, max(self._ends - self._clock(), 0.0))
        try:
            request = self._http.build_request("GET", url, params=dict(query))
        except httpx.InvalidURL as error:
            raise ApiError(Reason.REFUSED, "the address is not a URL", where=where) from error
        try:
            async with asyncio.timeout(allowed):
                response = await self._open(request)
                try:
                    body = await _read(response, where)
                finally:
                    self.traffic.bytes += response.num_bytes_downloaded
                    await response.aclose()
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            if self._clock() >= self._ends:
                raise too_late(where) from error
            raise unreachable(error, where, allowed) from error
        except httpx.InvalidURL as error:  # of a redirect
            message = "the server redirects to something that is not a URL"
            raise ApiError(Reason.REDIRECTED, message, where=where) from error
        return response, body

    async def _open(self, request: httpx.Request) -> httpx.Response:
        """Send, and send again at once where an idle connection turns out to be closed.

        Servers may close a connection after an answer without a word, and then a request on it
        is lost before it arrives. It is nobody's failure, and each one uses up a connection.
        """
        for _ in range(self._settings.concurrency):
            use = Use()
            request.extensions["trace"] = use.trace
            try:
                return await self._http.send(request, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not use.is_stale:
                    raise
        return await self._http.send(request, stream=True)

    def _limiter(self, home: str, endpoint: str) -> Limiter:
        key = (home, endpoint)
        if key not in self._limiters:
            self._limiters[key] = Limiter(
                ceiling=self._settings.concurrency,
                deadline=self._ends,
                on_wait=self._on_change,
                clock=self._clock,
            )
        return self._limiters[key]


@asynccontextmanager
async def connect(
    settings: ClientSettings,
    on_change: Callable[[float | None], None] = lambda _seconds: None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Client]:
    """Open a client for as long as the block runs.

    Raises UsageError for a token that no header can carry, and as `open_http` does.
    """
    if not settings.token.sendable:
        raise UsageError(
            "the token is empty or holds characters that no token has",
            where=TOKEN_SETTING,
            remedy="Copy the token again, without line breaks.",
        )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    async with open_http(settings, transport) as http:
        yield Client(settings, http, on_change, clock)


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
    """One attempt that failed, when it began, and the pause that the server asked for."""

    def __init__(self, error: ApiError, started: float, asked: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.started = started
        self.retry_after = asked
