"""Whether an organization stayed as it was while it was read, page after page.

Sentry has no way to ask several pages of one moment. Its list of projects is even cut by position,
in an order that changes: a project that is starred, renamed or deleted between two pages moves
another over the edge, and it is on neither. So every page is asked for a second time, side by
side, once all were read. Where all say what they said before, all of it held at once in between.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from scanner.catalogue import TABLES
from scanner.catalogue.redact import SECRET_FIELDS, redact_record, redact_text
from scanner.http.failure import one_line
from scanner.http.paging import PER_PAGE
from scanner.inventory.records import fault

BREATH: Final = 10
"""Records looked at before requests and answers get their turn."""


class ListQuery(msgspec.Struct, frozen=True):
    """How a list is asked for; a list that is not `paged` comes as a whole."""

    table: str
    endpoint: str
    path: str
    base: str
    query: Mapping[str, str] = {}
    paged: bool = True

    def parameters(self, cursor: str | None) -> dict[str, str]:
        """Return the query that asks for a page, the first one without a cursor."""
        paging = {"per_page": str(PER_PAGE)} if self.paged else {}
        return {**self.query, **paging, **({} if cursor is None else {"cursor": cursor})}

    def name(self, cursor: str | None) -> str:
        """Return what tells this page of the list from every other."""
        query = {**self.query, "cursor": cursor or ""}
        told = " ".join(f"{name}={value}" for name, value in sorted(query.items()))
        return f"{self.base} {self.path} {told}"


class ListPage(msgspec.Struct, frozen=True):
    """New records of one page; `faults` say what is wrong with others, and name them.

    `moved_to` is the new slug of the project that was asked for, if it was renamed.
    """

    records: list[dict[str, Any]]
    faults: list[str]
    moved_to: str | None = None

    @property
    def fresh(self) -> int:
        """How many records were not in the list before."""
        return len(self.records) + len(self.faults)

    @property
    def left_out(self) -> list[str]:
        """Say of each fault what it kept away, for a gap."""
        remedy = "Run again; if it stays, look at it on the server."
        return [f"Left out, because {fault}. {remedy}" for fault in self.faults]


class Seen(msgspec.Struct, frozen=True):
    """A page that was read: where it is, and the fingerprint of what it said."""

    listing: ListQuery
    cursor: str | None
    said: str


class Watch:
    """The pages that were read, and the lists that cannot have been read at one moment."""

    def __init__(self) -> None:
        self.pages: dict[str, Seen] = {}
        self.changed: set[str] = set()  # paths of lists

    def saw(self, page: Seen, *, repeats: bool) -> None:
        """Note a page; `repeats`: a row of it was on an earlier page of the list.

        Where rows only change places, one that is lost between two pages goes with one that
        is there twice. So a list without such a row lost none, unless something was deleted;
        that the second look tells.
        """
        name = page.listing.name(page.cursor)
        before = self.pages.setdefault(name, page)
        if repeats or before.said != page.said:
            self.changed.add(page.listing.path)

    @property
    def is_one_answer(self) -> bool:
        """Whether there is nothing to compare: one page, or none, is of one moment."""
        return len(self.pages) <= 1 and not self.changed


async def fingerprint(
    table: str, rows: list[Any], following: str | None, moved_to: str | None
) -> str:
    """Return a short text that is the same for pages that say the same.

    Only the fields that the table's columns are made of count, without secrets and without the
    order of lists in them, which servers do not promise.
    """
    made = hashlib.blake2b(digest_size=16)
    made.update(msgspec.json.encode([following, moved_to]))
    for number, row in enumerate(rows):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        made.update(_canonical(_facts(table, row)) + b"\n")
    return made.hexdigest()


async def sort_out(table: str, rows: list[Any], seen: set[str], moved_to: str | None) -> ListPage:
    """Sort out a page: what is new and right, what is wrong; what came before is dropped.

    Of a row that was on another page before, the watch says that the list changed.
    """
    records: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    identity = TABLES[table].identity
    for number, row in enumerate(rows):
        if number % BREATH == 0:
            await asyncio.sleep(0)
        problem = fault(table, row)
        if problem is not None:
            wrong[problem].append(_called(row, identity, number))
        elif (identifier := str(row[identity])) not in seen:
            seen.add(identifier)
            records[identifier] = row
        elif identifier in records and not _is_same(table, records[identifier], row):
            name = _called(row, identity, number)
            faults.append(f"{name} comes twice, with different facts: its list changed meanwhile")
    faults += [f"{problem}: {_named(names)}" for problem, names in wrong.items()]
    return ListPage(list(records.values()), faults, moved_to)


def _called(row: object, identity: str, number: int) -> str:
    """Return by what a person finds a record, if only by its place on the page."""
    named = row.get(identity) if isinstance(row, dict) else None
    if isinstance(named, (str, int)) and str(named).strip():
        return one_line(redact_text(str(named)))
    return f"record {number + 1} of its page"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _is_same(table: str, one: object, other: object) -> bool:
    """Whether two records tell the same in the fields that count for a fingerprint."""
    return _canonical(_facts(table, one)) == _canonical(_facts(table, other))


def _facts(table: str, row: object) -> object:
    if not isinstance(row, dict):
        return row
    clean = redact_record(row, table)
    return {name: clean[name] for name in _names(table) if name in clean}


@cache
def _names(table: str) -> tuple[str, ...]:
    """Return the fields of a record that columns are made of."""
    paths = {path.removeprefix("$.").partition(".")[0] for path in TABLES[table].fields}
    return tuple(sorted(paths - SECRET_FIELDS))


def _canonical(value: object) -> bytes:
    if isinstance(value, list):
        return b"[" + b",".join(sorted(map(_canonical, value))) + b"]"
    if isinstance(value, dict):
        members = sorted((name, _canonical(member)) for name, member in value.items())
        told = (msgspec.json.encode(name) + b":" + member for name, member in members)
        return b"{" + b",".join(told) + b"}"
    return msgspec.json.encode(value)
