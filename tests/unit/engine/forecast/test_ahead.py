"""What falls due, and when: boundaries, waivers, a baseline, errors, and what never moves."""

import json
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest

from scanner.base.text import timestamp
from scanner.engine.database import Connection, time_limit
from scanner.engine.forecast import ahead, courses
from scanner.engine.judge.facts import EvaluatedFacts
from scanner.model.finding import Due, DueReason, Forecast, Place
from scanner.model.outcome import Outcome
from scanner.pipeline import ScanRequest, scan
from scanner.triage.interface import TriageRequest
from tests.unit.engine.forecast.worlds import (
    AS_OF,
    KEYS,
    PROJECTS,
    Record,
    baseline,
    by_forecast,
    by_scans,
    request_of,
    save,
)

FAIL, UNKNOWN, PASS = Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS


class World:
    """An inventory, a policy and waivers in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.keys: list[Record] = []
        self.waivers: list[dict[str, object]] = []
        self.rules: list[str] = []

    def key(self, days: float | None, **more: object) -> None:
        made = {} if days is None else {"dateCreated": timestamp(AS_OF - timedelta(days=days))}
        one = {"id": f"k{len(self.keys)}", "name": "web", "isActive": True, "projectId": 1}
        self.keys.append({**one, **made, **more})

    def waiver(self, expires: int, match: object, created: int = -30) -> None:
        days = {"created": created, "expires": expires}
        self.waivers.append(
            {
                "id": f"w{len(self.waivers)}",
                "rule": [f"r{n}" for n in range(len(self.rules))],
                "match": match,
                **dict.fromkeys(("reason", "owner", "approved_by"), "ann"),
                **{name: str(AS_OF.date() + timedelta(days=n)) for name, n in days.items()},
            }
        )

    def request(self) -> ScanRequest:
        records = {PROJECTS: [{"id": "1", "slug": "p1"}], KEYS: self.keys}
        source = save(records, self._folder / "inventory.jsonl")
        rules = [
            {"id": f"r{n}", "title": "T", "resource": "sentry_key", "severity": "high", **one}
            for n, one in enumerate({"require": text} for text in self.rules)
        ]
        policy = self._folder / "mine.yaml"
        document = {"policy": "mine", "version": "1.0.0", "title": "T", "rules": rules}
        policy.write_text(json.dumps(document), "utf-8")
        waivers = self._folder / "waivers.yaml"
        waivers.write_text(json.dumps({"waivers": self.waivers}), "utf-8")
        return request_of(source, [str(policy)], TriageRequest(waivers=waivers))

    def forecast(self, days: int = 30) -> Forecast:
        with scan(request_ahead(self.request(), days)) as run:
            assert run.forecast is not None
            return run.forecast


def request_ahead(request: ScanRequest, days: int) -> ScanRequest:
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return ScanRequest(**{**fields, "ahead": days})


def told(dues: tuple[Due, ...]) -> list[tuple[int, str, Outcome, Outcome]]:
    return [(one.day, one.finding.resource.id, one.before, one.finding.outcome) for one in dues]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_day_is_exact_to_the_microsecond(world: World) -> None:
    second = 1 / 86_400
    world.rules = ["date_created >= now() - interval '90 days'"]
    for age in (80, 80 + second, 80 - second, 90, 90 + second):
        world.key(age)
    found = told(world.forecast().dues)
    assert found == [(1, "k3", PASS, FAIL), (10, "k1", PASS, FAIL), (11, "k0", PASS, FAIL),
                     (11, "k2", PASS, FAIL)]  # fmt: skip


def test_a_rule_that_begins_to_be_about_a_key_is_foretold(world: World) -> None:
    world.rules = ["age_days < 5 or name = 'api'"]
    world.key(0.5)
    world.key(0.5, name="api")
    assert told(world.forecast().dues) == [(5, "k0", PASS, FAIL)]


def test_an_outcome_that_gets_worse_twice_is_told_twice(world: World) -> None:
    world.rules = ["case when age_days < 2 then true when age_days >= 4 then false end"]
    world.key(0)
    found = world.forecast().dues
    assert told(found) == [(2, "k0", PASS, UNKNOWN), (4, "k0", PASS, FAIL)]
    assert [one.was_open for one in found] == [None, UNKNOWN]


def test_what_comes_and_goes_is_told_once(world: World) -> None:
    world.rules = ["dayofweek(today()) <> 0"]
    world.key(0)
    assert told(world.forecast().dues) == [(3, "k0", PASS, FAIL)]  # the first Sunday


def test_a_date_after_as_of_comes_to_be_known(world: World) -> None:
    world.rules = ["date_created is null"]
    world.key(-3)
    assert told(world.forecast().dues) == [(3, "k0", PASS, FAIL)]


def test_windows_see_the_rows_of_their_day(world: World) -> None:
    world.rules = ["count(*) filter (where age_days >= 10) over (partition by project_id) < 2"]
    world.key(8)
    world.key(5)
    found = told(world.forecast().dues)
    assert found == [(5, "k0", PASS, FAIL), (5, "k1", PASS, FAIL)]


def test_a_waiver_that_lapses_reopens_what_it_covers(world: World) -> None:
    world.rules = ["age_days < 10"]
    world.key(20)
    world.key(5)
    world.waiver(3, ["k0", "k1"])
    forecast = world.forecast()
    assert told(forecast.dues) == [(4, "k0", FAIL, FAIL), (5, "k1", PASS, FAIL)]
    assert [one.reason for one in forecast.dues] == [DueReason.UNCOVERED, DueReason.BREAKS]
    assert {one.finding.waiver for one in forecast.dues} == {"w0"}
    (lapse,) = forecast.lapses
    assert (lapse.waiver.id, lapse.day, lapse.reopens) == ("w0", 4, 1)
    assert lapse.at.date() == date(2026, 3, 2)


def test_what_a_waiver_covers_to_the_end_is_not_due(world: World) -> None:
    world.rules = ["age_days < 10"]
    world.key(5)
    world.waiver(30, ["k0"])
    forecast = world.forecast()
    assert (forecast.dues, forecast.lapses) == ((), ())
    assert told(world.forecast(31).dues) == [(31, "k0", PASS, FAIL)]


def test_a_predicate_of_a_waiver_moves_too(world: World) -> None:
    world.rules = ["false"]
    world.key(5)
    world.waiver(60, "age_days < 9")
    (due,) = world.forecast().dues
    assert (due.day, due.reason, due.finding.waiver) == (4, DueReason.UNCOVERED, None)


def test_what_a_baseline_has_is_not_due_unless_it_gets_worse(world: World, tmp_path: Path) -> None:
    world.rules = ["case when age_days < 2 then null else age_days < 4 end", "age_days < 0"]
    world.key(0)
    request = world.request()
    path = tmp_path / "known.jsonl"
    known = request_of(request.source, request.policies, baseline(request, path, 0))  # type: ignore[arg-type]
    with scan(request_ahead(known, 9)) as run:
        assert run.forecast is not None
        (due,) = run.forecast.dues
        assert (due.day, due.finding.rule_id, due.finding.outcome) == (4, "r0", FAIL)
        assert due.finding.first_seen == AS_OF


def test_the_message_is_that_of_the_day(world: World) -> None:
    world.rules = ["age_days < 10"]
    world.key(5)
    (due,) = world.forecast().dues
    assert json.loads(bytes(due.finding.evidence)) == {"age_days": 10}


def test_rules_that_do_not_depend_on_the_time_are_not_evaluated_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rules = ["is_active", "name is not null", "count(*) over () < 9"]
    world.key(5)
    monkeypatch.setattr(courses, "outcome_code", None)
    forecast = world.forecast()
    assert (forecast.rules, forecast.moving_rules, forecast.dues) == (3, 0, ())


def test_rules_of_a_table_are_one_statement_for_all_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rules = ["age_days < 10", "age_days < 11", "today() < '2026-03-03'"]
    world.key(5)
    monkeypatch.setattr(courses, "evaluate_alone", None)
    statements: list[float] = []

    def counted(connection: Connection, seconds: float) -> AbstractContextManager[None]:
        statements.append(seconds)
        return time_limit(connection, seconds)

    monkeypatch.setattr(courses, "time_limit", counted)
    assert len(world.forecast(90).dues) == len(world.rules)
    assert len(statements) == 1


def test_a_rule_that_fails_on_some_day_harms_no_other(world: World) -> None:
    # The first fails for one row from the third day on, the second for its whole window.
    world.rules = [
        "case when age_days < 5 then true else cast(name as bigint) > 0 end",
        "sum(case when age_days < 6 then 1 else cast(name as bigint) end) over () > 0",
        "age_days < 7",
    ]
    world.key(2)
    world.key(2, name="7")
    found = by_forecast(world.request(), 6)
    assert {(one.day, one.rule, one.key, one.outcome) for one in found} == {
        (3, "r0", "k0", "error"),
        (4, "r1", "k0", "error"),
        (4, "r1", "k1", "error"),
        (5, "r2", "k0", "fail"),
        (5, "r2", "k1", "fail"),
    }
    assert found == by_scans(world.request(), 6)


def test_the_scan_itself_stays_as_it_is(world: World) -> None:
    world.rules = ["age_days < 10", "date_created is not null"]
    world.key(20)
    world.key(-3)
    world.key(8)
    request = world.request()
    with scan(request) as plain, scan(request_ahead(request, 20)) as ahead:
        assert list(plain.findings) == list(ahead.findings)
        assert plain.results == ahead.results
        assert plain.inventory == ahead.inventory
        assert plain.verdict == ahead.verdict
        assert plain.forecast is None


def test_many_waivers_are_looked_up_at_once_and_asked_only_of_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    asked: list[int] = []
    existing, holds = EvaluatedFacts.existing, ahead._Covering.holds  # noqa: SLF001

    def counted(facts: EvaluatedFacts, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        looked.append(table)
        return existing(facts, table, ids)

    def noted(covering: ahead._Covering, number: int, day: int) -> bool:
        asked.append(number)
        return holds(covering, number, day)

    monkeypatch.setattr(EvaluatedFacts, "existing", counted)
    monkeypatch.setattr(ahead._Covering, "holds", noted)  # noqa: SLF001
    world = World(tmp_path)
    world.rules.append("age_days < 90")
    for number in range(40):
        world.key(100, name=f"n{number}")
        match: object = f"name = 'n{number}'" if number % 2 else [f"k{number}", "gone"]
        world.waiver(number % 7, match)
    found = world.forecast(days=9)
    assert [lapse.reopens for lapse in found.lapses] == [1] * 40
    assert {due.finding.resource.id for due in found.dues} == {f"k{n}" for n in range(40)}
    assert looked == ["sentry_key"]
    # Each of twenty predicates is about one row; asked of all, there were eight hundred for a day.
    assert len(asked) < 20 * 9
