"""A response goes in; JSON or a renamed project comes out, or an ApiError is raised."""

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from scanner.base.errors import causes
from scanner.catalogue import API, URL_SETTING
from scanner.http.connection import proxied
from scanner.http.failure import ApiError, Reason, not_a_url, one_line, quote
from scanner.http.origin import origin
from scanner.http.payload import json_or_none, where_of
from scanner.model.token import Token

_RENAMED: Final = re.compile(API.renamed)

_LOGIN: Final = re.compile(r"(?i)(?<![a-z])(log[-_]?in|sign[-_]?in|sso|saml|oauth2?|auth)(?![a-z])")
_TLS_ALERT: Final = "\\x15\\x03"
"""How the first bytes of a TLS alert look in the words of the library that wanted HTTP."""
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""What OpenSSL calls bytes that are not TLS at all."""
_BROKEN: Final = re.compile("EOF|BAD_RECORD")
"""What it calls a connection that broke, as those of a server under load do."""
_HTTP_AT_HTTPS: Final = re.compile(
    rb"(?i)plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server"
    rb"|speaking plain HTTP to an SSL-enabled"
)
"""What nginx, Go's servers and Apache answer with status 400."""

_DEMAND: Final = "Let the token's owner do what is asked, or use a token that is no person's."
"""For a 401 with a code: an organization wants more of a person, such as single sign-on, while the
token itself is accepted, and good for others. Of a token that is not, nothing but a text is told.
"""

_OF_THE_TOKEN: Final = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})
"""What the API says of a token. It does so in JSON; pages come from something in front of it."""

_FIRST_BYTES: Final = 4096
"""So much of an error page is looked through."""


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
    where = where_of(response)
    if response.has_redirect_location:
        return _moved(response, body, where, token)
    if status == httpx.codes.BAD_REQUEST and _HTTP_AT_HTTPS.search(body[:_FIRST_BYTES]):
        raise _other_scheme(where)
    reason = _reason(status)
    demand = reason is Reason.UNAUTHORIZED and _is_coded(body)
    if demand:
        reason = Reason.FORBIDDEN
    said = _detail(response, body, token)
    message = {
        Reason.UNAUTHORIZED: "the server does not accept the token",
        Reason.FORBIDDEN: "the token may not read this",
        Reason.MISSING: "there is no such thing on the server, or the token may not see it",
        Reason.THROTTLED: "the server keeps refusing because of its rate limits",
        Reason.SERVER: f"the server fails with status {status}",
    }.get(reason, f"the server answers with status {status}")
    remedy = _DEMAND if demand else ""
    if reason in _OF_THE_TOKEN and body.lstrip()[:1] == b"<":
        message = f"a web page with status {status} came in place of an answer of the API"
        remedy = f"Let {API.prefix} through the proxy, firewall or sign-on in front of the server."
    if said:
        message = f'{message} ("{said}")'
    raise ApiError(reason, message, where=where, remedy=remedy)


def unreachable(error: Exception, where: str, timeout: float) -> ApiError:
    """Return what a failed exchange means; `timeout` is the seconds that were allowed."""
    host, found = urlsplit(where).hostname, causes(error)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        message = f"the server did not answer within {round(timeout, 1):g} s"
        if isinstance(error, httpx.ConnectTimeout):  # which has less time
            message = f"no connection to {host} came about in time"
        remedy = "Look at the server, the network and the proxy settings."
        return ApiError(Reason.TIMEOUT, message, where=where, remedy=remedy)
    if isinstance(error, httpx.DecodingError):
        return ApiError(Reason.GARBLED, "the answer cannot be unpacked", where=where)
    whom = "the proxy that the environment names" if proxied(where) else str(host)
    secure = next((cause for cause in found if isinstance(cause, ssl.SSLError)), None)
    why = getattr(secure, "reason", None) or type(secure).__name__  # the system's may lack it
    if secure is not None and not _BROKEN.search(why):
        return _insecure(secure, where)
    if isinstance(error, httpx.RemoteProtocolError) and _TLS_ALERT in str(error):
        return _other_scheme(where)
    remedy = f"Check the server's address ({URL_SETTING}), the network and the proxy settings."
    if any(isinstance(cause, socket.gaierror) for cause in found):
        message = f"the name {'of ' * (whom != host)}{whom} cannot be resolved"
    elif isinstance(error, httpx.ProxyError):
        message = "the proxy refuses the connection"
    elif isinstance(error, httpx.ConnectError):
        message = f"no connection to {whom}"
    else:
        message = f"the connection to {host} broke off"
        if where.startswith("http:"):
            remedy = f"{remedy} If the server speaks TLS at this port, write https:// there."
    return ApiError(Reason.UNREACHABLE, message, where=where, remedy=remedy)


def _insecure(error: ssl.SSLError, where: str) -> ApiError:
    """Return what failed about TLS: the certificate, or that there is none."""
    host = urlsplit(where).hostname
    if isinstance(error, ssl.SSLCertVerificationError):
        why = one_line(getattr(error, "verify_message", "") or "")
        message = f"the certificate of {host} is not trusted" + (f" ({why})" if why else "")
        remedy = (
            "Name the authority's certificates with --ca-bundle FILE or SSL_CERT_FILE, or add them"
            " to the system's, and check the address."
        )
        return ApiError(Reason.TLS, message, where=where, remedy=remedy)
    if error.reason in _NO_TLS:
        return _other_scheme(where)
    message = f"TLS with {host} fails" + (f" ({one_line(error.reason)})" if error.reason else "")
    remedy = "Check the server's address and which versions of TLS it speaks."
    return ApiError(Reason.TLS, message, where=where, remedy=remedy)


def _other_scheme(where: str) -> ApiError:
    """Return the error of http at a port for https, or the other way round."""
    parts = urlsplit(where)
    asked, other = ("plain http", "https") if parts.scheme == "http" else ("https", "http")
    spoken = "TLS" if other == "https" else "plain http"
    return ApiError(
        Reason.TLS,
        f"{parts.netloc} was asked over {asked} and speaks {spoken} at this port",
        where=where,
        remedy=f"Set {URL_SETTING} to {other}://{parts.netloc}, or to the right port.",
    )


def _moved(response: httpx.Response, body: bytes, where: str, token: Token) -> Moved:
    """Return where a renamed project is; refuse every other redirect.

    The service answers for a renamed project with a body whose detail.code says so.
    """
    asked = str(response.url)
    try:
        target = urljoin(asked, response.headers["Location"].replace("\\", "/"))
        is_home = origin(target) == origin(asked)
    except ValueError:  # a broken port or IPv6 address
        raise not_a_url(where) from None
    here, there = (_RENAMED.fullmatch(urlsplit(url).path) for url in (asked, target))
    if (
        here
        and there
        and is_home
        and _member(_member(json_or_none(body), "detail"), "code") == API.moved
    ):
        # Below a path, a proxy may take that path away, so that the server does not know it.
        mounted = here["root"] == there["root"] or not there["root"]
        same = all(here[name] == there[name] for name in ("head", "tail"))
        if mounted and same and here["slug"] != there["slug"]:
            path = f"{here['root']}{here['head']}{there['slug']}{here['tail']}"
            return Moved(path, there["slug"])
    raise _led_away(asked, target, where, token)


def _led_away(asked: str, target: str, where: str, token: Token) -> ApiError:
    """Return the error of a redirect that is not followed, with what it looks like."""
    parts = urlsplit(target)
    host = quote(parts.netloc.rpartition("@")[2], token)
    scheme = quote(parts.scheme, token)
    remedy = ""
    if host and host == urlsplit(asked).netloc:
        if parts.scheme != urlsplit(asked).scheme:
            message = f"the server redirects to {scheme}://{host}"
            remedy = f"Set {URL_SETTING} to {scheme}://{host}."
        elif _LOGIN.search(parts.path):
            message = (
                f"the server redirects to its login page ({quote(parts.path, token)}): something in"
                " front of the API wants a signed-in user and does not look at the token"
            )
            remedy = (
                f"Let {API.prefix} through the proxy or single sign-on in front of the server, and"
                f" check the path in {URL_SETTING}."
            )
        else:
            message = (
                f"the server redirects to its page {quote(parts.path, token) or '/'} in place of an"
                " answer of the API"
            )
    else:
        message = f"the server redirects to {host or 'another place'}, where the token is not sent"
    return ApiError(Reason.REDIRECTED, message, where=where, remedy=remedy)


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
    detail = _member(json_or_none(body), "detail")
    said = _member(detail, "message") if isinstance(detail, dict) else detail
    return quote(said, token) if isinstance(said, str) else ""


def _is_coded(body: bytes) -> bool:
    return isinstance(_member(_member(json_or_none(body), "detail"), "code"), str)


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
