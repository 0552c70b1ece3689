"""A request and an answer as values, so that answering needs no socket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_CORS = (
    "X-Sentry-Auth, X-Requested-With, Origin, Accept, Content-Type, Authentication, "
    "Authorization, Content-Encoding, sentry-trace, baggage, X-CSRFToken"
)
READ = "GET, HEAD, OPTIONS"


@dataclass(frozen=True)
class Request:
    """What was asked. Header names are in lower case; `query` keeps the last of a repeated name."""

    method: str
    path: str
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Self:
        """Build a request from a request line's target."""
        parts = urlsplit(target)
        lowered = {name.lower(): value for name, value in headers.items()}
        return cls(method, parts.path, parts.query, lowered, body)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters, decoded."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def token(self) -> str | None:
        """The bearer token, if one was sent."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() or None if scheme.lower() == "bearer" else None


@dataclass(frozen=True)
class Response:
    """What is answered, and how badly: `stall` waits (seconds) before anything is sent, `cut`
    sends only so many bytes of the body, and `reset` breaks the connection instead. After a
    `last` one the connection stays open without a word, and the next request on it is lost.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0
    cut: int | None = None
    reset: bool = False
    last: bool = False

    def with_headers(self, **headers: str) -> Self:
        """Return the answer with further headers; underscores stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers=self.headers | named)


def answer(status: int, payload: Any, *, allow: str = READ) -> Response:
    """Return a JSON answer with the headers that Sentry's API sends."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return raw_answer(status, body, "application/json", allow=allow)


def raw_answer(
    status: int, body: bytes, content_type: str | None, *, allow: str | None = READ
) -> Response:
    """Return an answer with Sentry's usual headers; `allow` None leaves out those of a view."""
    headers = {"Content-Type": content_type} if content_type else {}
    if allow:
        headers |= {
            "Allow": allow,
            "Access-Control-Allow-Methods": allow,
            "Access-Control-Allow-Headers": _CORS,
            "Access-Control-Expose-Headers": "X-Sentry-Error, Retry-After",
            "Access-Control-Allow-Origin": "*",
        }
    headers |= {
        "Vary": "Accept-Language, Cookie",
        "Content-Language": "en",
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1; mode=block",
    }
    return Response(status, body, headers)


def detail(status: int, message: str, *, allow: str = READ) -> Response:
    """Return an error as Sentry words them: an object with `detail`."""
    return answer(status, {"detail": message}, allow=allow)
