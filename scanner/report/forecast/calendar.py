"""The forecast as an iCalendar file (RFC 5545): an all-day event for each due finding and waiver.

An event has the same UID in every forecast, and SEQUENCE counts the minutes to as-of: a calendar
that took in an earlier file moves its events and makes no second ones (RFC 5546, section 2.1.5).
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
from icalendar import Calendar, Event, Timezone, TimezoneStandard

from scanner import __version__
from scanner.base.text import fit, paragraph, plural
from scanner.model.finding import Due, DueReason, Forecast, Lapse
from scanner.model.history import TrackedFinding
from scanner.model.moment import utc_day
from scanner.model.outcome import Outcome
from scanner.model.waiver import Waiver
from scanner.report.forecast.document import due_uid, lapse_uid

_SEQUENCED_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LAST_SEQUENCE: Final = (1 << 31) - 1
"""Largest INTEGER of iCalendar (RFC 5545, section 3.3.8)."""

_SUMMARY: Final = 120
_URL: Final = re.compile(r"https?://[!-~]+")
_BREAKS: Final = {
    Outcome.FAIL: "breaks",
    Outcome.UNKNOWN: "cannot be judged by",
    Outcome.ERROR: "cannot be judged by",
}


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a whole day, before its texts are made harmless.

    `as_of` is when that was known: a calendar takes the event that was known last.
    """

    uid: str
    day: date
    as_of: datetime
    summary: str
    told: tuple[str, ...]
    categories: tuple[str, ...]
    url: str | None = None


def calendar(events: Iterable[CalendarEvent]) -> bytes:
    """Return the file. Names of keys and projects come from elsewhere and are made harmless."""
    made = Calendar()
    made.add("prodid", f"-//keypolicy//forecast {__version__}//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", "keypolicy: what falls due")
    for event in events:
        made.add_component(_event(event))
    if not made.subcomponents:
        made.add_component(_nothing())
    return bytes(made.to_ical())


def _nothing() -> Timezone:
    """Return what shows nothing: a calendar has one component at least (RFC 5545, section 3.6)."""
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - local time by definition
    standard.add("tzoffsetfrom", timedelta())
    standard.add("tzoffsetto", timedelta())
    zone = Timezone()
    zone.add("tzid", "UTC")
    zone.add_component(standard)
    return zone


def forecast_events(forecast: Forecast) -> list[CalendarEvent]:
    """Return the events of a forecast: findings that fall due, and waivers that lapse."""
    return [
        *(_finding(due, forecast.as_of) for due in forecast.dues),
        *(_waiver(lapse, forecast.as_of) for lapse in forecast.lapses),
    ]


def deadline(one: TrackedFinding, due: datetime, as_of: datetime) -> CalendarEvent:
    """Return the event of the end of the time that is allowed to fix an open finding."""
    place = _before(one.organization, one.project)
    return CalendarEvent(
        uid=f"{one.fingerprint}-deadline@keypolicy",
        day=utc_day(due),
        as_of=as_of,
        summary=f"{place}{one.name or one.id} is to be mended: {one.rule} ({one.severity})",
        told=(
            f"Rule {one.rule}, {one.severity}, open since {utc_day(one.opened)}",
            *([f"Owner: {one.owner}"] if one.owner else []),
        ),
        categories=("keypolicy", one.severity.value),
    )


def waiver_end(one: Waiver, reopens: int, as_of: datetime) -> CalendarEvent:
    """Return the event of the first day without a waiver."""
    told = (f"Owner: {one.owner}", f"Approved by {one.approved_by}", one.reason, one.ticket)
    return CalendarEvent(
        uid=f"waiver-{one.id}@keypolicy",
        day=one.expires + timedelta(days=1),
        as_of=as_of,
        summary=f"The waiver {one.id} has lapsed and reopens {plural(reopens, 'finding')}",
        told=told,
        categories=("keypolicy", "waiver"),
    )


def _finding(due: Due, as_of: datetime) -> CalendarEvent:
    finding = due.finding
    place = _before(finding.resource.organization, finding.resource.project)
    name = finding.resource.name or finding.resource.id
    is_back = due.reason is DueReason.UNCOVERED
    what = "is no longer excused from" if is_back else _BREAKS[finding.outcome]
    return CalendarEvent(
        uid=due_uid(due),
        day=utc_day(due.at),
        as_of=as_of,
        summary=f"{place}{name} {what} {finding.rule_id} ({finding.severity})",
        told=(
            *(finding.message, f"Rule {finding.rule_id} of {finding.policy}, {finding.severity}"),
            *([f"Waiver {finding.waiver}"] if finding.waiver else []),
            *([f"Owner: {finding.owner}"] if finding.owner else []),
        ),
        categories=("keypolicy", finding.severity.value),
        url=finding.resource.url,
    )


def _waiver(lapse: Lapse, as_of: datetime) -> CalendarEvent:
    event = waiver_end(lapse.waiver, lapse.reopens, as_of)
    return msgspec.structs.replace(event, uid=lapse_uid(lapse), day=utc_day(lapse.at))


def _event(one: CalendarEvent) -> Event:
    stamp = one.as_of.astimezone(UTC).replace(microsecond=0)
    minutes = (stamp - _SEQUENCED_FROM) // timedelta(minutes=1)
    event = Event()
    event.add("uid", one.uid)
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("sequence", min(max(minutes, 0), _LAST_SEQUENCE))
    event.add("dtstart", one.day)
    event.add("dtend", one.day + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    event.add("summary", _line(one.summary))
    event.add("description", "\n".join(paragraph(part) for part in one.told if part))
    event.add("categories", list(one.categories))
    if one.url and _URL.fullmatch(one.url):
        event.add("url", one.url)
    return event


def _before(organization: str | None, project: str | None) -> str:
    """Return the place of a key, for its name to follow; nothing where nobody tells it."""
    place = "/".join(filter(None, (organization, project)))
    return f"{place}: " if place else ""


def _line(text: str) -> str:
    return fit(paragraph(text), _SUMMARY)
