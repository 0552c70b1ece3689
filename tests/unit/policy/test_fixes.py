"""`fix` in policies: its arguments, its problems with their places, and what overrides do to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import PolicyError
from scanner.policy.load import load_policies
from tests.unit.policy.writing import load, load_rule, write

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = "check: {rate_limit: true}\n"


def test_arguments_are_typed_and_may_be_parameters(tmp_path: Path) -> None:
    body = """\
    params: {most: {type: integer, default: 500}}
    rules:
      - id: r
        resource: sentry_key
        severity: low
        check: {rate_limit: true}
        fix: {set_rate_limit: {count: $most, window: 10m}}
    """
    (rule,) = load(tmp_path, body).rules
    assert rule.fix is not None
    assert rule.fix.action == "set_rate_limit"
    assert rule.fix.arguments == {"count": 500, "window": timedelta(minutes=10)}
    assert str(rule.fix.location).endswith("p.yaml:9:11")
    (rule,) = load(tmp_path, body, most="7").rules
    assert rule.fix is not None
    assert rule.fix.arguments["count"] == 7


@pytest.mark.parametrize(
    ("fix", "arguments"),
    [
        ("{disable: true}", {}),
        ("{rename: web}", {"to": "web"}),
        ("{set_sdk_version: 8.x}", {"version": "8.x"}),
        ("{set_loader_options: {debug: false}}", {"debug": False}),
    ],
)
def test_short_forms(tmp_path: Path, fix: str, arguments: dict[str, object]) -> None:
    rule = load_rule(tmp_path, f"{LIMIT}fix: {fix}\n")
    assert rule.fix is not None
    assert rule.fix.arguments == arguments


@pytest.mark.parametrize(
    ("fix", "code", "place", "hint"),
    [
        ("{disabel: true}", "unknown-action", "8:11", "Did you mean `disable`?"),
        ("{set_rate_limit: {conut: 1}}", "unknown-argument", "8:28", "Did you mean `count`?"),
        ("{set_rate_limit: {window: 1h}}", "missing-argument", "8:11", "For example"),
        ("{set_rate_limit: {count: 1, window: 2d}}", "out-of-range", "8:46", "Write less."),
        ("{set_rate_limit: {count: 0}}", "out-of-range", "8:35", "Write more."),
        ("{set_rate_limit: {count: $no}}", "unknown-param", "8:35", "parameters"),
        ("{set_sdk_version: '8'}", "out-of-range", "8:28", "the whole value"),
        ("{create: {name: web}}", "action-resource", "8:11", "It is for sentry_project."),
        ("{delete: {now: true}}", "unknown-argument", "8:20", "arguments"),
        ("{disable: true, delete: true}", "too-long", "8:10", "Write one action"),
        ("true", "wrong-type", "8:10", "Write one action"),
    ],
)
def test_a_wrong_fix_is_told_with_its_place(
    tmp_path: Path, fix: str, code: str, place: str, hint: str
) -> None:
    with pytest.raises(PolicyError) as error:
        load_rule(tmp_path, f"{LIMIT}fix: {fix}\n")
    (problem,) = [one for one in error.value.problems if one.code == code] or error.value.problems
    assert problem.code == code
    assert str(problem.location).endswith(f"p.yaml:{place}")
    assert hint.lower() in problem.hint.lower()


BASE = """\
rules:
  - id: one
    resource: sentry_key
    severity: low
    check: {rate_limit: true}
    fix: {set_rate_limit: {count: 1000}}
  - id: two
    resource: sentry_key
    severity: low
    check: {max_age: 90d}
"""


def test_overrides_change_a_fix_and_take_it_away(tmp_path: Path) -> None:
    write(tmp_path, "base", BASE)
    top = "extends: [base.yaml]\noverride: {one: {fix: null}, two: {fix: {disable: true}}}\n"
    one, two = load(tmp_path, top).rules
    assert one.fix is None
    assert two.fix is not None
    assert two.fix.action == "disable"
    assert str(two.fix.location).endswith("p.yaml:4:42")
    one, two = load(tmp_path, "extends: [base.yaml]\n").rules
    assert one.fix is not None
    assert str(one.fix.location).endswith("base.yaml:8:11")
    with pytest.raises(PolicyError, match="there is no action `disabel`"):
        load(tmp_path, "extends: [base.yaml]\noverride: {two: {fix: {disabel: true}}}\n")


def test_a_fix_is_no_part_of_what_is_demanded(tmp_path: Path) -> None:
    with_fix = load_policies([str(write(tmp_path, "p", BASE))], {})[0]
    without = BASE.replace("    fix: {set_rate_limit: {count: 1000}}\n", "")
    bare = load_policies([str(write(tmp_path, "p", without))], {})[0]
    assert with_fix.terms == bare.terms
    assert with_fix.digest != bare.digest
