"""The forecast as JSON, held against its schema, and as lines for people."""

import json
from datetime import timedelta

import jsonschema
import msgspec
import pytest

from scanner.base.resources import schema_path
from scanner.base.text import columns
from scanner.model.finding import DueReason, Forecast
from scanner.model.run import Run
from scanner.report.forecast.agenda import agenda
from scanner.report.forecast.document import document, forecast_schema
from scanner.report.interface import ReportOptions
from tests.unit.report.factory import clean_run
from tests.unit.report.forecast.test_calendar import AS_OF, HOSTILE, due, forecast, lapse


@pytest.fixture
def run() -> Run:
    return clean_run()


def test_the_schema_that_ships_is_made_of_the_types() -> None:
    assert schema_path("forecast").read_text("utf-8") == forecast_schema(), "make schemas"


def test_a_document_is_as_its_schema_says(run: Run) -> None:
    made = forecast(due(), due(HOSTILE, day=9), lapses=(lapse(),))
    told = json.loads(document(run, made))
    schema = json.loads(forecast_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(told)
    assert [one["date"] for one in told["due"]] == ["2026-03-04", "2026-03-10"]
    assert told["by_week"] == [
        {"starts": "2026-03-02", "due": 1, "waivers": 1},
        {"starts": "2026-03-09", "due": 1, "waivers": 0},
    ]
    assert told["by_severity"] == {"low": 0, "medium": 0, "high": 2, "critical": 0}
    assert told["by_project"] == [
        {"organization": "acme", "project": "shop", "due": 2, "next": "2026-03-04"}
    ]
    assert told["waivers"][0]["reopens"] == 2
    broken = {**told, "due": [{**told["due"][0], "outcome": "bad"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def shown(run: Run, made: Forecast, **options: object) -> list[str]:
    chosen = msgspec.structs.replace(ReportOptions(width=100), **options)
    return list(agenda(run, made, ("within 14 days: a reason",), chosen))


def test_people_are_told_by_week_and_by_project(run: Run) -> None:
    back = msgspec.structs.replace(due("api", waiver="legacy"), reason=DueReason.UNCOVERED)
    lines = shown(run, forecast(due(), back, due("later", day=9), lapses=(lapse(),)))
    assert lines[0] == "FORECAST: 3 findings due within 30 days (to 2026-03-31), 1 waiver to lapse"
    assert "  - within 14 days: a reason" in lines
    text = "\n".join(lines)
    assert "Week of 2026-03-02: 2 findings due\n" in text
    assert "  2026-03-04  high  shop  web  key-max-age\n" in text
    assert "  2026-03-04  high  shop  api  key-max-age (waiver legacy ends)\n" in text
    assert "  2026-03-10  high  shop  later  key-max-age\n" in text
    assert "  shop  3 due  the first on 2026-03-04" in text
    assert "  2026-03-05  legacy  lapses and reopens 2 findings  owner: ann" in text


def test_a_week_of_many_is_cut_unless_all_are_wanted(run: Run) -> None:
    made = forecast(*(due(f"k{n}") for n in range(14)))
    assert "  ... and 4 more (-v shows all)" in shown(run, made)
    assert sum("key-max-age" in line for line in shown(run, made, verbose=True)) == 14
    assert len(shown(run, made, quiet=True)) < 4


def test_hostile_names_are_harmless_in_a_terminal(run: Run) -> None:
    lines = shown(run, forecast(due(HOSTILE), lapses=(lapse(owner=HOSTILE),)))
    assert all(columns(line) <= 100 for line in lines)
    assert not any("\x1b" in line or "\n" in line or "\u202e" in line for line in lines)


def test_days_are_those_of_utc(run: Run) -> None:
    late = msgspec.structs.replace(due(), at=AS_OF + timedelta(hours=11, minutes=59))
    assert json.loads(document(run, forecast(late)))["due"][0]["date"] == "2026-03-01"
