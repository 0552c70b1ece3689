"""One request goes out; its answer and the whole body come back, or an ApiError is raised."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx
import msgspec

from scanner.http.answers import unreachable
from scanner.http.connection import Use
from scanner.http.failure import ApiError, Reason, not_a_url
from scanner.http.limits import too_late

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bound on one answer, after decompression; a page of 100 keys is about 200 KB."""


_PACKINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
"""Of these, what one piece of an answer unpacks to is bounded. Of others, and of several that lie
within one another, a few hundred bytes may be gigabytes before anything can be counted."""


_PACKING: Final = re.compile(r"[a-z]{2,10}(?:, ?[a-z]{2,10}){0,3}")
"""What may be one, and may be told: a header may hold anything, an echo of the token too."""


class HttpRequest(msgspec.Struct, frozen=True):
    """One request. `change` is the JSON of what is to become other, None for a question."""

    url: str
    query: Mapping[str, str] = {}
    method: str = "GET"
    change: bytes | None = None
    headers: Mapping[str, str] = {}

    @property
    def where(self) -> str:
        """The address without the query."""
        return self.url.partition("?")[0]

    @property
    def is_question(self) -> bool:
        """Whether it may be asked any number of times and changes nothing."""
        return self.method == "GET"


class Exchange:
    """Sends requests, one at a time or many, each within `timeout` and before `ends`.

    `ends` is a moment of `clock`; `stale` is how many idle connections may turn out to be closed.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        timeout: float,
        stale: int,
        ends: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._timeout = timeout
        self._stale = stale
        self._ends = ends
        self._clock = clock
        self.received = 0  # bytes

    async def send(self, asked: HttpRequest) -> tuple[httpx.Response, bytes]:
        """Return the answer and its body.

        Raises ApiError, which is `unsure` where the request may have reached the server.
        """
        # Less than a request's own time where the time for all of them ends before.
        allowed = min(self._timeout, max(self._ends - self._clock(), 0.0))
        use = Use()
        try:
            async with asyncio.timeout(allowed):
                response = await self._open(asked, use)
                try:
                    body = await _read(response, asked)
                finally:
                    self.received += response.num_bytes_downloaded
                    await response.aclose()
        except (httpx.TransportError, httpx.DecodingError, OSError) as error:
            # The library lets some errors of TLS through as they are.
            late = self._clock() >= self._ends
            failed = too_late(asked.where) if late else unreachable(error, asked.where, allowed)
            failed.unsure = use.was_sent and not asked.is_question
            raise failed from error
        except httpx.InvalidURL as error:  # of a redirect
            failed = not_a_url(asked.where)
            failed.unsure = not asked.is_question
            raise failed from error
        return response, body

    async def _open(self, asked: HttpRequest, use: Use) -> httpx.Response:
        """Send, and send again at once where an idle connection turns out to be closed.

        Servers may close a connection after an answer without a word, and then a request on it
        is lost before it arrives. It is nobody's failure, and each one uses up a connection. A
        change is not sent again: it may have arrived.
        """
        try:
            request = self._http.build_request(
                asked.method,
                asked.url,
                params=dict(asked.query),
                content=asked.change,
                headers=dict(asked.headers),
            )
        except httpx.InvalidURL as error:
            raise ApiError(Reason.REFUSED, "the address is not a URL", where=asked.where) from error
        for _ in range(self._stale if asked.is_question else 0):
            use.begin()
            request.extensions["trace"] = use.trace
            try:
                return await self._http.send(request, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not use.is_stale:
                    raise
        use.begin()
        request.extensions["trace"] = use.trace
        return await self._http.send(request, stream=True)


async def _read(response: httpx.Response, asked: HttpRequest) -> bytes:
    """Read a body of bounded size, whatever its Content-Length says."""
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in _PACKINGS:
        told = f" ({packed})" if _PACKING.fullmatch(packed) else ""
        raise ApiError(
            Reason.GARBLED,
            f"the answer is packed in a way that was not asked for{told}",
            where=asked.where,
            remedy="Look at what answers there: the server, or a proxy in its place.",
            unsure=not asked.is_question,
        )
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise ApiError(
                Reason.OVERSIZED,
                f"the answer is larger than {MOST_BYTES // (1024 * 1024)} MiB",
                where=asked.where,
                unsure=not asked.is_question,
            )
        parts.append(part)
    return b"".join(parts)
