"""Settings go in, an open httpx client comes out: certificates, proxies, token in the headers."""

import logging
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.http.certificates import nobody, trusted
from scanner.http.origin import is_loopback
from scanner.http.retry import RetryPolicy
from scanner.model.token import Token

_CONNECT_SECONDS: Final = 10.0
_TALKATIVE: Final = ("httpx", "httpcore", "h2", "hpack")
"""Loggers that would write addresses, and at the level of debugging headers, secrets and all."""

if find_spec("sniffio") is None:
    # httpcore tries to import it with every request, and what is not there is looked for in every
    # folder of the path again: a seventh of the processor time of a fetch.
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class ClientSettings(msgspec.Struct, frozen=True):
    """How to reach the server. `timeout` is for one request, `deadline` for all, in seconds."""

    base: str
    token: Token
    ca_bundle: str | None = None
    timeout: float = 30.0
    deadline: float = 900.0
    concurrency: int = 20
    retry: RetryPolicy = RetryPolicy()


class Use:
    """What became of the connection that carried one request.

    Give `trace` to the request as httpx's extension of that name, and `begin` with each attempt.
    """

    def __init__(self) -> None:
        self._opened = self._sent = self._answered = False

    def begin(self) -> None:
        """Forget what an earlier attempt has seen."""
        self._opened = self._sent = self._answered = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        """Take note of an event, such as http11.send_request_headers.started."""
        self._opened |= event.startswith("connection.connect_")
        self._sent |= event.endswith("send_request_headers.started")
        self._answered |= event.endswith("receive_response_headers.complete")

    @property
    def was_sent(self) -> bool:
        """Whether a part of the request may have left."""
        return self._sent

    @property
    def is_stale(self) -> bool:
        """Whether an earlier request had opened it, and this one got nothing back."""
        return self._sent and not self._opened and not self._answered


def silence() -> None:
    """Keep the HTTP library from logging what it sends."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def proxied(url: str) -> bool:
    """Whether the environment has a proxy for this address, which is then reached in its place."""
    parts, found = urlsplit(url), getproxies()
    named = found.get(parts.scheme) or found.get("all")
    return bool(named) and not is_loopback(parts.hostname or "") and not proxy_bypass(parts.netloc)


def check_proxies() -> None:
    """Raise ValueError for a proxy of the environment with a port that none has.

    The library looks at them only when it connects, and then fails in a way of its own.
    """
    for scheme in getproxies().keys() & {"http", "https", "all"}:
        named = getproxies()[scheme]
        _ = urlsplit(named if "://" in named else f"//{named}").port


def open_http(
    settings: ClientSettings, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Open the connections, with the token in their headers.

    Proxies come from the environment, except for this machine's own addresses: a token for
    loopback over plain http must not leave it. Raises UsageError for a proxy that cannot be
    used and for a CA bundle that cannot be read.
    """
    wide = max(settings.concurrency, 1)
    is_plain = settings.base.startswith("http:") and not settings.ca_bundle
    try:
        check_proxies()
        return httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {settings.token.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": f"keypolicy/{__version__}",
            },
            timeout=httpx.Timeout(
                settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout)
            ),
            limits=httpx.Limits(max_connections=wide * 2, max_keepalive_connections=wide),
            http2=settings.base.startswith("https:"),
            verify=nobody() if is_plain else trusted(settings.ca_bundle),
            trust_env=not is_loopback(urlsplit(settings.base).hostname or ""),
            follow_redirects=False,
            transport=transport,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            "the proxy that the environment names cannot be used",
            where="HTTPS_PROXY, ALL_PROXY",
            remedy="Name an http or https proxy, such as http://proxy.example.com:3128.",
        ) from error
