"""Usage statistics of keys: what Sentry counted in the last thirty days, one request a key."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from scanner.http.failure import FATAL, ApiError, Reason
from scanner.inventory.ledger import Ledger
from scanner.model.moment import SKEW_MINUTES
from scanner.providers.sentry.live.api import KEY, OrganizationBase, SentryApi
from scanner.providers.sentry.tables.client_keys import USAGE

PERIOD: Final = timedelta(days=30)

_HOPELESS_AFTER: Final = 5
"""Keys in a row without an answer, after which no other key of the organization is asked."""

_STEPS: Final = {"1d": 86_400, "1h": 3_600}
"""Seconds of what counts are asked by."""

_SKEW: Final = SKEW_MINUTES * 60

_SAYS: Final = "Usage statistics (events_..._30d) are missing: "

_NONE: Final = "the server has none of a key that it lists; GlitchTip, for one, keeps none at all"
_WITHOUT: Final = "Leave out `--with usage`, and rules that read the usage columns."


_MOST: Final = 2**53
"""Events of one day: what JSON can tell exactly. The sum over a period is an integer still."""

_Count = Annotated[int, Meta(ge=0, le=_MOST)]


class Received(msgspec.Struct, frozen=True):
    """What became of a key's events in the day or the hour that began at `ts`."""

    ts: float  # of a whole second; some servers write it as such
    accepted: _Count
    dropped: _Count
    filtered: _Count

    @property
    def events(self) -> int:
        """All of them."""
        return self.accepted + self.dropped + self.filtered


class Period(msgspec.Struct, frozen=True):
    """The time that counts are asked for, by the day or, of no more than 30 days, by the hour."""

    since: datetime
    until: datetime
    by: Literal["1d", "1h"]

    @property
    def begins(self) -> int:
        """When the day or hour of `since` began: of a part of one, servers may leave it out."""
        since = int(self.since.timestamp())
        return since - since % _STEPS[self.by]

    @property
    def query(self) -> dict[str, str]:
        """What asks a server for it."""
        until = int(self.until.timestamp())
        return {"since": str(self.begins), "until": str(until), "resolution": self.by}

    def read(self, rows: list[Any]) -> list[Received]:
        """Return the counts of all of the time; raises ApiError where a part of it is not told.

        Servers tell of each day or hour, of those without an event too. What is not told is not
        a time without events.
        """
        try:
            found = msgspec.convert(rows, list[Received])
        except msgspec.ValidationError:
            what = "the statistics are not counts by day or hour"
            raise ApiError(Reason.REFUSED, what, remedy=_WITHOUT) from None
        spans = [span for span in found if span.ts >= self.begins]
        step, until = _STEPS[self.by], self.until.timestamp()
        gapless = all(span.ts == self.begins + n * step for n, span in enumerate(spans))
        # The server's clock may be a little behind or ahead, and its last hour another.
        if not (spans and gapless and -_SKEW <= until - spans[-1].ts < step + _SKEW):
            what = "the statistics do not tell of all the time that they were asked for"
            raise ApiError(Reason.REFUSED, what, remedy=_WITHOUT)
        return spans


async def read_usage(
    api: SentryApi, place: OrganizationBase, project: str, key: str, period: Period
) -> list[Received]:
    """Return what a key received in a time; raises ApiError where not all of that is told."""
    return period.read(await api.key_statistics(place, project, key, period.query))


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
        self._answered: set[str] = set()  # organizations that have statistics

    async def add_to(
        self, place: OrganizationBase, keys: Iterable[tuple[dict[str, Any], str]]
    ) -> None:
        """Add the field USAGE to the records; each comes with its project's slug or id.

        Without either ("") nobody can be asked.
        """
        await asyncio.gather(*(self._add(place, record, slug) for record, slug in keys))

    async def _add(self, place: OrganizationBase, record: dict[str, Any], project: str) -> None:
        # Whatever a server calls so is not ours.
        record.pop(USAGE, None)
        if not project:
            self._miss(place, None, "a key does not tell its project. Run again.")
            return
        try:
            sums = await self._sums(place, project, str(record["id"]))
        except ApiError as error:
            if error.reason is not Reason.MISSING:
                self._failed(place, project, error)
            elif place.slug in self._answered - self._given_up.keys():
                # The key or its project was deleted since it was listed.
                self._miss(place, project, f"a key of the project is gone. {error.remedy}")
            else:
                none = ApiError(error.reason, _NONE, where=error.where, remedy=_WITHOUT)
                self._failed(place, project, none)
        else:
            self._answered.add(place.slug)
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
        days = await read_usage(self._api, place, project, key, Period(since, self._until, "1d"))
        busy = [day.ts for day in days if day.events]
        sums = _Sums(
            accepted=sum(day.accepted for day in days),
            dropped=sum(day.dropped for day in days),
            filtered=sum(day.filtered for day in days),
            since=since,
            until=self._until,
            last=datetime.fromtimestamp(max(busy), UTC) if busy else None,
        )
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
