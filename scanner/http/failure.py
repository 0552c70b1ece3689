"""What can go wrong with one request, told apart so that the source can decide what it means."""

from enum import StrEnum
from typing import Final

from scanner.base.errors import FetchError
from scanner.base.text import plural
from scanner.catalogue import LIVE, TOKEN_SETTING, URL_SETTING
from scanner.catalogue.redact import redact_text
from scanner.model.token import Token

_LONGEST_QUOTE: Final = 200


class Reason(StrEnum):
    """Why a request brought nothing."""

    UNAUTHORIZED = "unauthorized"  # 401: the token is not accepted
    FORBIDDEN = "forbidden"  # 403: a missing scope, or not a member
    MISSING = "missing"  # 404 from the API, or a route that the server does not have
    REFUSED = "refused"  # another 4xx
    THROTTLED = "throttled"  # 429 again and again
    SERVER = "server"  # 5xx again and again
    UNREACHABLE = "unreachable"  # no connection, or a broken one
    TIMEOUT = "timeout"  # no answer in time
    TLS = "tls"  # the server's certificate is not trusted
    GARBLED = "garbled"  # not the JSON that was asked for
    OVERSIZED = "oversized"  # an answer beyond the bound
    REDIRECTED = "redirected"  # sent to another place, which the token must not see
    LOOP = "loop"  # pages that lead in a circle
    DEADLINE = "deadline"  # the time for the whole fetch is over


FATAL: Final = frozenset({Reason.UNAUTHORIZED, Reason.TLS, Reason.DEADLINE})
"""Reasons that hold for every further request too."""

TRANSIENT: Final = frozenset(
    {Reason.THROTTLED, Reason.SERVER, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.GARBLED}
)
"""Reasons that may be gone at the next attempt."""

REMEDIES: Final = {
    Reason.UNAUTHORIZED: f"Set {TOKEN_SETTING} to a valid token with {LIVE.scopes}.",
    Reason.FORBIDDEN: f"Give the token {LIVE.scopes}, and its owner access.",
    Reason.MISSING: "Check the names of organization and project, and the server's address.",
    Reason.THROTTLED: "Run again later, or when less else asks with the token's account.",
    Reason.SERVER: "Run again later; if it stays, look at the server.",
    Reason.GARBLED: "Check the server's address, and whether a proxy answers in its place.",
    Reason.REFUSED: f"Check the server's address ({URL_SETTING}), and what answers there.",
    Reason.OVERSIZED: "Look at what answers there: the server, or a proxy in its place.",
    Reason.REDIRECTED: f"Set {URL_SETTING} to the address that the API itself answers at.",
    Reason.LOOP: "Run again; if it stays, report it to whoever runs the server.",
}
"""What to do about it, where that is the same for all requests and none knows better."""


class ApiError(FetchError):
    """A request that failed for good; `where` is its URL without the query.

    `unsure` is about a change: whether the server may have done it all the same.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        where: str = "",
        remedy: str = "",
        unsure: bool = False,
    ) -> None:
        super().__init__(message, where=where, remedy=remedy or REMEDIES.get(reason, ""))
        self.reason = reason
        self.unsure = unsure

    @property
    def sentence(self) -> str:
        """The message and its remedy as sentences, for a gap in the coverage."""
        return f"{self.message[:1].upper()}{self.message[1:]}. {self.remedy}".strip()


def not_a_url(where: str) -> ApiError:
    """Return the error of a redirect that leads nowhere."""
    message = "the server redirects to something that is not a URL"
    return ApiError(Reason.REDIRECTED, message, where=where)


def too_long(error: ApiError, pause: float, longest: float) -> ApiError:
    """Return the error of a server that asks for a longer pause than is made."""
    return ApiError(
        error.reason,
        f"{error.message}, and asks to wait {plural(round(pause), 'second')}, more than the"
        f" {longest:,.0f} that are waited at a time",
        where=error.where,
        remedy="Run again when that time is over.",
    )


def gave_up(last: ApiError, failures: int, seconds: float) -> ApiError:
    """Return the error of a server that gave nothing but failures for so long."""
    return ApiError(
        last.reason,
        f"the server is given up: {plural(failures, 'attempt')} in a row failed over"
        f" {plural(round(seconds), 'second')}, the last one because {last.message}",
        where=last.where,
        remedy="Look at the server, and run again; with a larger --max-time, patience is longer.",
    )


def quote(text: str, token: Token) -> str:
    """Return what a server said, fit to be shown: one line, bounded, without secrets."""
    return one_line(redact_text(text, known=(token.reveal(),)))


def one_line(text: str) -> str:
    """Return text from elsewhere without control characters and line breaks, and not too long."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "..."
