import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import PolicyError, Problem
from scanner.engine.judge.prepare import examine, prepare
from scanner.engine.predicate import vocabulary
from scanner.engine.predicate.culprit import culprit
from scanner.engine.predicate.guard import MAX_LENGTH, MAX_NESTING, Checked, Guard, GuardError
from scanner.model.rule import Predicate
from tests.unit.engine.support import Row, outcomes, predicate, rule, shared

HOSTILE = [
    line.split("\t", 1)
    for line in Path(__file__).with_name("hostile.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def check(text: str, **params: object) -> Checked:
    with shared().cursor() as connection:
        return Guard(connection).check(predicate(text, params), "sentry_key", "p_")  # type: ignore[arg-type]


def refusal(text: str) -> str:
    with shared().cursor() as connection, pytest.raises(PolicyError) as caught:
        prepare(connection, [rule(text)])
    return caught.value.problems[0].code


def test_the_corpus_is_large_enough() -> None:
    assert len(HOSTILE) >= 80


@pytest.mark.parametrize(("code", "text"), HOSTILE)
def test_hostile_predicate_is_refused(code: str, text: str) -> None:
    assert refusal(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2_000 + "true" + ")" * 2_000,
        "not " * 900 + "true",
        "-" * 3_000 + "1 = 1",
        "+ " * 1_900 + "1 = 1",
        "case when true then " * 190 + "true" + " end" * 190,
        " and ".join(["is_active"] * 330),
        " + ".join(["1"] * 1_000) + " = 1",
        "1" * 3_990 + " = 1",
        "'" + "a" * MAX_LENGTH + "' = name",
        "[" * 1_000 + "]" * 1_000 + " is null",
        "name in (" + ", ".join(["'a'"] * 790) + ")",
        "cast(" * 400 + "1" + " as integer)" * 400 + " = 1",
    ],
)
def test_huge_predicate_is_bounded(text: str) -> None:
    with shared().cursor() as connection:
        try:
            prepare(connection, [rule(text)])
        except PolicyError as error:
            assert error.problems  # noqa: PT017 - either outcome is fine, a crash is not


def test_only_regenerated_sql_comes_out() -> None:
    checked = check("IS_ACTIVE and /* a comment */ name like 'x%' -- another\n")
    assert "comment" not in checked.sql
    assert "another" not in checked.sql
    assert set(checked.columns) == {"is_active", "name"}


def test_parameters_are_bound_under_the_prefix() -> None:
    checked = check("name = $a or name in $b or age_days > $c", a="'; drop", b=["x", "y"], c=3)
    assert checked.params == {"p_a": "'; drop", "p__0_b": "x", "p__1_b": "y", "p_c": 3}
    assert "drop" not in checked.sql


def test_membership_in_a_list_keeps_null_unknown() -> None:
    rows: list[Row] = [{"name": "a"}, {"name": "b"}, {"name": None}]
    inside = rule("name in $l", params={"l": ["a"]}, name="inside")
    outside = rule("name not in $l", params={"l": ["a"]}, name="outside")
    empty = rule("name in $l", params={"l": []}, name="empty")
    assert outcomes([inside, outside, empty], rows) == [
        ["pass", "fail", "unknown"],
        ["fail", "pass", "unknown"],
        ["fail", "fail", "fail"],
    ]


LISTS = "list_has_{how}(json_extract_string(rate_limit, '$[*]'), ['a', 'b'])"


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("any", ["pass", "fail", "fail", "unknown", "fail"]),
        ("all", ["pass", "fail", "fail", "unknown", "fail"]),
    ],
)
def test_lists_are_compared_without_building_any(how: str, expected: list[str]) -> None:
    texts = ['["a","b","c"]', "[]", '["c"]', None, '{"a": 1}']
    rows: list[Row] = [{"rate_limit": text} for text in texts]
    assert outcomes([rule(LISTS.format(how=how))], rows) == [expected]


def test_long_lists_are_compared() -> None:
    long = json.dumps([f"scope-{n}" for n in range(20_000)])
    names = ", ".join(f"'s{n}'" for n in range(300))
    text = f"list_has_any(json_extract_string(rate_limit, '$[*]'), [{names}])"
    assert outcomes([rule(text)], [{"rate_limit": long}]) == [["fail"]]


@pytest.mark.parametrize("moment", ["now()", "current_timestamp", "NOW()", '"now"()'])
def test_the_clock_is_as_of(moment: str) -> None:
    checked = check(f"date_created < {moment}")
    assert checked.uses_as_of
    assert "now" not in checked.sql.lower()
    assert "current" not in checked.sql.lower()


@pytest.mark.parametrize("day", ["current_date", "today()"])
def test_the_day_is_that_of_as_of(day: str) -> None:
    assert outcomes([rule(f"{day} = date '2026-03-01'")], [{}]) == [["pass"]]


def test_an_error_points_at_the_column_in_the_file() -> None:
    with pytest.raises(GuardError) as caught:
        check("is_active and is_activ")
    problem = caught.value.problem
    assert (problem.location.line, problem.location.column) == (7, 12 + len("is_active and "))
    assert problem.hint == "Did you mean `is_active`?"


def test_an_error_in_a_later_line_names_that_line() -> None:
    with pytest.raises(GuardError) as caught:
        check("is_active\nand nope")
    assert caught.value.problem.location.line == 8


def test_every_allowed_function_exists_in_the_database() -> None:
    with shared().cursor() as connection:
        found = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()")
        known = {str(name) for (name,) in found.fetchall()}
    made_by_the_parser = {"count_star", "now", "today", "->", vocabulary.GLOBS}
    assert (
        set(vocabulary.FUNCTIONS) | set(vocabulary.WINDOWS)
    ) - known - made_by_the_parser == set()


def test_a_pattern_that_backtracks_elsewhere_is_linear_here() -> None:
    rows: list[Row] = [{"name": "a" * 5_000 + "b"}]
    # A backtracking engine would not come back at all.
    assert outcomes([rule("regexp_matches(name, '(a+)+$')")], rows) == [["fail"]]


@pytest.mark.parametrize(
    "text",
    ["rate_limit->'count'", "rate_limit -> '$.count'", "json_extract(rate_limit, 'count')",
     "rate_limit['count']", "json_extract(rate_limit, '$')->'count'", "(rate_limit)->'count'"],
)  # fmt: skip
def test_a_field_of_json_is_not_a_lambda(text: str) -> None:
    rows: list[Row] = [
        {"rate_limit": '{"count": 1}'},
        {"rate_limit": '{"count": 2}'},
        {"rate_limit": None},
    ]
    assert outcomes([rule(f"cast({text} as varchar) = '1'")], rows) == [["pass", "fail", "unknown"]]
    again = check(f"({text}) is null")
    assert check(again.sql).sql == again.sql


def test_items_of_json_are_counted_from_either_end() -> None:
    rows: list[Row] = [{"rate_limit": '["a", "b"]'}]
    texts = ["rate_limit->>0 = 'a'", "(rate_limit->-1) = '\"b\"'::json", "rate_limit->>-1 = 'b'"]
    assert outcomes([rule(text, name=text) for text in texts], rows) == [["pass"]] * 3


@pytest.mark.parametrize(
    "fooled",
    ["'{}' = name and ", "e'\\'{}' = name and ", "/* {} */ ", "/* /* */ {} */ ", "-- {}\n",
     '"{}" = name and ', "$${}$$ = name and ", "$t${}$t$ = name and "],
)  # fmt: skip
def test_brackets_in_texts_and_comments_are_not_nesting(fooled: str) -> None:
    deep = "(" * (MAX_NESTING + 1) + "true" + ")" * (MAX_NESTING + 1)
    assert refusal(fooled.format(")" * 100) + deep) == "predicate-too-deep"
    harmless = [problem_code(fooled.format(b * 100) + "true") for b in "(["]
    assert "predicate-too-deep" not in harmless


WINDOW = '"nullif"(rate_limit_window, 0)'


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("rate_limit_count / rate_limit_window > 1", "(rate_limit_count / {window}) > 1"),
        ("1 / (project_id / 2) > 1", '(1 / "nullif"((project_id / 2), 0)) > 1'),
        ("1 / 0 > 1", '(1 / "nullif"(0, 0)) > 1'),
        ("1 / 0.50 > 1", "(1 / 0.50) > 1"),
        (
            "rate_limit_count / nullif(rate_limit_window, 0) > 1",
            "(rate_limit_count / {window}) > 1",
        ),
        ("sqrt(age_days - 5) > 1", "\"nullif\"(sqrt((age_days - 5)), CAST('nan' AS DOUBLE)) > 1"),
    ],
)
def test_what_has_no_result_is_null_and_keeps_no_bound(text: str, sql: str) -> None:
    with shared().cursor() as connection:
        guard = Guard(connection)
        checked = guard.check(predicate(text), "sentry_key", "")
        assert checked.sql == f"({sql.format(window=WINDOW)})"
        assert guard.check(predicate(checked.sql), "sentry_key", "").sql == checked.sql
        values = "5 AS rate_limit_count, 0 AS rate_limit_window, 0 AS project_id, 3 AS age_days"
        found = connection.execute(f"SELECT {checked.sql} FROM (SELECT {values})").fetchone()
    assert found == (True if "0.50" in text else None,)


def problem_code(text: str) -> str:
    with shared().cursor() as connection:
        try:
            prepare(connection, [rule(text)])
        except PolicyError as error:
            return error.problems[0].code
    return ""


PIECES = st.sampled_from(
    ["is_active", "name", "(", ")", "and", "or", "not", "'", '"', ";", "--", "/*", "*/", "$p", "1",
     "=", "select", "from", "sentry_project", ",", "[", "]", "{", "}", "->", "::", "in", "over",
     "count(*)", "case", "when", "end", "cast", "as", "\n", "\\", "\x00", "é", "try", "*", "."]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=25).map(" ".join))
def test_fuzz_a_predicate_is_refused_or_regenerates_to_itself(text: str) -> None:
    with shared().cursor() as connection:
        guard = Guard(connection)
        given_predicate = predicate(text, {"p": 1})
        try:
            checked = guard.check(given_predicate, "sentry_key", "")
        except GuardError:
            return
        params = {**checked.params}
        again = guard.check(predicate(checked.sql, params), "sentry_key", "")
        assert again.sql == checked.sql
        # A text may say anything; only outside of texts would it be the table.
        assert "sentry_project" not in re.sub("'(?:[^']|'')*'", "''", checked.sql)


@pytest.mark.parametrize("cast", ["CAST(name AS BIGINT) > {}", "name IS NULL OR id::DOUBLE < {}"])
def test_no_culprit_is_looked_for_in_casts_of_columns(
    monkeypatch: pytest.MonkeyPatch, cast: str
) -> None:
    assert refusal(cast.format("'many'")) == "impossible-value"
    monkeypatch.delattr("scanner.engine.judge.prepare.culprit")  # it takes a statement a part
    with shared().cursor() as connection:
        prepare(connection, [rule(cast.format("'3'"))])


def test_literals_behind_a_part_that_rules_share_are_refused() -> None:
    texts = ["name IS NULL OR age_days < 'ninety'", "name IS NULL OR age_days < 'many'"]
    with shared().cursor() as connection, pytest.raises(PolicyError) as caught:
        prepare(connection, [rule(text) for text in texts])
    assert [one.code for one in caught.value.problems] == ["impossible-value"] * 2


def test_of_many_rules_each_culprit_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def counted(asked: Predicate, *others: Any) -> Problem:
        found.append(asked.text)
        return culprit(asked, *others)

    monkeypatch.setattr("scanner.engine.judge.prepare.culprit", counted)
    wrong = [f"age_days < 'x{number}'" for number in range(8)]
    with shared().cursor() as connection:
        sound, told = examine(connection, [rule(text) for text in [*wrong, "is_active"]])
    assert ([one.rule.requirement.text for one in sound], len(told)) == (["is_active"], 8)
    assert found == wrong
