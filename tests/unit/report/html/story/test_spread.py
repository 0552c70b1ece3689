"""What is foretold by week and by project."""

import msgspec

from scanner.report.html.story.spread import PROJECTS, spread
from tests.unit.report.factory import clean_run
from tests.unit.report.storied import AGE, due, forecast, storied_run


def test_weeks_and_projects_with_their_numbers() -> None:
    found = spread(storied_run())
    assert [
        (one["starts"], one["due"], one["waivers"], one["width"]) for one in found["weeks"]
    ] == [
        ("2026-03-02", 2, 1, "100"),
        ("2026-04-13", 1, 0, "50"),
        ("2026-05-18", 1, 0, "50"),
    ]
    assert [(one["place"], one["due"], one["next"]) for one in found["projects"]] == [
        ("acme/web", 3, "2026-03-03"),
        ("acme/mobile", 1, "2026-03-03"),
    ]


def test_only_of_the_owners_that_are_shown() -> None:
    found = spread(storied_run("owls"))
    assert [one["place"] for one in found["projects"]] == ["acme/web"]
    assert sum(one["waivers"] for one in found["weeks"]) == 0


def test_projects_are_bounded_and_counted() -> None:
    run = clean_run()
    dues = [due(AGE, f"{n:02}", 1, project=f"p{n % (PROJECTS + 4):02}") for n in range(100)]
    found = spread(msgspec.structs.replace(run, forecast=forecast(run, *dues)))
    assert len(found["projects"]) == PROJECTS
    assert found["more_projects"] == 4
    assert found["more"] + sum(one["due"] for one in found["projects"]) == 100


def test_without_a_forecast_there_is_none() -> None:
    assert spread(clean_run()) == {"weeks": [], "projects": [], "more_projects": 0, "more": 0}
