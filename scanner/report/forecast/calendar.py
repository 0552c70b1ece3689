"""The forecast as an iCalendar file (RFC 5545): an all-day event for each due finding and waiver.

An event has the same UID in every forecast, and SEQUENCE counts the minutes to as-of: a calendar
that took in an earlier file moves its events and makes no second ones (RFC 5546, section 2.1.5).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Calendar, Event

from scanner import __version__
from scanner.base.text import fit, paragraph, plural
from scanner.model.finding import Due, DueReason, Forecast, Lapse
from scanner.model.moment import utc_day
from scanner.model.outcome import Outcome
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


def calendar(forecast: Forecast) -> bytes:
    """Return the file. Names of keys and projects come from elsewhere and are made harmless."""
    made = Calendar()
    made.add("prodid", f"-//keypolicy//forecast {__version__}//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", "keypolicy: what falls due")
    for due in forecast.dues:
        made.add_component(_finding(due, forecast.as_of))
    for lapse in forecast.lapses:
        made.add_component(_waiver(lapse, forecast.as_of))
    return bytes(made.to_ical())


def _finding(due: Due, as_of: datetime) -> Event:
    finding = due.finding
    place = "/".join(filter(None, (finding.resource.organization, finding.resource.project)))
    name = finding.resource.name or finding.resource.id
    is_back = due.reason is DueReason.UNCOVERED
    what = "is no longer excused from" if is_back else _BREAKS[finding.outcome]
    event = _event(due_uid(due), due.at, as_of)
    event.add("summary", _line(f"{place}: {name} {what} {finding.rule_id} ({finding.severity})"))
    told = [finding.message, f"Rule {finding.rule_id} of {finding.policy}, {finding.severity}"]
    told += [f"Waiver {finding.waiver}"] if finding.waiver else []
    told += [f"Owner: {finding.owner}"] if finding.owner else []
    event.add("description", "\n".join(map(paragraph, told)))
    event.add("categories", ["keypolicy", finding.severity.value])
    if finding.resource.url and _URL.fullmatch(finding.resource.url):
        event.add("url", finding.resource.url)
    return event


def _waiver(lapse: Lapse, as_of: datetime) -> Event:
    one = lapse.waiver
    event = _event(lapse_uid(lapse), lapse.at, as_of)
    reopens = f"reopens {plural(lapse.reopens, 'finding')}"
    event.add("summary", _line(f"The waiver {one.id} has lapsed and {reopens}"))
    told = [f"Owner: {one.owner}", f"Approved by {one.approved_by}", one.reason, one.ticket]
    event.add("description", "\n".join(paragraph(part) for part in told if part))
    event.add("categories", ["keypolicy", "waiver"])
    return event


def _event(uid: str, at: datetime, as_of: datetime) -> Event:
    day = utc_day(at)
    stamp = as_of.astimezone(UTC).replace(microsecond=0)
    minutes = (stamp - _SEQUENCED_FROM) // timedelta(minutes=1)
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("sequence", min(max(minutes, 0), _LAST_SEQUENCE))
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    return event


def _line(text: str) -> str:
    return fit(paragraph(text), _SUMMARY)
