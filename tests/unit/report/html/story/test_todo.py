"""Who has to do what by when."""

from typing import Any

import msgspec

from scanner.model.outcome import Disposition
from scanner.model.owner import OwnerShare
from scanner.model.run import Run
from scanner.report.html.story.story import story
from scanner.report.html.story.todo import OWNERS, PROJECTS, ROWS
from tests.unit.report.factory import AS_OF, HOSTILE, clean_run
from tests.unit.report.storied import AGE, DAY, LIMIT, NAME, progress, storied_run, tracked


def todo(run: Run) -> dict[str, Any]:
    found = story(run)["todo"]
    assert found is not None
    return dict(found)


def open_(*findings: Any) -> Run:
    return msgspec.structs.replace(clean_run(), progress=progress(*findings))


def test_owners_and_projects_the_most_urgent_first() -> None:
    found = todo(storied_run())
    told = [(one["name"], one["total"], one["late"]) for one in found["owners"]]
    assert told == [
        ("owls", 7, 1), (HOSTILE["markup"], 2, 0), ("team-mobile", 1, 0), (None, 2, 0),
    ]  # fmt: skip
    places = [[one["place"] for one in owner["projects"]] for owner in found["owners"]]
    assert places[:3] == [["acme/web"], ["acme/mobile"], ["Waivers"]]
    assert places[3][0] == "globex/retired"  # the other has no day
    assert (found["total"], found["is_owned"], found["owners"][0]["contact"]) == (12, True, "#owls")


def test_rows_of_a_project_are_by_rule_and_kind() -> None:
    (owls, *_) = todo(storied_run())["owners"]
    (web,) = owls["projects"]
    assert [(row["day"], row["left"], row["kind"], row["rule"]) for row in web["rows"]] == [
        ("2026-02-27", "2 days ago", "fix", "key-max-age"),
        ("2026-03-03", "in 2 days", "breaks", "key-max-age"),
        ("2026-03-04", "in 3 days", "fix", "key-rate-limit-required"),
        ("2026-05-20", "in 80 days", "uncovered", "key-no-inactive"),
    ]
    assert [row["total"] for row in web["rows"]] == [2, 2, 1, 1]


def test_what_has_no_day_comes_last() -> None:
    found = todo(open_(tracked(LIMIT, "1"), tracked(NAME, "2", due=AS_OF + DAY)))
    (nobody,) = found["owners"]
    (web,) = nobody["projects"]
    assert [(row["rule"], row["day"]) for row in web["rows"]] == [
        ("key-name-has-owner", "2026-03-02"),
        ("key-rate-limit-required", ""),
    ]
    assert found["is_owned"] is False


def test_a_row_counts_all_and_what_is_late() -> None:
    late = [tracked(AGE, n, due=AS_OF - DAY) for n in "123"]
    found = todo(open_(*late, tracked(AGE, "4", due=AS_OF + DAY)))
    (row,) = found["owners"][0]["projects"][0]["rows"]
    assert (row["total"], row["late"], row["day"]) == (4, 3, "2026-02-28")


def test_what_is_tolerated_is_not_to_be_done() -> None:
    waived = tracked(AGE, "1", disposition=Disposition.WAIVED)
    assert todo(open_(waived)) == {
        "owners": [], "total": 0, "is_owned": False, "more_owners": 0, "more": 0,
    }  # fmt: skip


def test_all_is_bounded_and_counts_are_not() -> None:
    findings = [
        tracked(
            msgspec.structs.replace(AGE, id=f"r{rule}"),
            f"{owner}-{project}-{rule}",
            owner=f"o{owner:02}",
            project=f"p{project:02}",
        )
        for owner in range(OWNERS + 3)
        for project in range(PROJECTS + 2)
        for rule in range(10)
    ]
    found = todo(open_(*findings))
    assert found["total"] == len(findings)
    assert (len(found["owners"]), found["more_owners"]) == (OWNERS, 3)
    assert found["more"] == 3 * (PROJECTS + 2) * 10
    one = found["owners"][0]
    assert (len(one["projects"]), one["more_projects"], one["more"]) == (PROJECTS, 2, 20)
    project = one["projects"][0]
    assert (len(project["rows"]), project["more_rows"], project["more"]) == (ROWS, 10 - ROWS, 6)


def test_a_waiver_is_its_owners() -> None:
    owner = next(one for one in todo(storied_run())["owners"] if one["name"] == "team-mobile")
    (row,) = owner["projects"][0]["rows"]
    assert (row["kind"], row["title"], row["reopens"], row["day"]) == (
        "lapse", "spring", 2, "2026-03-05",
    )  # fmt: skip


def test_only_the_owners_that_are_shown() -> None:
    found = todo(storied_run("owls"))
    assert [one["name"] for one in found["owners"]] == ["owls"]
    run = msgspec.structs.replace(open_(), owners=(OwnerShare("owls", "", {}),))
    assert todo(run)["is_owned"] is True
