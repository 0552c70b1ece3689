"""The shipped policies: they load, their cases hold, and each rule is complete."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scanner.base.resources import schema_path
from scanner.base.shape.schema import validator
from scanner.base.yamlfile import read_source
from scanner.model.outcome import Outcome
from scanner.policy.files.cases import cases_beside, load_cases
from scanner.policy.files.locate import shipped_policies
from scanner.policy.load import inspect_policies, load_policies
from scanner.providers.sentry.tables.credentials import SCOPES
from tests.unit.policy.sql import outcomes

if TYPE_CHECKING:
    from scanner.model.rule import Rule
    from scanner.policy.files.case_reader import Case

NAMES = sorted(shipped_policies())

# The requirements that a rule may claim to support; what is new here is looked up first.
CONTROLS = {
    "nist-800-53-r5": {"IA-5", "AC-2(3)", "AC-6", "SC-5"},
    "cis-v8": {"5.3", "6.2"},
    "pci-dss-4.0.1": {"7.2.5.1", "8.2.6", "8.6.3"},
    "iso-27001-2022": {"A.5.15", "A.5.16", "A.5.17", "A.5.18"},
    "soc2": {"CC6.1", "CC6.2", "CC6.3"},
    "owasp-asvs-5": {"13.1.4", "13.2.2", "13.3.4"},
    "owasp-api-2023": {"API4:2023"},
}


def _rules() -> list[Any]:
    return [
        pytest.param(rule, id=f"{name}:{rule.id}")
        for name in NAMES
        for rule in load_policies([name])[0].rules
    ]


@cache
def _cases(name: str) -> tuple[Case, ...]:
    merged = inspect_policies([name]).merged[0]
    path = cases_beside(shipped_policies()[name])
    return load_cases(path, f"policies/{path.name}", merged)


def _all_cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}:{case.name}")
        for name in NAMES
        for case in _cases(name)
    ]


def test_the_policies_are_there() -> None:
    assert NAMES == ["sentry-baseline", "sentry-strict", "sentry-tokens"]


@pytest.mark.parametrize(("name", "case"), _all_cases())
def test_case_holds(name: str, case: Case) -> None:
    rules = {rule.id: rule for rule in load_policies([name], case.params)[0].rules}
    for rule_id in {expectation.rule for expectation in case.expectations}:
        expected = {e.row: e.outcome for e in case.expectations if e.rule == rule_id}
        found = outcomes(rules[rule_id], case.rows[rules[rule_id].resource], case.as_of)
        assert {row: found[row] for row in expected} == expected


@pytest.mark.parametrize("rule", _rules())
def test_rule_has_a_case_for_every_outcome(rule: Rule) -> None:
    seen = {
        e.outcome for case in _cases(rule.policy) for e in case.expectations if e.rule == rule.id
    }
    wanted = {Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN}
    if rule.where is not None:
        wanted.add(Outcome.NOT_APPLICABLE)
    assert wanted <= seen


@pytest.mark.parametrize("rule", _rules())
def test_rule_is_complete(rule: Rule) -> None:
    assert rule.title
    assert rule.message
    assert rule.rationale
    summary, _, steps = rule.remediation.partition("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert steps.startswith("1. ")


@pytest.mark.parametrize("rule", _rules())
def test_rule_claims_only_known_controls(rule: Rule) -> None:
    for framework, requirements in rule.controls.items():
        assert set(requirements) <= CONTROLS[framework]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("suffix", "schema"), [(".yaml", "policy"), (".test.yaml", "policy-tests")]
)
def test_file_names_its_schema_and_validates(name: str, suffix: str, schema: str) -> None:
    path = shipped_policies()[name].with_name(name + suffix)
    source = read_source(path, path.name)
    marker = "# yaml-language-server: $schema="
    assert source.lines[0].startswith(marker)
    named = path.parent / source.lines[0].removeprefix(marker)
    assert named.resolve() == schema_path(schema).resolve()
    validator(schema).validate(source.data)


def test_strict_is_stricter_where_it_shares_parameters() -> None:
    baseline = inspect_policies(["sentry-baseline"]).merged[0].parameters
    strict = inspect_policies(["sentry-strict"]).merged[0].parameters
    for name, parameter in baseline.items():
        assert strict[name].value <= parameter.value  # type: ignore[operator]


def test_every_administrative_scope_is_forbidden_to_integrations() -> None:
    forbidden = inspect_policies(["sentry-tokens"]).merged[0].parameters["forbidden_scopes"].value
    assert isinstance(forbidden, list)
    assert {scope for scope in SCOPES if scope.endswith(":admin")} <= {*forbidden}


def test_rules_are_values() -> None:
    assert msgspec.structs.asdict(load_policies(["sentry-baseline"])[0])["version"] == "1.0.0"
