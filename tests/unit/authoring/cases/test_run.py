from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from scanner.authoring.cases.coverage import Coverage, coverage
from scanner.authoring.cases.junit import to_junit
from scanner.authoring.cases.mutate import Mutation, mutate
from scanner.authoring.cases.rows import open_tables
from scanner.authoring.cases.run import TestRun, run_cases
from scanner.authoring.lint.policies import listing_of
from tests.unit.authoring.files import write_cases, write_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scanner.engine.database import Connection


@contextmanager
def _running(
    folder: Path, rules: Mapping[str, str], cases: str, *, head: str = "", **params: str
) -> Iterator[tuple[Connection, TestRun]]:
    path = write_policy(folder, rules, head=head)
    write_cases(folder, cases)
    with open_tables() as connection:
        yield connection, run_cases(connection, [str(path)], params)


def _run(
    folder: Path, rules: Mapping[str, str], cases: str, *, head: str = "", **params: str
) -> list[str]:
    """What is not as expected: rule, row, outcome, message; or the codes of problems."""
    with _running(folder, rules, cases, head=head, **params) as (_, run):
        if run.problems:
            return [one.problem.code for one in run.problems]
        return [
            f"{f.expectation.rule} {f.expectation.row}: {f.answer.outcome} {f.answer.message}"
            for one in run.tested
            for f in one.failures
        ]


def _coverage(folder: Path, rules: Mapping[str, str], cases: str, *, head: str = "") -> Coverage:
    with _running(folder, rules, cases, head=head) as (connection, run):
        return coverage(connection, run.tested[0])


def _mutation(folder: Path, rules: Mapping[str, str], cases: str, *, head: str = "") -> Mutation:
    with _running(folder, rules, cases, head=head) as (connection, run):
        (one,) = run.tested
        assert not one.failures
        return mutate(connection, run.bench, one, listing_of([one.target]))


ACTIVE = {"r": "require: is_active"}


def test_what_is_expected_holds(tmp_path: Path) -> None:
    cases = """\
- name: c
  rule: r
  pass: [{is_active: true}]
  fail: [{is_active: false}]
  unknown: [{}]
"""
    assert _run(tmp_path, ACTIVE, cases) == []


def test_what_is_not_as_expected_is_told(tmp_path: Path) -> None:
    cases = """\
- name: c
  rule: r
  pass: [{is_active: false}, {}]
"""
    told = _run(tmp_path, {"r": "require: is_active\nmessage: '{id} is off'"}, cases)
    assert [line.split(" ", 2)[:3] for line in told] == [
        ["r", "pass-1:", "fail None"],
        ["r", "pass-2:", "unknown None"],
    ]


def test_messages_are_compared(tmp_path: Path) -> None:
    rules = {"r": "require: is_active\nmessage: '{name} is off'"}
    cases = """\
- name: c
  rows: {sentry_key: [{id: a, name: web, is_active: false}, {id: b, name: app}]}
  expect: {r: {a: fail, b: unknown}}
  messages:
    r: {a: web is off, b: 'app: cannot tell, no value for is_active'}
"""
    assert _run(tmp_path, rules, cases) == []
    told = _run(tmp_path, rules, cases.replace("web is off", "web is on"))
    assert told == ["r a: fail web is off"]


def test_rows_of_other_cases_are_out_of_sight(tmp_path: Path) -> None:
    rules = {"r": "where: count(*) over () > 0\nrequire: count(*) over () = 2"}
    cases = """\
- name: two
  rule: r
  pass: [{}, {}]
- name: one
  rule: r
  fail: [{}]
"""
    assert _run(tmp_path, rules, cases) == []


def test_nested_windows_are_kept_apart(tmp_path: Path) -> None:
    require = "case when row_number() over (order by id) = 1 then count(*) over () = 1 end"
    cases = "- {name: a, rule: r, pass: [{}]}\n- {name: b, rule: r, pass: [{}]}"
    assert _run(tmp_path, {"r": f"require: {require}"}, cases) == []


def test_an_error_harms_no_other_case(tmp_path: Path) -> None:
    require = "require: cast(name as integer) > count(*) over ()"
    cases = """\
- {name: good, rule: r, pass: [{name: '5'}]}
- name: bad
  rows: {sentry_key: [{id: a, name: x}]}
  expect: {r: {a: error}}
"""
    assert _run(tmp_path, {"r": require}, cases) == []


def test_each_case_has_its_own_time_and_parameters(tmp_path: Path) -> None:
    head = "params:\n  age: {type: duration, default: 1d}\n"
    rules = {"r": "check: {max_age: $age}"}
    cases = """\
- {name: a, rule: r, fail: [{date_created: 2025-12-30T00:00:00Z}]}
- name: b
  params: {age: 3d}
  rule: r
  pass: [{date_created: 2025-12-30T00:00:00Z}]
- name: c
  as_of: 2025-12-30T12:00:00Z
  rule: r
  pass: [{date_created: 2025-12-30T00:00:00Z}]
"""
    assert _run(tmp_path, rules, cases, head=head) == []
    assert _run(tmp_path, rules, cases, head=head, age="5d") == [
        "r fail-1: pass None",
    ]


def test_a_case_may_give_what_has_no_default(tmp_path: Path) -> None:
    head = "params:\n  days: {type: integer}\n"
    rules = {"r": "require: age_days < $days"}
    given = "- {name: a, params: {days: 3}, rule: r, pass: [{age_days: 2}]}"
    assert _run(tmp_path, rules, given, head=head) == []
    assert _run(tmp_path, rules, "- {name: a, rule: r, pass: [{}]}", head=head) == ["unset-param"]


@pytest.mark.parametrize(
    ("cases", "code"),
    [
        ("- {name: a, rule: q, pass: [{}]}", "unknown-rule"),
        ("- {name: a, rule: r, pass: [{is_activ: true}]}", "unknown-column"),
        ("- {name: a, rule: r, pass: [{is_active: 1}]}", "wrong-type"),
        ("- {name: a, rule: r, passed: [{}]}", "unknown-key"),
        ("- {name: a", "yaml-syntax"),
    ],
)
def test_a_broken_case_is_told_and_nothing_is_run(tmp_path: Path, cases: str, code: str) -> None:
    assert code in _run(tmp_path, ACTIVE, cases)


def test_a_broken_predicate_is_told(tmp_path: Path) -> None:
    cases = "- {name: a, rule: r, pass: [{}]}"
    assert _run(tmp_path, {"r": "require: is_activ"}, cases) == ["unknown-column"]


def test_coverage_names_what_no_case_shows(tmp_path: Path) -> None:
    head = "params:\n  days: {type: integer, default: 3}\n  same: {type: integer, default: 3}\n"
    rules = {
        "r": "where: is_active\nrequire: age_days < $days and age_days < $same",
        "s": "require: name is null",
    }
    cases = """\
- {name: a, rule: r, pass: [{is_active: true, age_days: 2}], unknown: [{}]}
- {name: b, params: {days: 9}, rule: r, pass: [{is_active: true, age_days: 2}]}
- {name: c, rule: s, pass: [{}]}
"""
    found = _coverage(tmp_path, rules, cases, head=head)
    missing = {rule.rule: [one.value for one in rule.missing] for rule in found.rules}
    assert missing == {"r": ["fail", "not_applicable"], "s": ["fail"]}
    assert [name for name, _ in found.never_varied] == ["same"]
    assert found.gaps == 4


def test_coverage_asks_nothing_of_rules_that_are_taken_over(tmp_path: Path) -> None:
    head = "extends: [sentry-baseline]\noverride:\n  key-max-age: {where: name is null}\n"
    found = _coverage(
        tmp_path, ACTIVE, "- {name: a, rule: r, pass: [{is_active: true}]}", head=head
    )
    assert [rule.rule for rule in found.rules] == ["key-max-age", "r"]


EDGE = {"r": "where: is_active\nrequire: age_days < 3"}


def test_mutants_that_no_case_notices_are_named(tmp_path: Path) -> None:
    cases = """\
- name: a
  rule: r
  pass: [{is_active: true, age_days: 1}]
  fail: [{is_active: true, age_days: 9}]
  not_applicable: [{is_active: false}]
"""
    found = _mutation(tmp_path, EDGE, cases)
    changes = {(one.what, one.location.line, one.location.column) for one in found.survivors}
    assert changes == {("other boundary", 9, 14), ("other constant", 9, 25)}
    assert found.killed == found.made - len(found.survivors)
    assert all("age_days" in one.sql for one in found.survivors)


def test_good_cases_notice_every_mutant(tmp_path: Path) -> None:
    cases = """\
- name: a
  rule: r
  pass: [{is_active: true, age_days: 2}]
  fail: [{is_active: true, age_days: 3}]
  not_applicable: [{is_active: false}]
"""
    found = _mutation(tmp_path, EDGE, cases)
    assert (found.made, found.survivors) == (5, ())


def test_parameters_are_moved_by_a_unit(tmp_path: Path) -> None:
    head = "params:\n  age: {type: duration, default: 1d}\n"
    rules = {"r": "check: {max_age: $age}"}
    loose = """\
- name: a
  rule: r
  pass: [{date_created: 2025-12-31T12:00:00Z}]
  fail: [{date_created: 2025-12-30T12:00:00Z}]
"""
    found = _mutation(tmp_path, rules, loose, head=head)
    assert {one.what for one in found.survivors} == {
        "other boundary",
        "$age: a second less",
        "$age: a second more",
    }
    tight = loose.replace("31T12:00:00Z", "31T00:00:00Z").replace("30T12:00:00Z", "30T23:59:59Z")
    assert _mutation(tmp_path, rules, tight, head=head).survivors == ()


def test_mutants_that_are_the_same_are_run_once(tmp_path: Path) -> None:
    rules = {"r": "require: is_active and is_active"}
    cases = "- {name: a, rule: r, pass: [{is_active: true}], fail: [{is_active: false}]}"
    found = _mutation(tmp_path, rules, cases)
    assert found.equivalent == 1


def test_a_rule_without_a_case_is_not_mutated_but_named(tmp_path: Path) -> None:
    rules = {**ACTIVE, "s": "require: is_active"}
    cases = "- {name: a, rule: r, pass: [{is_active: true}], fail: [{is_active: false}]}"
    assert _mutation(tmp_path, rules, cases).untested == ("s",)


@pytest.mark.parametrize("name", ["sentry-baseline", "sentry-strict"])
def test_cases_of_shipped_policies_notice_every_mutant(name: str) -> None:
    with open_tables() as connection:
        run = run_cases(connection, [name], {})
        (one,) = run.tested
        assert one.failures == []
        assert coverage(connection, one).gaps == 0
        found = mutate(connection, run.bench, one, listing_of([one.target]))
        assert found.survivors == ()
        assert found.made > 50


def test_results_as_junit(tmp_path: Path) -> None:
    cases = """\
- {name: "good <&> \\x08", rule: r, pass: [{is_active: true}]}
- {name: bad, rule: r, pass: [{is_active: false}]}
"""
    with _running(tmp_path, ACTIVE, cases) as (_, run):
        root = ET.fromstring(to_junit(run.tested))  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    good, bad = root.findall("testsuite/testcase")
    assert (good.get("name"), good.find("failure")) == ("good <&> \N{REPLACEMENT CHARACTER}", None)
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "r on pass-1: fail, not pass"
    assert (bad.get("line"), (failure.text or "").splitlines()[1:]) == ("5", ["- pass", "+ fail"])
