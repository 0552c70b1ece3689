"""What goes wrong, by script: each fault turns a right answer into a bad one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.simulator.message import Response, detail, raw_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.simulator.message import Request

Change = "Callable[[Request, Response], Response]"


@dataclass
class Fault:
    """A change of answers to requests whose path and query match the regular expression `path`.

    `at`: only the n-th such requests, counted from 1. `times`: at most so many, None: for ever.
    `method`: only requests of this one. `early`: before the server has done what was asked.
    """

    change: Callable[[Request, Response], Response]
    path: str = ""
    at: Collection[int] | None = None
    times: int | None = None
    method: str = ""
    early: bool = False
    seen: int = field(default=0, init=False)
    done: int = field(default=0, init=False)

    def apply(self, request: Request, response: Response) -> Response:
        """Return the answer, spoiled if it is this request's turn."""
        if not re.search(self.path, f"{request.path}?{request.raw_query}"):
            return response
        if self.method and request.method != self.method:
            return response
        self.seen += 1
        if self.at is not None and self.seen not in self.at:
            return response
        if self.times is not None and self.done >= self.times:
            return response
        self.done += 1
        return self.change(request, response)


def on(method: str, fault: Fault, *, early: bool = False) -> Fault:
    """Spoil requests of one method alone; `early`: in place of doing what was asked."""
    return replace(fault, method=method, early=early)


def _spoil(
    change: Callable[[Request, Response], Response],
    path: str,
    at: Collection[int] | None,
    times: int | None,
) -> Fault:
    return Fault(change, path, at, times)


def reset(path: str = "", *, at: Collection[int] | None = None, times: int | None = None) -> Fault:
    """Break the connection instead of answering."""
    return _spoil(lambda _, good: replace(good, reset=True), path, at, times)


def stall(
    seconds: float,
    path: str = "",
    *,
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Keep the client waiting before the answer."""
    return _spoil(lambda _, good: replace(good, stall=seconds), path, at, times)


def lose_idle(
    path: str = "", *, at: Collection[int] | None = None, times: int | None = None
) -> Fault:
    """Answer well and say nothing of closing, but drop the next request on the connection."""
    return _spoil(lambda _, good: replace(good, last=True), path, at, times)


def truncate(
    path: str = "", *, at: Collection[int] | None = None, times: int | None = None
) -> Fault:
    """Promise the whole body, send half of it, and hang up."""
    return _spoil(lambda _, good: replace(good, cut=len(good.body) // 2), path, at, times)


def body(
    content: bytes,
    path: str = "",
    *,
    content_type: str = "application/json",
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Answer 200 with this body: invalid JSON, another shape, too large a page."""
    return _spoil(
        lambda _, good: Response(200, content, good.headers | {"Content-Type": content_type}),
        path,
        at,
        times,
    )


def html(
    path: str = "",
    *,
    status: int = 200,
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Answer with a proxy's page instead of the API's JSON."""
    page = b"<!DOCTYPE html><html><title>Sign in</title><body>Corporate proxy</body></html>"
    made = Response(status, page, {"Content-Type": "text/html; charset=utf-8"})
    return _spoil(lambda _request, _good: made, path, at, times)


def status(
    code: int,
    path: str = "",
    *,
    at: Collection[int] | None = None,
    times: int | None = None,
    headers: dict[str, str] | None = None,
) -> Fault:
    """Answer with an error status in Sentry's form, and further headers such as Retry-After."""
    wording = {
        403: "You do not have permission to perform this action.",
        404: "The requested resource does not exist",
        500: "Internal Error",
    }
    made = detail(code, wording.get(code, f"Error {code}"))
    made = replace(made, headers=made.headers | (headers or {}))
    return _spoil(lambda _request, _good: made, path, at, times)


def redirect(
    location: str,
    path: str = "",
    *,
    code: int = 302,
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Send the client elsewhere."""
    made = raw_answer(code, b"", "text/html; charset=utf-8", allow=None)
    made = made.with_headers(Location=location)
    return _spoil(lambda _request, _good: made, path, at, times)


def records(
    change: Callable[[list[Any]], Any],
    path: str = "",
    *,
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Change the records of a page: wrong types, duplicates, missing fields."""

    def spoil(_request: Request, good: Response) -> Response:
        return replace(good, body=json.dumps(change(json.loads(good.body))).encode())

    return _spoil(spoil, path, at, times)


def link(
    change: Callable[[str], str | None],
    path: str = "",
    *,
    at: Collection[int] | None = None,
    times: int | None = None,
) -> Fault:
    """Change the Link header; None leaves it out."""

    def spoil(_request: Request, good: Response) -> Response:
        headers = dict(good.headers)
        changed = change(headers.pop("Link", ""))
        return replace(good, headers=headers if changed is None else headers | {"Link": changed})

    return _spoil(spoil, path, at, times)


def loop(path: str = "") -> Fault:
    """Give every page a next cursor that leads to itself, as real servers do on per_page=0."""

    def spoil(request: Request, good: Response) -> Response:
        cursor = request.query.get("cursor", "25:0:0")
        found = good.headers.get("Link", "")
        again = re.sub(
            r'rel="next"; results="[a-z]+"; cursor="[^"]*"',
            f'rel="next"; results="true"; cursor="{cursor}"',
            found,
        )
        return good.with_headers(Link=again)

    return _spoil(spoil, path, None, None)
