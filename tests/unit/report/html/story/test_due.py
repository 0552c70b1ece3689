"""What falls due in windows of days, and the next days of all."""

from typing import Any

import msgspec

from scanner.model.finding import DueReason
from scanner.model.history import Fate
from scanner.model.outcome import Disposition
from scanner.model.run import Run
from scanner.report.html.story.due import NAMES, ROWS
from scanner.report.html.story.story import story
from tests.unit.report.factory import AS_OF, clean_run
from tests.unit.report.storied import AGE, DAY, LIMIT, due, forecast, progress, storied_run, tracked
from tests.unit.report.triaged import triaged_run


def agenda(run: Run) -> dict[str, Any]:
    found = story(run)["due"]
    assert found is not None
    return dict(found)


def foreseen(*dues: Any, days: int = 90) -> Run:
    run = clean_run()
    return msgspec.structs.replace(run, forecast=forecast(run, *dues, days=days))


def test_without_history_and_forecast_there_is_no_story() -> None:
    assert story(clean_run()) == {"since": None, "rates": None, "due": None, "todo": None}


def test_windows_count_each_kind() -> None:
    found = agenda(storied_run())
    assert [(one["title"], one["until"], one["counts"]) for one in found["windows"]] == [
        (
            "Within 30 days",
            "2026-03-31",
            [
                "3 findings are to be fixed",
                "2 keys or projects break a rule",
                "1 waiver lapses",
            ],
        ),
        (
            "In 31 to 90 days",
            "2026-05-30",
            [
                "1 finding is to be fixed",
                "1 key or project breaks a rule",
                "1 finding is tolerated no more",
            ],
        ),
    ]
    assert [(one["days"], one["total"]) for one in found["within"]] == [(30, 6), (90, 9)]
    assert found["late"] == 1
    assert (found["is_foretold"], found["unlooked"]) == (True, "")


def test_the_next_days() -> None:
    assert agenda(storied_run())["next"] == [
        {"day": "2026-03-03", "left": "in 2 days", "told": "2 keys or projects break a rule"},
        {"day": "2026-03-04", "left": "in 3 days", "told": "2 findings are to be fixed"},
        {"day": "2026-03-05", "left": "in 4 days", "told": "1 waiver lapses"},
    ]
    assert agenda(foreseen())["next"] == []


def test_a_row_names_day_rule_and_keys() -> None:
    row = agenda(storied_run())["windows"][0]["rows"][0]
    assert (row["day"], row["left"], row["rule"]) == ("2026-03-03", "in 2 days", "key-max-age")
    assert row["names"] == [
        {"place": "acme/mobile", "name": "key-2"},
        {"place": "acme/web", "name": "key-3"},
    ]
    assert (row["total"], row["more"], row["severity"]) == (2, 0, "high")


def test_rows_and_names_are_bounded_and_counts_are_not() -> None:
    dues = [due(AGE, f"{n:02}", 1 + n % 30) for n in range(300)]
    (first, second) = agenda(foreseen(*dues))["windows"]
    assert (first["total"], len(first["rows"]), first["more"]) == (300, ROWS, 10 * (30 - ROWS))
    assert [len(row["names"]) for row in first["rows"]] == [NAMES] * ROWS
    assert {row["more"] for row in first["rows"]} == {10 - NAMES}
    assert (second["total"], second["counts"], second["rows"]) == (0, [], [])


def test_the_ends_of_the_windows() -> None:
    dues = [due(AGE, str(n), day) for n, day in enumerate((1, 30, 31, 90))]
    assert [one["total"] for one in agenda(foreseen(*dues))["windows"]] == [2, 2]
    few = agenda(foreseen(due(AGE, "1", 14), days=14))
    assert [one["title"] for one in few["windows"]] == ["Within 14 days"]
    long = agenda(foreseen(days=180))
    assert [one["title"] for one in long["windows"]] == [
        "Within 30 days", "In 31 to 90 days", "In 91 to 180 days",
    ]  # fmt: skip


def test_how_far_was_looked_is_told() -> None:
    short = msgspec.structs.replace(foreseen(days=14), progress=progress())
    found = agenda(short)
    assert [one["days"] for one in found["windows"]] == [30, 90]
    assert found["unlooked"] == "What breaks a rule was looked for up to 2026-03-15."
    without = agenda(msgspec.structs.replace(clean_run(), progress=progress()))
    assert without["is_foretold"] is False
    assert without["unlooked"] == "What will break a rule was not looked for."
    # Where nobody looked, nothing is said of it.
    assert agenda(foreseen())["nothing"] == "Nothing falls due within 90 days"
    assert without["nothing"] == "No time to fix what is open ends within 90 days"


def test_only_what_is_open_is_to_be_fixed() -> None:
    soon = AS_OF + DAY
    found = agenda(
        msgspec.structs.replace(
            clean_run(),
            progress=progress(
                tracked(AGE, "1", due=soon),
                tracked(AGE, "2", due=soon, disposition=Disposition.WAIVED),
                tracked(AGE, "3", Fate.FIXED, due=soon),
                tracked(AGE, "4", Fate.UNSEEN, due=soon),
                tracked(AGE, "5"),
                tracked(AGE, "6", due=AS_OF + 91 * DAY),
                tracked(AGE, "7", due=AS_OF),
            ),
        )
    )
    assert [one["total"] for one in found["windows"]] == [2, 0]
    assert [one["left"] for one in found["next"]] == ["today", "in 1 day"]


def test_findings_of_a_waiver_that_ends_are_told_with_it() -> None:
    run = triaged_run()
    back = [due(AGE, n, 4, reason=DueReason.UNCOVERED, waiver="spring") for n in "12"]
    other = due(LIMIT, "3", 4, reason=DueReason.UNCOVERED, waiver="legacy-app")
    found = agenda(msgspec.structs.replace(run, forecast=forecast(run, *back, other)))
    rows = found["windows"][0]["rows"]
    assert [(row["kind"], row["title"], row["reopens"]) for row in rows] == [
        ("uncovered", "Every active client key has a rate limit", 0),
        ("lapse", "spring", 2),
    ]
