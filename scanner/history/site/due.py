"""What falls due by the latest run of a line: times to fix, a forecast, the ends of waivers."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from scanner.base.errors import KeypolicyError
from scanner.history.folder import StoredRun
from scanner.history.site.remembered import remembered
from scanner.model.finding import Forecast
from scanner.model.moment import utc_day
from scanner.model.outcome import Disposition
from scanner.report.forecast.calendar import (
    CalendarEvent,
    deadline,
    forecast_events,
    waiver_end,
)

MOST: Final = 2_000
"""Events of the calendar; more make no calendar any better."""


class ComingEvents(msgspec.Struct, frozen=True):
    """The events of a line, soonest first, and for how many days what breaks was looked for."""

    events: Sequence[CalendarEvent]
    looked: int


def can_look(run: StoredRun) -> bool:
    """Whether the inventory of a run is there, so that one can look ahead from it."""
    kept = run.manifest.inventory
    return kept is not None and all(run.place(one.name).is_file() for one in kept.inputs)


def events(run: StoredRun, forecast: Forecast | None) -> list[CalendarEvent]:
    """Return the events, soonest first; what the run's parts do not tell any more is left out."""
    try:
        found = [*_deadlines(run), *(forecast_events(forecast) if forecast else _ends(run))]
    except KeypolicyError:
        return []
    return in_order(found)


def for_calendar(found: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Return what a calendar can hold: what is to come first, then what was due last."""
    ordered = in_order(found)
    before = [one for one in ordered if one.day < utc_day(one.as_of)]
    ahead = [one for one in ordered if one.day >= utc_day(one.as_of)][:MOST]
    room = MOST - len(ahead)
    return [*(before[-room:] if room else []), *ahead]


def in_order(found: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Return each event once, soonest first."""
    once = {one.uid: one for one in found}
    return sorted(once.values(), key=lambda one: (one.day, one.uid))


def _deadlines(run: StoredRun) -> Iterable[CalendarEvent]:
    as_of = run.manifest.run.as_of
    for one in run.tracked():
        if one.due and one.fate.is_present and one.disposition is Disposition.OPEN:
            yield deadline(one, one.due, as_of)


def _ends(run: StoredRun) -> Iterable[CalendarEvent]:
    as_of = run.manifest.run.as_of
    for use in remembered(run).waivers if run.manifest.waivers else ():
        if use.state.holds and use.waiver.owner:
            yield waiver_end(use.waiver, use.decided, as_of)
