from datetime import timedelta

import pytest

from scanner.base.errors import PolicyError
from scanner.engine.database import seal
from scanner.engine.judge import evaluate as evaluation
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import AT_ONCE, columns_read, prepare
from scanner.model.outcome import Outcome
from tests.unit.engine.support import AS_OF, Row, database, outcomes, rule


def test_true_false_and_null_are_pass_fail_and_unknown() -> None:
    rows: list[Row] = [{"is_active": True}, {"is_active": False}, {"is_active": None}]
    assert outcomes([rule("is_active")], rows) == [["pass", "fail", "unknown"]]


def test_where_decides_whom_a_rule_is_about() -> None:
    rows: list[Row] = [{"is_active": a, "name": "x"} for a in (True, False, None)]
    assert outcomes([rule("name = 'y'", "is_active")], rows) == [
        ["fail", "not_applicable", "unknown"]
    ]


def test_a_failing_rule_harms_no_other_and_only_its_own_rows() -> None:
    rules = [rule("CAST(name AS INTEGER) > 3", name="bad"), rule("is_active", name="good")]
    rows: list[Row] = [
        {"name": "7", "is_active": True},
        {"name": "x", "is_active": True},
        {"name": "1"},
    ]
    assert outcomes(rules, rows) == [["pass", "error", "fail"], ["pass", "pass", "unknown"]]


def test_a_failing_where_harms_only_its_own_rows() -> None:
    rows: list[Row] = [{"name": "x"}, {"name": "7"}, {"name": "1"}, {"name": None}]
    assert outcomes([rule("name = '7'", "CAST(name AS INTEGER) > 3")], rows) == [
        ["error", "pass", "not_applicable", "unknown"]
    ]


def test_where_is_looked_at_before_the_requirement() -> None:
    rows: list[Row] = [{"name": "x", "is_active": False}, {"name": "7", "is_active": True}]
    assert outcomes([rule("CAST(name AS INTEGER) > 3", "is_active")], rows) == [
        ["not_applicable", "pass"]
    ]


def test_a_rule_with_a_window_that_fails_is_an_error_for_every_row() -> None:
    bad = rule("CAST(name AS INTEGER) + count(*) OVER () > 3", name="bad")
    rows: list[Row] = [{"name": "x"}, {"name": "7"}]
    assert outcomes([bad, rule("name = 'x'", name="good")], rows) == [
        ["error", "error"],
        ["pass", "fail"],
    ]


def test_windows_see_rows_that_where_leaves_out() -> None:
    rows: list[Row] = [{"is_active": True, "project_id": 1}, {"is_active": False, "project_id": 1}]
    counting = rule("count(*) OVER (PARTITION BY project_id) = 2", "is_active")
    assert outcomes([counting], rows) == [["pass", "not_applicable"]]


def test_the_error_tells_why() -> None:
    with database([{"id": "a", "name": "x"}]) as connection:
        (one,) = evaluate(connection, prepare(connection, [rule("name::INTEGER = 1")]), AS_OF)
    assert one.counts == {Outcome.ERROR: 1}
    assert "Could not convert" in one.error


@pytest.mark.parametrize("ids", ["abc", "cba", "bca"])
def test_an_error_of_several_rows_tells_of_which_it_is_whatever_their_order(ids: str) -> None:
    rows: list[Row] = [{"id": one, "name": f"{one}-1", "is_active": one != "a"} for one in ids]
    casting = rule("CAST(name AS INTEGER) > 3", "is_active")
    with database(rows) as connection:
        (one,) = evaluate(connection, prepare(connection, [casting]), AS_OF)
    assert one.counts == {Outcome.ERROR: 2, Outcome.NOT_APPLICABLE: 1}
    assert one.error.startswith("first on b: Could not convert string 'b-1' to")


def test_a_rule_that_takes_too_long_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "STATEMENT_SECONDS", 0.0)
    monkeypatch.setattr(evaluation, "RULE_SECONDS", 0.1)
    slow = " + ".join(f"length(regexp_extract(name, '[^a]{{{n + 2}}}'))" for n in range(60))
    rows = [{"id": str(n), "name": "ab" * 400, "is_active": True} for n in range(60)]
    with database(rows) as connection:
        connection.execute("INSERT INTO sentry_key BY NAME SELECT name, id || '-' || i AS id,"
                           " is_active FROM sentry_key, range(500) AS r(i)")  # fmt: skip
        found = evaluate(connection, prepare(connection, [rule(f"{slow} = 0")]), AS_OF)
    assert set(found[0].counts) == {Outcome.ERROR}
    assert "longer than" in found[0].error


def test_many_rules_of_a_table_are_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule("is_active", name=f"r{n}") for n in range(AT_ONCE + 1)]
    monkeypatch.setattr(evaluation, "evaluate_alone", None)
    with database([{"id": "a", "is_active": True}]) as connection:
        found = evaluate(connection, prepare(connection, rules), AS_OF)
    tables = [one.verdicts for one in found]
    assert len(set(tables[:AT_ONCE])) == 1
    assert tables[-1] not in tables[:AT_ONCE]


def test_rules_in_several_statements_keep_to_their_own_outcomes() -> None:
    rules = [
        rule("CAST(name AS INTEGER) = 1" if n == AT_ONCE + 1 else f"id = '{n}'", name=f"r{n}")
        for n in range(2 * AT_ONCE + 2)
    ]
    with database([{"id": str(n), "name": "x"} for n in range(len(rules))]) as connection:
        found = evaluate(connection, prepare(connection, rules), AS_OF)
    one_each = {Outcome.PASS: 1, Outcome.FAIL: len(rules) - 1}
    bad = {Outcome.ERROR: len(rules)}
    assert [one.counts for one in found] == [
        bad if n == AT_ONCE + 1 else one_each for n in range(len(rules))
    ]


def test_rules_over_several_tables_keep_their_order() -> None:
    rules = [
        rule("is_active", name="k1"),
        rule("platform = 'go'", name="p1", resource="sentry_project"),
        rule("name = 'x'", name="k2"),
    ]
    with database([{"id": "a", "is_active": True, "name": "x"}]) as connection:
        connection.execute("INSERT INTO sentry_project (id, platform) VALUES ('1', 'go')")
        found = evaluate(connection, prepare(connection, rules), AS_OF)
    assert [one.prepared.rule.id for one in found] == ["k1", "p1", "k2"]
    assert [one.counts for one in found] == [{Outcome.PASS: 1}] * 3


def test_evaluation_works_in_a_sealed_database() -> None:
    with database([{"id": "a", "is_active": True}]) as connection:
        prepared = prepare(connection, [rule("is_active")])
        seal(connection)
        assert evaluate(connection, prepared, AS_OF)[0].counts == {Outcome.PASS: 1}


def test_durations_are_bound_as_intervals() -> None:
    old = rule("date_created >= now() - $age", params={"age": timedelta(days=90)})
    rows: list[Row] = [{"date_created": AS_OF - timedelta(days=90)},
            {"date_created": AS_OF - timedelta(days=90, seconds=1)}]  # fmt: skip
    assert outcomes([old], rows) == [["pass", "fail"]]


def test_every_problem_of_every_rule_is_told_at_once() -> None:
    rules = [rule("nope", name="a"), rule("is_active", "also_nope", name="b", message="{huh}")]
    with database([]) as connection, pytest.raises(PolicyError) as caught:
        prepare(connection, rules)
    assert [problem.code for problem in caught.value.problems] == ["unknown-column"] * 3


@pytest.mark.parametrize(
    "message", ["{name", "{name!r}", "{name:>9}", "{name.x}", "{name[0]}", "{}"]
)
def test_messages_take_plain_columns_only(message: str) -> None:
    with database([]) as connection, pytest.raises(PolicyError):
        prepare(connection, [rule("is_active", message=message)])


def test_the_columns_that_are_loaded_are_those_that_rules_read() -> None:
    with database([]) as connection:
        light = prepare(connection, [rule("is_active")])
        heavy = prepare(connection, [rule("is_active", message="{dsn}")])
    assert columns_read(light) == {"sentry_key": frozenset({"is_active"})}
    assert columns_read(heavy) == {"sentry_key": frozenset({"is_active", "dsn"})}
