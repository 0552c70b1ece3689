"""Link headers go in, cursors of next pages come out: never URLs, never in a circle."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from scanner.base.text import plural
from scanner.http.failure import ApiError, Reason

PER_PAGE: Final = 100
"""Rows asked for: servers give fewer to who does not ask, and this many at the most."""

MOST_PAGES: Final = 100_000
"""Pages of one list; ten million rows are beyond any organization."""

_LONGEST_CURSOR: Final = 1_000
_MOST_FRUITLESS: Final = 50
"""Pages in a row that bring nothing new. Real lists have few: pages emptied by a filter."""


_REMEDY: Final = "Let the proxy in front of the server pass Link headers on as they are."


_TOKEN: Final = re.compile(r'<[^<>]*>|"[^"]*"|[;,=]|[^\s;,="<>]+|["<>]')
_ALONE: Final = frozenset('"<>')
"""What is a token of its own only where its counterpart was cut off."""


def links_by_rel(header: str | None) -> dict[str, dict[str, str]]:
    """Return the parameters of a Link header's entries by rel, none without a header.

    Their URLs are left out. Cursors may hold any character, as those of GlitchTip end in "=". What
    comes twice and differs tells nothing: its parameters are left out, so that no list ends there.
    Of a header that was cut off, an entry without a rel is all that is returned.
    """
    tokens = _TOKEN.findall(header or "")
    if not _ALONE.isdisjoint(tokens):
        return {"": {}}
    found: dict[str, dict[str, str]] = {}
    entry: list[list[str]] = [[]]
    for mark in [*tokens, ","]:
        if mark == ";":
            entry.append([])
        elif mark != ",":
            entry[-1].append(mark)
        elif entry != [[]]:
            told = {words[0].lower(): "".join(words[2:]).strip('"') for words in entry[1:] if words}
            rel = told.pop("rel", "")
            found[rel] = told if found.get(rel, told) == told else {}
            entry = [[]]
    return found


def advertised(links: Mapping[str, Mapping[str, str]], where: str) -> str | None:
    """Return the next page's cursor as the Link header's entries by rel tell it, else None.

    Raises ApiError (GARBLED) for a header in which nothing tells whether there is a next page.
    """
    if not links:
        return None
    entry = links.get("next", {})
    results = entry.get("results")
    if results not in {"true", "false"}:
        raise ApiError(
            Reason.GARBLED,
            "the Link header does not tell whether another page follows",
            where=where,
            remedy=_REMEDY,
        )
    return entry.get("cursor", "") if results == "true" else None


class Pager:
    """Decides after each page whether there is a next one.

    The cursor comes from the Link header's attribute: the URL beside it is built from the
    server's own configuration and may name a host that is not even reachable. Raises ApiError
    (LOOP) where the list would never end, and (GARBLED) where its continuation was cut off.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._seen: set[str] = set()
        self._pages = 0
        self._fruitless = 0

    def following(
        self, links: Mapping[str, Mapping[str, str]], rows: int, defaults: Collection[int] = ()
    ) -> str | None:
        """Return the next page's cursor, None after the last page.

        `links` are the Link header's entries by rel, `rows` the number of rows on the page, and
        `defaults` what a page holds at most where nobody asks for more.
        """
        self._pages += 1
        # The last page has the header too: without it, nothing tells a list that ends here from
        # one whose rest would be lost without a word. A proxy that takes the header away may take
        # the question for large pages away, too.
        if not links and (rows >= PER_PAGE or rows in defaults):
            raise ApiError(
                Reason.GARBLED,
                "a full page came without a Link header, so what follows is unknown",
                where=self._where,
                remedy=_REMEDY,
            )
        cursor = advertised(links, self._where)
        return None if cursor is None else self._check(cursor)

    def found(self, fresh: int) -> None:
        """Take note of how many rows of the page were new, even after asking for the next."""
        self._fruitless = 0 if fresh else self._fruitless + 1

    def skip(self, cursor: str) -> None:
        """Take note of a page that was read in an earlier run, with the cursor it led to."""
        self._pages += 1
        self._fruitless = 0
        self._seen.add(cursor)

    def _check(self, cursor: str) -> str:
        if not cursor or len(cursor) > _LONGEST_CURSOR or not cursor.isprintable():
            raise ApiError(Reason.GARBLED, "the next page has no usable cursor", where=self._where)
        # Three nets, since a circle may be of one page, of cursors that are new each time, or of
        # rows that are new each time.
        if cursor in self._seen:
            raise self._loop("a cursor came twice")  # not which: servers may echo what they got
        if self._fruitless >= _MOST_FRUITLESS:
            raise self._loop(f"{plural(self._fruitless, 'page')} in a row brought nothing new")
        if self._pages >= MOST_PAGES:
            raise self._loop(f"there are more than {MOST_PAGES} pages")
        self._seen.add(cursor)
        return cursor

    def _loop(self, how: str) -> ApiError:
        return ApiError(
            Reason.LOOP,
            f"the pages lead in a circle: {how}",
            where=self._where,
        )
