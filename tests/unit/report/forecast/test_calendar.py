"""The calendar file, read by the library that calendars are read with, and byte by byte."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from scanner.base.errors import Location
from scanner.model.finding import Due, DueReason, Finding, Forecast, Lapse, Resource
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.waiver import Waiver
from scanner.report.forecast.calendar import calendar as calendar_of
from scanner.report.forecast.calendar import forecast_events


def calendar(made: Forecast) -> bytes:
    return calendar_of(forecast_events(made))


AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "a,b;c\\d\r\nEND:VEVENT\nBEGIN:VALARM\x1b[31m\u202e" + "\u00fc\U0001f511" * 60


def due(name: str = "web", day: int = 3, url: str | None = None, **more: object) -> Due:
    resource = Resource("sentry_key", "k1", name, "acme", "shop", url, "7")
    finding = Finding(
        rule_id="key-max-age",
        policy="mine",
        severity=Severity.HIGH,
        outcome=Outcome.FAIL,
        disposition=Disposition.OPEN,
        message=f"{name} is old",
        resource=resource,
        evidence=msgspec.Raw(b'{"age_days": 90}'),
        fingerprint="f" * 32,
    )
    return Due(
        day=day,
        at=AS_OF + timedelta(days=day),
        reason=DueReason.BREAKS,
        finding=msgspec.structs.replace(finding, **more),
        before=Outcome.PASS,
        was_open=None,
    )


def lapse(**texts: str) -> Lapse:
    said = dict.fromkeys(("reason", "owner", "approved_by"), "ann") | texts
    one = Waiver(
        id="legacy",
        created=date(2026, 1, 1),
        expires=date(2026, 3, 4),
        location=Location("w.yaml", 1, 1),
        **said,  # type: ignore[arg-type]
    )
    return Lapse(one, 4, AS_OF + timedelta(days=4), 2)


def forecast(*dues: Due, lapses: tuple[Lapse, ...] = (), as_of: datetime = AS_OF) -> Forecast:
    return Forecast(as_of, 30, dues, lapses, 1, 1)


def events(text: bytes) -> list[dict[str, str]]:
    made = Calendar.from_ical(text)
    assert isinstance(made, Calendar)
    assert made.errors == []
    assert [one.name for one in made.subcomponents] == ["VEVENT"] * len(made.events)
    assert all(one.errors == [] and one.subcomponents == [] for one in made.events)
    return [{name: str(value) for name, value in one.items()} for one in made.events]


def test_an_event_says_what_is_due_and_when() -> None:
    text = calendar(forecast(due(waiver="old", owner="team-web"), lapses=(lapse(),)))
    found, waiver = Calendar.from_ical(text).events
    assert (found.start, found.end) == (date(2026, 3, 4), date(2026, 3, 5))
    assert found["summary"] == "acme/shop: web breaks key-max-age (high)"
    assert str(found["description"]).split("\n") == [
        "web is old",
        "Rule key-max-age of mine, high",
        "Waiver old",
        "Owner: team-web",
    ]
    assert found["uid"] == "f" * 32 + "-fail@keypolicy"
    assert waiver.start == date(2026, 3, 5)
    assert waiver["uid"] == "waiver-legacy@keypolicy"
    assert waiver["summary"] == "The waiver legacy has lapsed and reopens 2 findings"


def test_nothing_stands_before_a_key_of_which_nobody_tells_the_place() -> None:
    one = due()
    resource = msgspec.structs.replace(one.finding.resource, organization=None, project=None)
    finding = msgspec.structs.replace(one.finding, resource=resource)
    (found,) = events(calendar(forecast(msgspec.structs.replace(one, finding=finding))))
    assert found["SUMMARY"] == "web breaks key-max-age (high)"


def test_a_later_forecast_moves_the_event_and_makes_no_second_one() -> None:
    (first,) = events(calendar(forecast(due(day=3))))
    later = AS_OF + timedelta(days=1)
    moved = msgspec.structs.replace(due("renamed", day=8), at=later + timedelta(days=8))
    (second,) = events(calendar(forecast(moved, as_of=later)))
    assert first["UID"] == second["UID"]
    assert first["DTSTART"] != second["DTSTART"]
    assert int(second["SEQUENCE"]) > int(first["SEQUENCE"])
    assert first["LAST-MODIFIED"] != second["LAST-MODIFIED"]


def test_the_same_forecast_is_the_same_bytes() -> None:
    made = forecast(due(), due("api"), lapses=(lapse(),))
    assert calendar(made) == calendar(made)


@pytest.mark.parametrize("year", [1970, 2026, 8999])
def test_a_sequence_is_an_integer_of_the_format(year: int) -> None:
    (one,) = events(calendar(forecast(due(), as_of=datetime(year, 1, 1, tzinfo=UTC))))
    assert 0 <= int(one["SEQUENCE"]) < 1 << 31


def lines_of(text: bytes) -> list[bytes]:
    assert text.endswith(b"\r\n")
    lines = text.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    text.decode("utf-8")
    for line in lines:
        line.decode("utf-8")  # no character is cut in two
    return lines


def test_a_hostile_name_is_text_and_nothing_else() -> None:
    one = due(HOSTILE, url="https://x.example/\r\nATTENDEE:mailto:a@b.example", owner=HOSTILE)
    text = calendar(forecast(one, lapses=(lapse(owner=HOSTILE, reason=HOSTILE, ticket=HOSTILE),)))
    lines = lines_of(text)
    assert lines.count(b"BEGIN:VEVENT") == lines.count(b"END:VEVENT") == 2
    assert not any(line.startswith((b"ATTENDEE", b"BEGIN:VALARM", b"URL")) for line in lines)
    assert b"\x1b" not in text
    assert "\u202e".encode() not in text
    assert len(events(text)) == 2


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.text(max_size=80), st.none() | st.text(max_size=80))
def test_whatever_names_are_the_file_is_sound(name: str, owner: str, url: str | None) -> None:
    text = calendar(forecast(due(name, owner=owner, url=url), lapses=(lapse(owner=owner),)))
    lines_of(text)
    assert len(events(text)) == 2


def test_a_page_is_linked_only_where_it_is_one() -> None:
    pages = ["https://x.example/keys/1/", "javascript:alert(1)", "https://x.example/ü y", None]
    found = [events(calendar(forecast(due(url=url))))[0].get("URL") for url in pages]
    assert found == [pages[0], None, None, None]


def test_a_calendar_of_nothing_has_a_component() -> None:
    """RFC 5545 asks for one, and this one shows nothing."""
    text = calendar(forecast())
    assert [one.name for one in Calendar.from_ical(text).subcomponents] == ["VTIMEZONE"]
