"""One message to one address: a body goes in, nothing comes out, or a DeliveryError.

Unlike what a scan asks of a server, this is sent anywhere, carries no token, and may fail: it is
tried a few times within a short time. The address itself is a secret (those of chat services hold
a token), so nothing but its host is ever told.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from scanner import __version__
from scanner.base.errors import DeliveryError, UsageError
from scanner.http.certificates import nobody, trusted
from scanner.http.connection import check_proxies, silence
from scanner.http.origin import check_address, is_loopback
from scanner.http.retry import asked_pause
from scanner.model.token import Token

_MOST_READ: Final = 4096
_WORD: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""What chat services answer: `no_service`, `channel_is_archived`."""


class Patience(msgspec.Struct, frozen=True):
    """How often and how long, in seconds: `each` for one attempt, `whole` for all of them."""

    attempts: int = 3
    each: float = 8.0
    whole: float = 20.0
    wait: float = 1.0


def post(
    url: Token,
    body: bytes,
    headers: Mapping[str, str],
    patience: Patience = Patience(),  # noqa: B008 - frozen
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send it. Only an answer that asks for it, or no connection at all, brings another attempt.

    A redirect is not followed. Proxies come from the environment, except for this machine's own
    addresses. Raises DeliveryError.
    """
    host = check_address(url)
    silence()
    is_plain = url.reveal().startswith("http:")
    try:
        check_proxies()
        client = httpx.Client(
            headers={"User-Agent": f"keypolicy/{__version__}", **headers},
            timeout=patience.each,
            verify=nobody() if is_plain else trusted(),
            trust_env=not is_loopback(urlsplit(url.reveal()).hostname or ""),
            follow_redirects=False,
        )
    except UsageError as error:
        raise DeliveryError(error.message, where=error.where, remedy=error.remedy) from None
    except (ImportError, ValueError, httpx.InvalidURL):
        raise DeliveryError(
            "the proxy that the environment names cannot be used", where="HTTPS_PROXY, ALL_PROXY"
        ) from None
    ends = time.monotonic() + patience.whole
    with client:
        for attempt in range(1, patience.attempts + 1):
            failure, pause = _attempt(client, url, body, host)
            if failure is None:
                return
            wait = patience.wait * attempt if pause is None else pause
            if wait < 0 or attempt == patience.attempts or time.monotonic() + wait > ends:
                raise failure
            sleep(wait)


_NEVER: Final = -1.0
"""The pause before an attempt that would be no use, or might send the message twice."""


def _attempt(
    client: httpx.Client, url: Token, body: bytes, host: str
) -> tuple[DeliveryError | None, float | None]:
    """Try once; return what failed, and the seconds to wait before the next attempt if told."""
    try:
        with client.stream("POST", url.reveal(), content=body) as response:
            return _judged(response, url, host)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
        # Nothing has left. Why, the library may tell with the address in it.
        return DeliveryError("there is no connection to it", where=host), None
    except httpx.TimeoutException:
        return DeliveryError("no answer came in time", where=host), _NEVER
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        return DeliveryError("the answer broke off, or is none of HTTP", where=host), _NEVER


def _judged(
    response: httpx.Response, url: Token, host: str
) -> tuple[DeliveryError | None, float | None]:
    status = response.status_code
    if response.is_success:
        return None, None
    if status < 400:  # noqa: PLR2004 - a redirect, or something that nobody asked for
        told = f"it sends elsewhere (HTTP {status}), where the message does not go"
        return DeliveryError(told, where=host, remedy="Use its new address."), _NEVER
    failure = DeliveryError(f"it answered HTTP {status}{_said(response, url)}", where=host)
    if status == 429 or status >= 500:  # noqa: PLR2004 - too many requests, and its own faults
        return failure, asked_pause(response.headers)
    return failure, _NEVER


def _said(response: httpx.Response, url: Token) -> str:
    """Return the word that the service gives as a reason, if it is one and no part of a secret."""
    said = b""
    for piece in response.iter_bytes(_MOST_READ):
        said += piece
        if len(said) >= _MOST_READ:
            break
    word = said[:60].decode("ascii", errors="replace").strip()
    return f" ({word})" if _WORD.fullmatch(word) and word not in url.reveal() else ""
