"""What is known of keys: rows of their table go in; targets, states and usage come out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from scanner.catalogue import OWN
from scanner.catalogue.redact import REDACTED
from scanner.model.moment import read_moment
from scanner.model.rule import Rule
from scanner.policy.actions import get_action, state_reader
from scanner.remediate.document import KeyTarget, State, canonical

Rows = Callable[[str, Sequence[str], Collection[str] | None], Mapping[str, Mapping[str, Any]]]
"""Gives columns of a table's rows by their id: of those with these ids, or of all."""

_PLACE: Final = ("organization_slug", "project_slug", "project_id", "name", "url")
_COUNTS: Final = ("events_accepted_30d", "events_dropped_30d", "events_filtered_30d")
USAGE: Final = (*_COUNTS, "events_last_day", "events_until")
"""Columns that tell usage; each key costs the source a request."""

_DAYS: Final = 30


class Usage30(msgspec.Struct, frozen=True):
    """What statistics tell of a key: events of any fate in the days before `until`.

    `last` is the end of the last day with an event; None where there was none, or where the source
    tells sums alone. `accepted` is how many of the events were.
    """

    events: int
    days: int
    until: datetime
    last: datetime | None = None
    accepted: int = 0


def kept_name(name: str) -> str:
    """Return a name as the server keeps it, by which a key is known: no space at its ends."""
    return name.strip()


HIDDEN: Final = (
    "holds what looks like a secret, which is taken out of all that is read: what is left of it"
    " would be set; change it by hand first"
)
"""Why a field is not set whose value is not whole."""


def is_whole(fields: State) -> bool:
    """Whether nothing that looks like a secret was taken out of it: only then it may be set."""
    return REDACTED.encode() not in canonical(fields)


class KnownKey(msgspec.Struct, frozen=True):
    """A key as a source told it; `dsn` is the public one."""

    target: KeyTarget
    state: State
    usage: Usage30 | None = None
    dsn: str | None = None

    @property
    def name(self) -> str:
        """The name as the server keeps it, empty where the source did not tell it."""
        return kept_name(self.state.get("name") or "")


def known_keys(rows: Rows, table: str) -> list[KnownKey]:
    """Return the keys of a table with their usage and public DSN; none where they are not such."""
    reader = state_reader(table)
    if reader is None:
        return []
    columns = tuple(dict.fromkeys((*_PLACE, *reader.columns, *USAGE, "dsn")))
    return [
        KnownKey(_target(table, key, row), reader.state(row), _usage(row), _dsn(row))
        for key, row in rows(table, columns, None).items()
    ]


def columns_of_remedies(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Return, by table, the columns that plans of these rules' remedies are made of besides."""
    found: dict[str, frozenset[str]] = {}
    for rule in rules:
        action = get_action(rule.fix.action) if rule.fix else None
        if action and action.reads:
            table = action.creates or rule.resource
            found[table] = found.get(table, frozenset()) | set(action.reads)
    return found


def key_tables() -> list[str]:
    """Return the tables of keys that can be changed."""
    tables = dict.fromkeys(provider.keys for provider in OWN.values())
    return [table for table in tables if state_reader(table) is not None]


def _target(table: str, key: str, row: Mapping[str, Any]) -> KeyTarget:
    number = row.get("project_id")
    return KeyTarget(
        type=table,
        organization=row.get("organization_slug") or "",
        project=row.get("project_slug") or "",
        project_id=None if number is None else str(number),
        id=key,
        name=row.get("name"),
        url=row.get("url"),
    )


def _usage(row: Mapping[str, Any]) -> Usage30 | None:
    counts = [row.get(name) for name in _COUNTS]
    until = row.get("events_until")
    if until is None or any(count is None for count in counts):
        return None
    day = row.get("events_last_day")
    last = None if day is None else read_moment(day) + timedelta(days=1)
    events = sum(filter(None, counts))
    return Usage30(events, _DAYS, read_moment(until), last, counts[0] or 0)


def _dsn(row: Mapping[str, Any]) -> str | None:
    found = row.get("dsn")
    return found.get("public") if isinstance(found, dict) else None
