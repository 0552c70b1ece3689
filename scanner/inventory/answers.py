"""What an answer means: JSON, a renamed project, or one of the ways of failing."""

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from scanner.inventory.failure import ApiError, Reason, one_line, quote
from scanner.inventory.origin import origin
from scanner.model.token import Token

_KEYS_PATH: Final = re.compile(r"(?P<head>.*/api/0/projects/[^/]+/)(?P<slug>[^/]+)/keys/")
_SCOPES: Final = "org:read and project:read"

_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises; the last for nesting that is deeper than any record's."""

_REMEDIES: Final = {
    Reason.UNAUTHORIZED: f"Set SENTRY_AUTH_TOKEN to a valid token with {_SCOPES}.",
    Reason.FORBIDDEN: f"Give the token {_SCOPES}, and its owner access.",
    Reason.MISSING: "Check the names of organization and project, and the server's address.",
    Reason.THROTTLED: "Run again later, or with less parallelism.",
    Reason.SERVER: "Run again later; if it stays, look at the server.",
    Reason.GARBLED: "Check the server's address, and whether a proxy answers in its place.",
}


class Reply(msgspec.Struct, frozen=True):
    """A good answer: its JSON and its Link header's entries by rel.

    `moved_to` is the project's new slug if the request was redirected to it.
    """

    payload: Any
    links: Mapping[str, Mapping[str, str]]
    moved_to: str | None = None


class Moved(msgspec.Struct, frozen=True):
    """A renamed project: where it is asked for now."""

    path: str
    slug: str


def check(response: httpx.Response, body: bytes, token: Token) -> Moved | None:
    """Return None for a good answer, Moved for a renamed project; raise ApiError otherwise."""
    status = response.status_code
    if status == httpx.codes.OK:
        return None
    where = _where(response)
    if response.has_redirect_location:
        return _moved(response, body, where)
    reason = _reason(status)
    said = _detail(response, body, token)
    message = {
        Reason.UNAUTHORIZED: "the server does not accept the token",
        Reason.FORBIDDEN: "the token may not read this",
        Reason.MISSING: "there is no such thing on the server, or the token may not see it",
        Reason.THROTTLED: "the server keeps refusing because of its rate limits",
        Reason.SERVER: f"the server fails with status {status}",
    }.get(reason, f"the server answers with status {status}")
    if said:
        message = f'{message} ("{said}")'
    raise ApiError(reason, message, where=where, remedy=_REMEDIES.get(reason, ""))


def read_json(response: httpx.Response, body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the body's JSON; raise ApiError (GARBLED) for HTML, a cut body and the like."""
    try:
        return msgspec.json.decode(body)
    except _NOT_JSON as error:
        html = body.lstrip()[:1] == b"<"
        what = "a web page" if html else "something that is not JSON"
        raise ApiError(
            Reason.GARBLED,
            f"the answer is {what} where Sentry's API gives JSON",
            where=_where(response),
            remedy=_REMEDIES[Reason.GARBLED],
        ) from error


def unreachable(error: Exception, where: str, timeout: float) -> ApiError:
    """Return what a failed exchange means; `timeout` is the seconds that were allowed."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return ApiError(
            Reason.TIMEOUT,
            f"the server did not answer in {timeout:g} seconds",
            where=where,
            remedy="Check the network, or allow more time for a request.",
        )
    host = urlsplit(where).hostname
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return ApiError(
            Reason.TLS,
            f"the certificate of {host} is not trusted, or it does not speak TLS",
            where=where,
            remedy="Name the authority's certificates with SSL_CERT_FILE, and check the address.",
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        message = f"the name {host} cannot be resolved"
    elif isinstance(error, httpx.ProxyError):
        message = "the proxy refuses the connection"
    elif isinstance(error, httpx.ConnectError):
        message = f"no connection to {host}"
    else:
        message = f"the connection to {host} broke off"
    remedy = "Check the server's address (SENTRY_URL), the network and the proxy settings."
    return ApiError(Reason.UNREACHABLE, message, where=where, remedy=remedy)


def _moved(response: httpx.Response, body: bytes, where: str) -> Moved:
    """Return where a renamed project is; refuse every other redirect.

    Sentry answers for a renamed project with a body whose detail.code is "resource-moved".
    """
    asked = str(response.url)
    target = urljoin(asked, response.headers["Location"].replace("\\", "/"))
    here, there = (_KEYS_PATH.fullmatch(urlsplit(url).path) for url in (asked, target))
    if here and there and _code(body) == "resource-moved":
        renamed = here["head"] == there["head"] and here["slug"] != there["slug"]
        if renamed and origin(target) == origin(asked):
            return Moved(urlsplit(target).path, there["slug"])
    host = urlsplit(target).netloc.rpartition("@")[2]
    raise ApiError(
        Reason.REDIRECTED,
        f"the server redirects to {one_line(host) or 'another place'}, where the token is not sent",
        where=where,
        remedy="Set SENTRY_URL to the address that the API itself answers at.",
    )


def _reason(status: int) -> Reason:
    known = {
        401: Reason.UNAUTHORIZED,
        403: Reason.FORBIDDEN,
        404: Reason.MISSING,
        405: Reason.MISSING,
        408: Reason.SERVER,
        410: Reason.MISSING,
        429: Reason.THROTTLED,
    }
    server = status >= httpx.codes.INTERNAL_SERVER_ERROR
    return known.get(status, Reason.SERVER if server else Reason.REFUSED)


def _detail(response: httpx.Response, body: bytes, token: Token) -> str:
    """Return what the server says, if it says it in its API's own form."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return ""
    said = _json_or_none(body)
    detail = said.get("detail") if isinstance(said, dict) else None
    return quote(detail, token) if isinstance(detail, str) else ""


def _code(body: bytes) -> object:
    said = _json_or_none(body)
    detail = said.get("detail") if isinstance(said, dict) else None
    return detail.get("code") if isinstance(detail, dict) else None


def _json_or_none(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return msgspec.json.decode(body)
    except _NOT_JSON:
        return None


def _where(response: httpx.Response) -> str:
    return str(response.url.copy_with(query=None, fragment=None))


def _causes(error: BaseException | None) -> "list[BaseException]":
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
