"""Dates that people write, at both ends of the calendar: what is reckoned from them stays in it."""

from pathlib import Path

import pytest

from tests.acceptance.support import Result
from tests.acceptance.tolerance import Place

FIRST, LAST = "1970-01-01", "9000-12-31"
DIR = "past"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.write("keypolicy.yaml", "sla: {high: 36500d, medium: 36500d}\nwaiver_term_days: 99999\n")
    return made


COMMANDS: dict[str, tuple[str, ...]] = {
    "scan": ("scan", "-q", "--history", DIR, "-o", "r.html", "--fail-if-due-within", "52w"),
    "overdue": ("scan", "-q", "--history", DIR, "--fail-on-overdue", "--ahead", "366"),
    "calendar": ("forecast", "--days", "366", "-o", "due.ics", "-o", "due.html", "-o", "due.json"),
    "check": ("waivers", "check", "waivers.yaml"),
    "list": ("waivers", "list", "waivers.yaml"),
}


BEYOND = [
    ("0001-01-01", "2026-03-10", "0001-01-01"),
    ("2026-01-01", "9999-12-31", "9999-12-31"),
    ("0001-01-01", "0001-01-02", "0001-01-02"),
    ("1969-12-31", "2026-03-10", "1969-12-31"),
    ("2026-01-01", "9001-01-01", "9001-01-01"),
]


@pytest.mark.parametrize(
    ("command", "created", "expires", "wrong"),
    [
        *(("check", *days) for days in BEYOND),
        *((name, *days) for name in COMMANDS if name != "check" for days in BEYOND[:2]),
    ],
)
def test_days_beyond_are_refused(
    place: Place, command: str, created: str, expires: str, wrong: str
) -> None:
    place.waivers({"created": created, "expires": expires})
    done = run(place, command, "2026-03-01")
    assert done.code == 2, done.err
    assert f"there is no day {wrong}" in done.err
    assert "between 1970 and 9000" in done.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("as_of", "created", "expires"),
    [(FIRST, FIRST, "2200-01-01"), (FIRST, LAST, LAST), (LAST, FIRST, "2200-01-01")],
)
def test_days_at_the_ends_are_days(
    place: Place, command: str, as_of: str, created: str, expires: str
) -> None:
    place.waivers({"created": created, "expires": expires})
    done = run(place, command, as_of)
    assert done.code in {0, 1}, done.err


def test_a_history_at_the_end_of_the_calendar_is_carried_on(place: Place) -> None:
    for as_of in (FIRST, "9000-12-30", LAST):
        assert place.scan("--history", DIR, "-q", as_of=as_of).code == 1
    assert place.run("history", "verify", "--history", DIR).code == 0
    assert place.run("evidence", "verify", DIR).code == 0
    assert place.run("history", "site", DIR, "-o", "site", "--days", "366").code == 0
    for action in (("list",), ("trend",), ("diff", FIRST, "latest"), ("show", LAST)):
        assert place.run("history", *action, "--history", DIR).code == 0


def run(place: Place, command: str, as_of: str) -> Result:
    verb, *rest = COMMANDS[command]
    if verb == "waivers":
        return place.run(verb, *rest, "--policy", "p.yaml")
    return place.on_keys(verb, *rest, "--waivers", "waivers.yaml", as_of=as_of)
