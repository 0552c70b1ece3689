"""Paging as Sentry does it: keyset cursors by descending number, and offset cursors."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tests.simulator.message import detail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulator.flavour import Flavour
    from tests.simulator.message import Request, Response

T = TypeVar("T")
Cursor = tuple[int, int, int]
MAX_PER_PAGE = 100


class PagingError(Exception):
    """A parameter that the server refuses; `response` is the answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.response: Response = detail(400, message)


@dataclass(frozen=True)
class Link:
    """The two cursors of a page, and whether there is something on either side."""

    previous: Cursor
    has_previous: bool
    next: Cursor
    has_next: bool

    def header(self, request: Request, prefix: str) -> str:
        """Return the Link header; its host is the configured prefix, not the request's."""
        kept = [part for part in request.raw_query.split("&") if not part.startswith("cursor=")]
        base = f"{prefix}{request.path}?{'&'.join(filter(None, kept))}"
        return ", ".join(
            f'<{base}&cursor={_text(cursor)}>; rel="{rel}"; '
            f'results="{str(results).lower()}"; cursor="{_text(cursor)}"'
            for rel, results, cursor in (
                ("previous", self.has_previous, self.previous),
                ("next", self.has_next, self.next),
            )
        )


def page_size(request: Request, flavour: Flavour, default: int | None = None) -> int:
    """Return how many rows a page has, or raise PagingError as the server would refuse."""
    text = request.query.get("per_page")
    if text is None:
        return min(default or flavour.default_per_page, flavour.longest_page)
    if not text.isdigit():
        raise PagingError("Invalid per_page parameter.")
    lowest = 1 if flavour.strict_per_page else 0
    if not lowest <= int(text) <= MAX_PER_PAGE:
        raise PagingError(flavour.per_page_error)
    return min(int(text), flavour.longest_page)


def cursor_of(request: Request) -> Cursor | None:
    """Return the cursor that was sent, None for the first page."""
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        value, offset, is_previous = (int(part) for part in text.split(":"))
    except ValueError as error:
        raise PagingError("Invalid cursor parameter.") from error
    return value, offset, is_previous


def keyset(
    items: Sequence[T], number: Callable[[T], int], cursor: Cursor | None, size: int
) -> tuple[list[T], Link]:
    """Cut a page from items by descending number: a cursor is the first number of its page.

    A last page's cursor is its last number and offset 1, so that asking again finds nothing.
    """
    value, offset, _ = cursor or (0, 0, 0)
    left = items if cursor is None else [item for item in items if number(item) <= value]
    rest = heapq.nlargest(offset + size + 1, left, key=number)[offset:]
    rows = rest[:size]
    if rest:
        following = (number(rest[size]), 0, 0) if len(rest) > size else (number(rows[-1]), 1, 0)
        link = Link((number(rest[0]), 0, 1), cursor is not None, following, len(rest) > size)
    else:
        link = Link((0, 0, 1), cursor is not None, cursor or (0, 0, 0), has_next=False)
    return rows, link


def by_offset(items: Sequence[T], cursor: Cursor | None, size: int) -> tuple[list[T], Link]:
    """Cut a page by position: a cursor is page size and page number."""
    page = cursor[1] if cursor else 0
    width = cursor[0] if cursor else size
    start = page * width
    rows = list(items[start : start + size])
    more = len(items) > start + size
    link = Link((size, max(page - 1, 0), 1), page > 0, (size, page + 1, 0), more)
    return rows, link


def _text(cursor: Cursor) -> str:
    return ":".join(str(part) for part in cursor)
