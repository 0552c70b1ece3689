"""An endpoint and a path go in; a Reply comes out or an ApiError, after limits and retries."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, cast
from urllib.parse import urljoin

import httpx
import msgspec

from scanner.base.errors import UsageError
from scanner.catalogue import API, TOKEN_SETTING
from scanner.http.answers import Moved, Reply, check
from scanner.http.changes import ChangeRequest, check_change
from scanner.http.connection import ClientSettings, open_http, silence
from scanner.http.exchange import Exchange, HttpRequest
from scanner.http.failure import FATAL, TRANSIENT, ApiError, Reason, gave_up, too_long
from scanner.http.limits import Limiter
from scanner.http.paging import links_by_rel
from scanner.http.payload import read_json
from scanner.http.retry import LONGEST_WAIT, Drought, asked_pause

_MOST_MOVES: Final = 3
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
        self._on_change = on_change
        self._clock = clock
        self._ends = clock() + settings.deadline
        self._exchange = Exchange(
            http,
            timeout=settings.timeout,
            stale=settings.concurrency,
            ends=self._ends,
            clock=clock,
        )
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._met = False
        self._failed_in_a_row = 0
        self._drought = self._new_drought()
        self._apart: dict[tuple[str, str], Drought] = {}  # of what is not vital, by endpoint
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
        what is not `vital` fails again and again, its endpoint alone is given up.
        """
        home = base or self._settings.base
        limiter, drought = self._limiter(home, endpoint), self._drought
        if not vital:
            drought = self._apart.setdefault((home, endpoint), self._new_drought())
        url = f"{home}{API.prefix}{path}"
        moved_to = None
        for _ in range(_MOST_MOVES + 1):
            outcome = await self._persist(limiter, drought, HttpRequest(url, query or {}))
            if isinstance(outcome, Reply):
                return msgspec.structs.replace(outcome, moved_to=moved_to)
            url, moved_to = urljoin(url, outcome.path), outcome.slug
        raise ApiError(Reason.LOOP, "the project's old names lead in a circle", where=url)

    async def change(
        self,
        endpoint: str,
        change: ChangeRequest,
        *,
        base: str = "",
        is_done: Callable[[], Awaitable[bool]] | None = None,
    ) -> Reply:
        """Send a change, once, and return what the server answers; `payload` None for nothing.

        `endpoint` and `base` are as in `get`. Only a refusal for going too fast is waited out and
        followed by another attempt. It comes before anything is done, but a proxy may answer so
        after it: `is_done` looks, for what must not be done twice. Raises ApiError, which is
        `unsure` where the server may have done the change: look it up, do not send it again.
        """
        home = base or self._settings.base
        limiter, asked = self._limiter(home, endpoint), change.at(home)
        policy, throttled = self._settings.retry, 0
        while True:
            try:
                return cast("Reply", await self._attempt(limiter, self._drought, asked))
            except _FailedError as failed:
                throttled += 1
                hopeless = throttled >= policy.throttled or (failed.pause or 0) > LONGEST_WAIT
                if failed.error.reason is not Reason.THROTTLED or hopeless:
                    raise failed.error from failed
                await self._hold_back(limiter, failed, policy.wait(throttled))
                if is_done is not None and await is_done():
                    failed.error.unsure = True
                    raise failed.error from failed
                self.traffic.retries += 1

    async def _persist(
        self, limiter: Limiter, drought: Drought, asked: HttpRequest
    ) -> Reply | Moved:
        """Ask until there is an answer or no hope; every way out is bounded."""
        policy, failures, throttled = self._settings.retry, 0, 0
        while True:
            try:
                outcome = await self._attempt(limiter, drought, asked)
            except _FailedError as failed:
                error = failed.error
                if error.reason is Reason.THROTTLED:
                    throttled += 1  # counted apart: being told to slow down is no failure
                else:
                    failures += 1
                self._watch(failed, drought)
                if not self._worth_retrying(error, failures, throttled):
                    raise self._final(error, drought) from failed
                if (failed.pause or 0) > LONGEST_WAIT:
                    error = too_long(error, failed.pause or 0, LONGEST_WAIT)
                    raise self._final(error, drought) from failed
                await self._hold_back(limiter, failed, policy.wait(failures + throttled))
                self.traffic.retries += 1
            else:
                self._met, self._failed_in_a_row = True, 0
                self._answered(drought)
                return outcome

    def _new_drought(self) -> Drought:
        patience = max(self._settings.retry.patience, self._settings.deadline / _PATIENCE_SHARE)
        return Drought(patience, self._clock)

    def _answered(self, drought: Drought) -> None:
        """Take note that somebody is there; what answers for one endpoint is the server."""
        drought.ended()
        self._drought.ended()

    def _watch(self, failed: "_FailedError", drought: Drought) -> None:
        """Raise ApiError where all requests together have failed for too long."""
        error = failed.error
        if error.reason not in TRANSIENT | FATAL:
            self._answered(drought)  # a refusal is an answer, too
        elif error.reason in TRANSIENT - {Reason.THROTTLED}:
            drought.failed(failed.started)
            if drought.is_too_long and drought.over is None:
                drought.over = gave_up(error, drought.failures, drought.lasted)
        self._check(drought)

    def _check(self, drought: Drought) -> None:
        """Raise ApiError where nothing more is to be asked."""
        over = self._drought.over or drought.over
        if over is not None:
            raise over

    def _worth_retrying(self, error: ApiError, failures: int, throttled: int) -> bool:
        policy = self._settings.retry
        if error.reason not in TRANSIENT:
            return False
        unmet = error.reason in _WRONG_ADDRESS and not self._met
        most = policy.first_contact if unmet else policy.attempts
        return failures < most and throttled < policy.throttled

    async def _hold_back(self, limiter: Limiter, failed: "_FailedError", wait: float) -> None:
        """Wait before the next attempt: alone, or with everybody if the server asked for it."""
        asked = failed.pause
        if asked is not None:
            # The server means everybody: what the others sent would be refused too.
            limiter.pause(asked)
        elif failed.error.reason is not Reason.THROTTLED:
            await asyncio.sleep(min(wait, max(self._ends - self._clock(), 0)))
        elif not limiter.paused:
            # Once for all that were refused together, or each would put the end further off.
            limiter.pause(wait)

    def _final(self, error: ApiError, drought: Drought) -> ApiError:
        """Take note of a request that failed for good; after too many, all others fail too."""
        if error.reason in TRANSIENT and drought is self._drought:
            self._failed_in_a_row += 1
        if error.reason in FATAL or self._failed_in_a_row >= _HOPELESS_AFTER:
            self._drought.over = error
        return error

    async def _attempt(
        self, limiter: Limiter, drought: Drought, asked: HttpRequest
    ) -> Reply | Moved:
        await limiter.acquire()
        started = self._clock()
        try:
            self._check(drought)  # the end came while this one waited for its turn
            self.traffic.requests += 1
            self._on_change(None)
            response, body = await self._exchange.send(asked)
            limiter.observe(response.status_code, response.headers)
        except ApiError as error:
            raise _FailedError(error, started) from error
        finally:
            limiter.release()
            self.traffic.bytes = self._exchange.received
        if response.status_code == 429:  # noqa: PLR2004 - Too Many Requests
            self.traffic.throttled += 1
        try:
            return self._judge(asked, response, body)
        except ApiError as error:
            pause = asked_pause(response.headers)
            raise _FailedError(error, started, pause) from error

    def _judge(self, asked: HttpRequest, response: httpx.Response, body: bytes) -> Reply | Moved:
        token = self._settings.token
        if not asked.is_question:
            return Reply(check_change(response, body, token), {})
        moved = check(response, body, token)
        if moved is not None:
            return moved
        return Reply(read_json(response, body), links_by_rel(response.headers.get("Link")))

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
    silence()
    async with open_http(settings, transport) as http:
        yield Client(settings, http, on_change, clock)


class _FailedError(Exception):
    """One attempt that failed, when it began, and the pause that the server asked for."""

    def __init__(self, error: ApiError, started: float, pause: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.started = started
        self.pause = pause
