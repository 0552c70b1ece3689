"""Usage statistics of keys: what Sentry counted in the last thirty days, one request a key."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from scanner.http.failure import FATAL, ApiError, Reason
from scanner.inventory.ledger import Ledger
from scanner.providers.sentry.live.api import KEY, OrganizationBase, SentryApi
from scanner.providers.sentry.tables.client_keys import USAGE

PERIOD: Final = timedelta(days=30)

_HOPELESS_AFTER: Final = 5
"""Keys in a row without an answer, after which no other key of the organization is asked."""

_LAST_TIME: Final = 2**37
"""Seconds since 1970 in the year 6325: far from the end of the calendar."""

COUNTS: Final = ("accepted", "dropped", "filtered")
"""What becomes of events, as the statistics have it."""

_SAYS: Final = "Usage statistics (events_..._30d) are missing: "


class _Sums(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events of one key, errors only, between two moments; `last` is the last day with any."""

    accepted: int
    dropped: int
    filtered: int
    since: datetime
    until: datetime
    last: datetime | None = None


class Usage:
    """Adds sums over statistics to the records of keys; what is missing becomes a gap.

    `until` is when the thirty days end: the moment that the fetch began.
    """

    def __init__(self, api: SentryApi, ledger: Ledger, until: datetime) -> None:
        self._api = api
        self._ledger = ledger
        self._until = until
        self._failed_in_a_row: dict[str, int] = {}  # by organization
        self._given_up: dict[str, ApiError] = {}

    async def add_to(
        self, place: OrganizationBase, keys: Iterable[tuple[dict[str, Any], str]]
    ) -> None:
        """Add the field USAGE to the records; each comes with its project's slug or id."""
        await asyncio.gather(*(self._add(place, record, slug) for record, slug in keys))

    async def _add(self, place: OrganizationBase, record: dict[str, Any], project: str) -> None:
        # Whatever a server calls so is not ours.
        record.pop(USAGE, None)
        try:
            sums = await self._sums(place, project, str(record["id"]))
        except ApiError as error:
            if error.reason is Reason.MISSING:
                # The key or its project was deleted since it was listed.
                self._miss(place, project, f"a key of the project is gone. {error.remedy}")
            else:
                self._failed(place, project, error)
        else:
            self._failed_in_a_row[place.slug] = 0
            record[USAGE] = msgspec.to_builtins(sums)

    async def _sums(self, place: OrganizationBase, project: str, key: str) -> _Sums:
        name = f"usage {place.base} {place.slug} {key}"
        known = self._api.journal.recall(name, _Sums)
        if known is not None:
            return known
        if place.slug in self._given_up:
            raise self._given_up[place.slug]
        since = self._until - PERIOD
        days = await self._api.key_statistics(
            place, project, key, statistics_query(since, self._until, "1d")
        )
        accepted, dropped, filtered = (sum(counts(days, name)) for name in COUNTS)
        sums = _Sums(accepted, dropped, filtered, since, self._until, _last(days))
        self._api.journal.note(name, sums)
        return sums

    def _failed(self, place: OrganizationBase, project: str, error: ApiError) -> None:
        given_up = self._given_up.get(place.slug)
        if given_up is None:
            failed = self._failed_in_a_row.get(place.slug, 0) + 1
            self._failed_in_a_row[place.slug] = failed
            if error.reason in FATAL or failed >= _HOPELESS_AFTER:
                self._given_up[place.slug] = error
        self._miss(place, project if given_up is None else None, error.sentence)

    def _miss(self, place: OrganizationBase, project: str | None, why: str) -> None:
        self._ledger.missing(KEY, _SAYS + why, organization=place.slug, project=project)


def statistics_query(since: datetime, until: datetime, resolution: str) -> dict[str, str]:
    """Return what asks for the counts between two times: by day (1d) or, of 30 days, hour (1h)."""
    times = int(since.timestamp()), int(until.timestamp())
    return {"since": str(times[0]), "until": str(times[1]), "resolution": resolution}


def counts(spans: list[Any], name: str) -> list[int]:
    """Return one of the counts of each span; raises ApiError for anything but counts."""
    found = []
    for span in spans:
        count = span.get(name) if isinstance(span, dict) else None
        if type(count) is not int or count < 0:
            raise ApiError(Reason.REFUSED, "the statistics are not counts by day")
        found.append(count)
    return found


def _last(days: list[dict[str, Any]]) -> datetime | None:
    """Return when the last day with an event began; None where there is none, or no time told."""
    busy = [day.get("ts") for day in days if any(day[name] for name in COUNTS)]
    times = [time for time in busy if type(time) is int and 0 <= time < _LAST_TIME]
    return datetime.fromtimestamp(max(times), UTC) if times and len(times) == len(busy) else None
