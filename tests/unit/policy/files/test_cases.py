from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import PolicyError
from scanner.model.outcome import Outcome
from scanner.policy.files.cases import cases_beside, load_cases, policy_beside
from scanner.policy.load import inspect_policies

if TYPE_CHECKING:
    from scanner.policy.files.case_reader import Case

HEAD = "policy: sentry-baseline\nas_of: 2026-01-01T00:00:00Z\ncases:\n"


def _load(folder: Path, text: str) -> tuple[Case, ...]:
    path = folder / "p.test.yaml"
    path.write_text(text, encoding="utf-8")
    return load_cases(path, "p.test.yaml", inspect_policies(["sentry-baseline"]).merged[0])


def _told(folder: Path, text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(PolicyError) as caught:
        _load(folder, text)
    return [
        (problem.code, problem.location.line, problem.location.column)
        for problem in caught.value.problems
    ]


def test_files_lie_beside_each_other() -> None:
    assert cases_beside(Path("a/p.yaml")) == Path("a/p.test.yaml")
    assert policy_beside(Path("a/p.test.yaml")) == Path("a/p.yaml")


def test_the_full_form(tmp_path: Path) -> None:
    (case,) = _load(
        tmp_path,
        HEAD
        + """\
  - name: old keys
    as_of: 2025-01-01T01:00:00+01:00
    params: {max_age: 30d, max_active_keys: 2}
    rows:
      sentry_key:
        - {id: a, is_active: true, rate_limit: {count: 1}, rate_limit_per_second: 1}
        - {id: b}
    expect:
      key-max-age: {a: fail, b: unknown}
    messages:
      key-max-age: {a: It is old}
""",
    )
    assert case.name == "old keys"
    assert case.as_of == datetime(2025, 1, 1, tzinfo=UTC)
    assert case.params == {"max_age": "30d", "max_active_keys": "2"}
    assert [row["id"] for row in case.rows["sentry_key"]] == ["a", "b"]
    first, second = case.expectations
    assert (first.rule, first.table, first.row) == ("key-max-age", "sentry_key", "a")
    assert (first.outcome, first.message) == (Outcome.FAIL, "It is old")
    assert (second.outcome, second.message) == (Outcome.UNKNOWN, None)
    assert (second.location.line, second.location.column) == (12, 33)


def test_the_short_form(tmp_path: Path) -> None:
    (case,) = _load(
        tmp_path,
        HEAD
        + """\
  - name: old keys
    rule: key-max-age
    pass: [{is_active: true}, {id: mine}]
    fail: [{is_active: true}]
    not_applicable: [{is_active: false}]
    messages: {key-max-age: {fail-1: Old}}
""",
    )
    told = [(e.row, e.outcome.value, e.message) for e in case.expectations]
    assert told == [
        ("pass-1", "pass", None),
        ("mine", "pass", None),
        ("fail-1", "fail", "Old"),
        ("not_applicable-1", "not_applicable", None),
    ]
    assert len(case.rows["sentry_key"]) == 4


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("{name: x, rule: key-maxage, pass: [{}]}", [("unknown-rule", 4, 21)]),
        (
            "{name: x, rule: key-max-age, pass: [{is_activ: true}]}",
            [("unknown-column", 4, 42)],
        ),
        ("{name: x, rule: key-max-age, pass: [{is_active: 1}]}", [("wrong-type", 4, 53)]),
        (
            "{name: x, rule: key-max-age, pass: [{date_created: 2026-01-01}]}",
            [("wrong-type", 4, 56)],
        ),
        (
            "{name: x, rule: key-max-age, pass: [{date_created: 2026-13-01T00:00:00Z}]}",
            [("wrong-type", 4, 56)],
        ),
        ("{name: x, rule: key-max-age, pass: [{age_days: 1.5}]}", [("wrong-type", 4, 52)]),
        ("{name: x, rule: key-max-age, pass: [{name: 1}]}", [("wrong-type", 4, 48)]),
        (
            "{name: x, rule: key-max-age, pass: [{rate_limit_per_second: true}]}",
            [("wrong-type", 4, 65)],
        ),
        (
            "{name: x, rule: key-max-age, pass: [{id: a}], fail: [{id: a}]}",
            [("duplicate-row", 4, 58)],
        ),
        ("{name: x, rule: key-max-age}", [("case-form", 4, 5)]),
        ("{name: x, rule: key-max-age, pass: [{}], rows: {}}", [("case-form", 4, 5)]),
        ("{name: x, rows: {sentry_key: [{id: a}]}}", [("case-form", 4, 5)]),
        ("{name: x}", [("case-form", 4, 5)]),
        ("{rule: key-max-age, pass: [{}]}", [("missing-key", 4, 5)]),
        ("{name: x, rule: key-max-age, passes: [{}], pass: [{}]}", [("unknown-key", 4, 34)]),
        (
            "{name: x, rows: {sentry_keys: [{id: a}]}, expect: {key-max-age: {a: pass}}}",
            [("unknown-resource", 4, 22)],
        ),
        (
            "{name: x, rows: {sentry_key: [{id: a}, {name: a}]}, expect: {key-max-age: {a: pass}}}",
            [("missing-key", 4, 44)],
        ),
        ("{name: x, rows: {sentry_key: [{id: a}]}, expect: {}}", [("empty-value", 4, 54)]),
        (
            "{name: x, rows: {sentry_key: [{id: a}]}, expect: {key-max-age: {}}}",
            [("empty-value", 4, 68)],
        ),
        (
            "{name: x, rows: {sentry_key: [{id: a}]}, expect: {nothing: {a: pass}}}",
            [("unknown-rule", 4, 55)],
        ),
        (
            "{name: x, rows: {sentry_key: [{id: a}]}, expect: {key-max-age: {b: pass}}}",
            [("unknown-row", 4, 69)],
        ),
        (
            "{name: x, rows: {sentry_key: [{id: a}]}, expect: {key-max-age: {a: passed}}}",
            [("bad-value", 4, 72)],
        ),
        (
            "{name: x, rule: key-max-age, pass: [{}], messages: {r: {a: hi}}}",
            [("unknown-row", 4, 61)],
        ),
        (
            "{name: x, params: {maxage: 1d}, rule: key-max-age, pass: [{}]}",
            [("unknown-param", 4, 24)],
        ),
        (
            "{name: x, params: {max_age: 1}, rule: key-max-age, pass: [{}]}",
            [("bad-duration", 4, 33)],
        ),
        (
            "{name: x, as_of: yesterday, rule: key-max-age, pass: [{}]}",
            [("bad-format", 4, 22)],
        ),
        (
            "{name: x, as_of: 2026-02-30T00:00:00Z, rule: key-max-age, pass: [{}]}",
            [("bad-time", 4, 22)],
        ),
    ],
)
def test_wrong_cases_are_told(
    tmp_path: Path, case: str, expected: list[tuple[str, int, int]]
) -> None:
    assert _told(tmp_path, f"{HEAD}  - {case}\n") == expected


def test_a_time_is_needed(tmp_path: Path) -> None:
    text = "policy: sentry-baseline\ncases:\n  - {name: x, rule: key-max-age, pass: [{}]}\n"
    assert _told(tmp_path, text) == [("missing-key", 3, 5)]


def test_the_policy_must_be_the_one_beside(tmp_path: Path) -> None:
    text = HEAD.replace("baseline", "strict") + "  - {name: x, rule: key-max-age, pass: [{}]}\n"
    assert _told(tmp_path, text) == [("unknown-policy", 1, 9)]


def test_all_problems_are_told(tmp_path: Path) -> None:
    text = (
        f"{HEAD}  - {{name: x, rule: no, pass: [{{}}]}}\n  - {{name: x, rule: nor, pass: [{{}}]}}\n"
    )
    assert [code for code, _, _ in _told(tmp_path, text)] == ["unknown-rule", "unknown-rule"]


def test_a_mistake_in_a_file_hides_no_other(tmp_path: Path) -> None:
    text = (
        "policy: sentry-baseline\nas_of: 2026-13-01\nfoo: 1\ncases:\n"
        "- {name: a, bar: 2, rule: key-max-age, pass: [{is_activ: true, id: 5}], fail: 3}\n"
        "- {name: b, rule: key-max-age, pass: [{date_create: x}], params: {max_agee: 3d}}\n"
        "- {name: c, name: c, rule: key-max-age, fail: [{is_active: 'yes'}]}\n"
        "- {name: d, expect: {key-max-agee: {a: pass}}}\n"
    )
    told = {(code, line) for code, line, _ in _told(tmp_path, text)}
    assert told == {
        ("bad-format", 2),
        ("unknown-key", 3),
        ("unknown-key", 5),
        ("wrong-type", 5),
        ("unknown-column", 5),
        ("unknown-column", 6),
        ("unknown-param", 6),
        ("duplicate-key", 7),
        ("wrong-type", 7),
        ("case-form", 8),
        ("unknown-rule", 8),
    }
