from datetime import date, timedelta
from pathlib import Path

from scanner.history.folder import History, StoredRun
from scanner.history.site.due import MOST, events, for_calendar, in_order
from scanner.model.history import Fate
from scanner.model.outcome import Disposition
from scanner.report.forecast.calendar import CalendarEvent
from tests.unit.history.factory import DAY, manifest, stored, tracked


def event(number: int, day: date, uid: str = "") -> CalendarEvent:
    return CalendarEvent(
        uid=uid or f"e{number}", day=day, as_of=DAY, summary="x", told=(), categories=()
    )


def test_an_event_comes_once_and_the_soonest_first() -> None:
    later, sooner = event(1, date(2026, 7, 2)), event(2, date(2026, 7, 1))
    assert in_order([later, sooner, later]) == [sooner, later]


def test_a_full_calendar_keeps_what_is_to_come_then_what_was_due_last() -> None:
    past = [event(n, DAY.date() - timedelta(days=n + 1)) for n in range(10)]
    ahead = [event(100 + n, DAY.date() + timedelta(days=n)) for n in range(MOST - 3)]
    found = for_calendar([*past, *ahead])
    assert len(found) == MOST
    assert found == in_order(found)
    assert {one.uid for one in found} == {"e0", "e1", "e2", *(one.uid for one in ahead)}
    more = [event(5_000 + n, DAY.date() + timedelta(days=n)) for n in range(MOST)]
    assert not {one.uid for one in past} & {one.uid for one in for_calendar([*past, *ahead, *more])}


def test_only_open_findings_that_are_there_fall_due(tmp_path: Path) -> None:
    due = DAY + timedelta(days=5)
    findings = [
        tracked("open", due=due),
        tracked("without"),
        tracked("waived", due=due, disposition=Disposition.WAIVED),
        tracked("fixed", due=due, fate=Fate.FIXED),
        tracked("unseen", due=due, fate=Fate.UNSEEN),
    ]
    path = stored(tmp_path / "past", manifest(), findings)
    (only,) = events(History(path.parent).run(path.name), None)
    assert only.day == due.date()


def test_what_a_run_does_not_tell_any_more_is_left_out(tmp_path: Path) -> None:
    path = stored(tmp_path / "past", manifest(), [tracked("open", due=DAY)])
    run: StoredRun = History(tmp_path / "past").run(path.name)
    for part in run.manifest.parts:
        run.place(part).write_bytes(b"cut")
    assert events(run, None) == []
