"""What became of findings since the run before, counted and listed."""

from typing import Any

import msgspec
import pytest

from scanner.model.history import Fate, late_by
from scanner.model.outcome import Disposition
from scanner.model.run import Run
from scanner.report.html.story.since import LISTED, since
from tests.unit.report.factory import AS_OF, clean_run
from tests.unit.report.storied import (
    AGE,
    BEFORE,
    DAY,
    INACTIVE,
    LIMIT,
    NAME,
    point,
    progress,
    storied_run,
    tracked,
)


def told(*findings: Any, run: Run | None = None, before: Any = BEFORE) -> dict[str, Any]:
    run = run or clean_run()
    found = since(msgspec.structs.replace(run, progress=progress(*findings, before=before)))
    assert found is not None
    return found


def part(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (one for one in found["parts"] if one["name"] == name)
    return dict(one)


def test_without_a_history_nothing_is_told() -> None:
    assert since(clean_run()) is None


def test_the_first_run_tells_only_what_is_overdue() -> None:
    found = told(tracked(AGE, "1", Fate.NEW), before=None)
    assert (found["before"], found["parts"]) == (None, [])
    # A baseline may know since when it is open.
    found = told(tracked(AGE, "1", Fate.NEW, due=AS_OF - DAY), before=None)
    assert part(found, "overdue")["total"] == 1


def test_the_numbers_of_every_kind() -> None:
    found = since(storied_run())
    assert found is not None
    assert {one["name"]: one["total"] for one in found["parts"]} == {
        "new": 2, "reopened": 1, "fixed": 3, "overdue": 1,
    }  # fmt: skip
    assert found["told"] == [
        "2 new, 1 reopened, 3 fixed",
        "1 more critical, 1 fewer medium",
        "1 overdue, 1 of them since",
        "1 came and 1 went with a change of the rules",
        "1 known before could not be looked at",
    ]
    assert found["before"]["text"] == "2026-02-22 00:00:00 UTC"
    assert found["ruled"] == [{"rule": "key-name-has-owner", "came": 1, "went": 1}]


@pytest.mark.parametrize(
    ("findings", "word"),
    [
        ([tracked(AGE, "1")], "unchanged"),
        ([tracked(AGE, "1", Fate.NEW)], "worse"),
        ([tracked(AGE, "1", Fate.REOPENED)], "worse"),
        ([tracked(AGE, "1", Fate.FIXED)], "better"),
        ([tracked(AGE, "1", Fate.FIXED), tracked(AGE, "2", Fate.NEW)], "unchanged"),
        # One critical finding more is not made good by low ones that went.
        ([tracked(LIMIT, "1", Fate.NEW), *(tracked(NAME, n, Fate.FIXED) for n in "23")], "worse"),
        ([tracked(LIMIT, "1", Fate.FIXED), *(tracked(NAME, n, Fate.NEW) for n in "23")], "better"),
        # A waiver makes nothing better, nor does a rule that went, nor what nobody looked at.
        ([tracked(AGE, "1", Fate.NEW, disposition=Disposition.WAIVED)], "worse"),
        ([tracked(AGE, "1", Fate.RELEASED), tracked(AGE, "2", Fate.UNSEEN)], "unchanged"),
        ([tracked(AGE, "1", Fate.DEMANDED), tracked(AGE, "2", Fate.GONE)], "unchanged"),
        ([tracked(AGE, "1", due=AS_OF - DAY)], "worse"),
        ([tracked(AGE, "1", due=BEFORE - DAY)], "unchanged"),
    ],
)
def test_better_or_worse_is_about_the_keys(findings: list[Any], word: str) -> None:
    assert told(*findings)["word"] == word


@pytest.mark.parametrize(
    ("was", "word"),
    [
        ({"disposition": Disposition.WAIVED}, "worse"),  # its waiver ended, long after its time
        ({"due": None}, "worse"),
        ({"fate": Fate.FIXED}, "worse"),
        ({}, "unchanged"),
        ({"fate": Fate.UNSEEN}, "unchanged"),  # nobody looked: that makes nothing less overdue
        ({"project": "other", "fingerprint": "else"}, "unchanged"),
    ],
)
def test_newly_overdue_is_what_was_not_at_the_run_before(was: dict[str, Any], word: str) -> None:
    now = tracked(AGE, "1", due=BEFORE - DAY)
    late = late_by([msgspec.structs.replace(now, **was)], BEFORE)
    run = msgspec.structs.replace(
        clean_run(), progress=msgspec.structs.replace(progress(now), late=late)
    )
    found = since(run)
    assert found is not None
    assert found["word"] == word
    assert found["told"][1] == "1 overdue" + (", 1 of them since" if word == "worse" else "")


def test_it_is_said_whether_scope_and_policies_are_the_same() -> None:
    run = clean_run()
    assert told()["because"] is None  # the run before is not among those that were asked for
    alike = msgspec.structs.replace(run, earlier=(point(run, 7, 60),))
    assert told(run=alike)["because"] == ()
    other = point(run, 7, 60, organizations=frozenset({"acme", "globex"}))
    changed = msgspec.structs.replace(run, earlier=(point(run, 14, 9), other))
    assert told(run=changed)["because"] == ("organization initech came in",)


def test_lists_are_bounded_and_counts_are_not() -> None:
    many = [tracked(NAME, f"{n:02}", Fate.NEW) for n in range(40)]
    found = part(told(*many, tracked(LIMIT, "z", Fate.NEW)), "new")
    assert (found["total"], found["shown"], len(found["rows"])) == (41, 41, LISTED)
    assert [row["name"] for row in found["rows"][:3]] == ["key-z", "key-00", "key-01"]


def test_what_is_overdue_the_longest_comes_first() -> None:
    found = told(
        tracked(LIMIT, "1", due=AS_OF - DAY),
        tracked(NAME, "2", due=AS_OF - 20 * DAY),
        tracked(NAME, "3", due=AS_OF),  # not over yet
        tracked(NAME, "4", due=AS_OF - DAY, disposition=Disposition.WAIVED),
        tracked(NAME, "5", Fate.FIXED, due=AS_OF - DAY),
    )
    rows = part(found, "overdue")["rows"]
    assert [(row["name"], row["day"], row["note"]) for row in rows] == [
        ("key-2", "2026-02-09", "for 20 days"),
        ("key-1", "2026-02-28", "for 1 day"),
    ]


def test_a_row_says_how_a_finding_came_and_went() -> None:
    gone = msgspec.structs.replace(INACTIVE, id="gone")
    found = told(
        tracked(AGE, "1", Fate.FIXED),
        tracked(AGE, "2", Fate.FIXED, is_removed=True, opened=AS_OF - DAY),
        tracked(AGE, "3", Fate.REOPENED, reopened=1, disposition=Disposition.WAIVED),
        tracked(gone, "4", Fate.REOPENED, reopened=3, name=None),
    )
    assert [row["note"] for row in part(found, "fixed")["rows"]] == [
        "after 30 days", "after 1 day, with its key",
    ]  # fmt: skip
    once, often = part(found, "reopened")["rows"]
    assert (once["note"], once["is_tolerated"]) == ("came back once", True)
    assert (often["note"], often["name"], often["title"]) == (
        "came back 3 times", "4" * 32, "gone",
    )  # fmt: skip


def test_lists_are_of_the_owners_that_are_shown() -> None:
    found = since(storied_run("owls"))
    assert found is not None
    new = part(found, "new")
    assert (new["total"], new["shown"]) == (2, 1)
    assert [row["owner"] for row in new["rows"]] == ["owls"]
