from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import Location, PolicyError, Problem
from scanner.model.outcome import Severity
from scanner.policy.load import inspect_policies, load_policies
from tests.unit.policy.writing import load, write

if TYPE_CHECKING:
    from pathlib import Path


def _problems(refs: list[str], params: dict[str, str]) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        load_policies(refs, params)
    return caught.value.problems


def test_the_last_word_on_a_parameter(tmp_path: Path) -> None:
    """Default, policy's own, override, command line: each wins over the ones before."""
    write(
        tmp_path,
        "base",
        """\
        params:
          a: {type: duration, default: 1d}
          b: {type: duration, default: 1d}
          c: {type: duration, default: 1d}
          d: {type: duration, default: 1d}
        rules:
          - id: r
            resource: sentry_key
            severity: low
            require: now() - $a - $b - $c - $d < date_created
        """,
    )
    path = write(
        tmp_path,
        "top",
        """\
        extends: [./base.yaml]
        params: {b: 2d, c: 2d, d: 2d}
        override: {r: {params: {c: 3d, d: 3d}}}
        """,
    )
    (policy,) = load_policies([str(path)], {"d": "4d"})
    values = policy.rules[0].requirement.params
    assert values == {letter: timedelta(days=n) for n, letter in enumerate("abcd", start=1)}


def test_an_override_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    base = load_policies(["sentry-baseline"])[0].rules[0]
    policy = load(
        tmp_path,
        """\
        extends: [sentry-baseline]
        override:
          key-max-age:
            severity: critical
            where: is_active and project_slug <> 'sandbox'
            params: {max_age: 30d}
        """,
    )
    rule = policy.rules[0]
    assert rule.severity is Severity.CRITICAL
    assert rule.where is not None
    assert rule.where.text == "is_active and project_slug <> 'sandbox'"
    assert rule.where.location == Location(str(tmp_path / "p.yaml"), 7, 12)
    assert rule.requirement.params == {"age": timedelta(days=30)}
    assert rule.requirement.location == base.requirement.location
    assert rule.location == base.location
    assert (rule.title, rule.message, rule.controls) == (base.title, base.message, base.controls)
    assert rule.policy == "p"


def test_an_override_may_take_the_condition_away(tmp_path: Path) -> None:
    policy = load(tmp_path, "extends: [sentry-baseline]\noverride: {key-max-age: {where: null}}\n")
    assert policy.rules[0].where is None


def test_an_override_of_one_rule_leaves_the_others_their_value(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base",
        """\
        params: {days: {type: integer, default: 90}}
        rules:
          - {id: one, resource: sentry_key, severity: low, require: age_days < $days}
          - {id: two, resource: sentry_key, severity: low, require: age_days < $days}
        """,
    )
    policy = load(tmp_path, "extends: [./base.yaml]\noverride: {one: {params: {days: 1}}}\n")
    assert [rule.requirement.params for rule in policy.rules] == [{"days": 1}, {"days": 90}]


def test_disabled_rules_are_gone_but_remembered(tmp_path: Path) -> None:
    path = write(
        tmp_path, "p", "extends: [sentry-baseline]\ndisable: {key-max-age: We rotate by hand.}\n"
    )
    inspection = inspect_policies([str(path)])
    assert "key-max-age" not in [rule.id for rule in inspection.policies[0].rules]
    (disabled,) = inspection.merged[0].disabled
    assert disabled.rule.id == "key-max-age"
    assert disabled.reason == "We rotate by hand."
    assert disabled.location == Location(str(path), 4, 11)


def test_own_rules_may_use_inherited_parameters(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        """\
        extends: [sentry-baseline]
        rules:
          - {id: r, resource: sentry_key, severity: low, check: {max_age: $max_age}}
        """,
    )
    assert policy.rules[-1].requirement.params == {"age": timedelta(days=90)}


def test_a_redeclared_parameter_keeps_what_it_does_not_say(tmp_path: Path) -> None:
    path = write(tmp_path, "p", "extends: [sentry-baseline]\nparams: {max_age: {max: 100d}}\n")
    parameter = inspect_policies([str(path)]).merged[0].parameters["max_age"]
    assert parameter.value == timedelta(days=90)
    assert parameter.slot.minimum == timedelta(days=1)
    assert parameter.slot.maximum == timedelta(days=100)
    assert parameter.slot.description.startswith("Longest allowed age")
    problems = _problems([str(path)], {"max_age": "101d"})
    assert [problem.code for problem in problems] == ["out-of-range"]


def test_values_tell_where_they_come_from(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "p",
        """\
        extends: [sentry-baseline]
        params: {max_rate: 5/s}
        override: {key-max-age: {params: {max_age: 7d}}}
        """,
    )
    merged = inspect_policies([str(path)]).merged[0]
    parameters = merged.rules[0].parameters
    assert {name: parameter.origin.value for name, parameter in parameters.items()} == {
        "max_age": "override",
        "inactive_grace": "default",
        "max_rate": "policy",
        "planned_rate_count": "default",
        "max_active_keys": "default",
    }
    assert parameters["max_age"].location == Location(str(path), 5, 44)
    assert parameters["max_rate"].location == Location(str(path), 4, 20)


def test_the_digest_is_of_the_bytes_of_all_files(tmp_path: Path) -> None:
    base = write(tmp_path, "base", "rules: [{id: r, resource: sentry_key, severity: low, "
                 "require: is_active}]\n")  # fmt: skip
    top = write(tmp_path, "top", "extends: [./base.yaml]\n")
    assert load_policies([str(base)])[0].digest == hashlib.sha256(base.read_bytes()).hexdigest()
    both = hashlib.sha256(top.read_bytes() + base.read_bytes()).hexdigest()
    assert load_policies([str(top)])[0].digest == both
