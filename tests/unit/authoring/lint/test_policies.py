from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.authoring.diagnostics import to_github, to_json, to_sarif, to_text
from scanner.authoring.lint.policies import Lint, lint
from scanner.base.errors import UsageError
from tests.unit.authoring.files import write_cases, write_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

CASE = "- {name: c, rule: r, pass: [{is_active: true}], fail: [{is_active: false}]}"
SOUND = {"r": "require: is_active"}


def _lint(
    folder: Path, rules: Mapping[str, str], *, head: str = "", cases: str | None = CASE
) -> Lint:
    path = write_policy(folder, rules, head=head)
    if cases is not None:
        write_cases(folder, cases)
    return lint([str(path)], {})


def _told(found: Lint) -> list[tuple[str, str, int, int]]:
    return [
        (
            one.level.value,
            one.problem.code,
            one.problem.location.line,
            one.problem.location.column,
        )
        for one in found.diagnostics
    ]


def _hints(found: Lint) -> list[str]:
    return [one.problem.hint for one in found.diagnostics]


def test_a_sound_policy_is_silent(tmp_path: Path) -> None:
    found = _lint(tmp_path, SOUND)
    assert _told(found) == []
    assert (found.policies, found.rules) == (1, 1)


@pytest.mark.parametrize("name", ["sentry-baseline", "sentry-strict"])
def test_shipped_policies_are_silent(name: str) -> None:
    assert _told(lint([name], {})) == []


def test_missing_cases_are_a_warning(tmp_path: Path) -> None:
    assert _told(_lint(tmp_path, SOUND, cases=None)) == [("warning", "missing-tests", 1, 1)]


def test_a_rule_without_a_case_is_a_warning(tmp_path: Path) -> None:
    found = _lint(tmp_path, {**SOUND, "other": "require: is_active"})
    assert _told(found) == [("warning", "missing-tests", 9, 9)]


def test_missing_remediation_is_a_warning(tmp_path: Path) -> None:
    found = _lint(tmp_path, {"r": "require: is_active\nremediation: ''"})
    assert _told(found) == [("warning", "missing-remediation", 4, 9)]


def test_an_unused_parameter_is_a_warning(tmp_path: Path) -> None:
    head = "params:\n  spare: {type: integer, default: 1}\n"
    assert _told(_lint(tmp_path, SOUND, head=head)) == [("warning", "unused-param", 4, 3)]


def test_parameters_in_checks_and_sql_are_used(tmp_path: Path) -> None:
    head = "params:\n  a: {type: duration, default: 1d}\n  b: {type: string, default: x}\n"
    rules = {
        "r": "require: is_active",
        "s": "where: name <> $b\ncheck: {no_inactive: {grace: $a}}",
    }
    cases = f"{CASE}\n- {{name: d, rule: s, unknown: [{{}}]}}"
    assert _told(_lint(tmp_path, rules, head=head, cases=cases)) == []


def test_controls_are_looked_up(tmp_path: Path) -> None:
    body = """\
require: is_active
controls:
  nist-800-53-r5: [AC-2(3), AC-99, XX-1]
  iso-27001-2022: [A.5.17, A.5.38, A.9.1]
  cis-v8: ["5.3", "6.9", "19.1"]
  soc2: [CC6.1, CC9.9, X1.1]
  pci-dss-4.0.1: [8.6.3, 8.7.1, "13.1"]
  owasp-asvs-5: [13.1.4, 13.5.1, 18.1.1]
  owasp-api-2023: ["API4:2023", "API11:2023"]
  our-own: [anything]
"""
    found = _lint(tmp_path, {"r": body})
    assert {one.problem.code for one in found.diagnostics} == {"unknown-control"}
    names = [one.problem.message.split("`")[1] for one in found.diagnostics]
    assert names == [
        *("AC-99", "XX-1", "A.5.38", "A.9.1", "6.9", "19.1", "CC9.9", "X1.1"),
        *("8.7.1", "13.1", "13.5.1", "18.1.1", "API11:2023"),
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("nist-800-53", "nist-800-53-r5"), ("nist", "nist-800-53-r5"), ("pci", "pci-dss-4.0.1"),
     ("iso27001", "iso-27001-2022"), ("SOC2", "soc2"), ("ours", None), ("ci", None)],
)  # fmt: skip
def test_a_mistyped_framework_is_told(tmp_path: Path, written: str, meant: str | None) -> None:
    found = _lint(tmp_path, {"r": f"require: is_active\ncontrols: {{{written}: [AC-2]}}"})
    assert [code for _, code, _, _ in _told(found)] == ["unknown-framework"] * bool(meant)
    assert _hints(found) == [f"Did you mean `{meant}`?"] * bool(meant)


def test_overrides_without_effect_are_told(tmp_path: Path) -> None:
    head = """\
extends: [sentry-baseline]
override:
  key-max-age: {severity: high, params: {max_rate: 5/s}}
  key-rate-limit: {severity: low}
"""
    found = _lint(tmp_path, SOUND, head=head)
    assert [code for _, code, _, _ in _told(found)] == ["idle-override", "idle-override"]
    assert _told(found)[1][2:] == (5, 42)


def test_a_value_that_an_override_shadows_is_told(tmp_path: Path) -> None:
    head = """\
extends: [sentry-baseline]
params: {max_age: 30d}
override:
  key-max-age: {params: {max_age: 10d}}
"""
    assert _told(_lint(tmp_path, SOUND, head=head)) == [("warning", "shadowed-param", 4, 10)]


def test_reading_a_secret_is_told(tmp_path: Path) -> None:
    found = _lint(tmp_path, {"r": "require: is_active and secret is null"})
    assert _told(found) == [("warning", "empty-column", 8, 28)]


def test_mistakes_in_cases_are_errors(tmp_path: Path) -> None:
    cases = "- {name: c, rule: r, pass: [{is_activ: true}]}\n- {name: d, rule: q, fail: [{}]}"
    found = _lint(tmp_path, SOUND, cases=cases)
    assert _told(found) == [("error", "unknown-column", 4, 32), ("error", "unknown-rule", 5, 21)]
    assert found.diagnostics[0].line.startswith("  - {name: c, rule: r, pass: [{is_activ")


def test_a_broken_rule_is_not_told_twice(tmp_path: Path) -> None:
    found = _lint(tmp_path, {"r": "require: is_active\nseverty: low"})
    assert [code for level, code, _, _ in _told(found) if level == "error"] == ["unknown-key"]


def test_all_kinds_of_errors_are_told_in_one_run(tmp_path: Path) -> None:
    head = "extends: [sentry-baselin]\nparams:\n  days: {type: duration, default: 90}\n"
    rules = {
        "r": "require: is_activ",
        "s": "check: {max_agee: 3d}",
        "t": "require: age_days > 3 and age_days < 2",
        "u": "require: is_active\nmessage: '{nam}'",
    }
    found = _lint(tmp_path, rules, head=head, cases=None)
    errors = [code for level, code, _, _ in _told(found) if level == "error"]
    assert errors == [
        *("unknown-policy", "bad-duration", "unknown-column", "unknown-check"),
        *("never-passes", "unknown-column"),
    ]


def test_a_required_parameter_may_come_from_outside(tmp_path: Path) -> None:
    head = "params:\n  days: {type: integer}\n"
    path = write_policy(tmp_path, {"r": "require: age_days < $days"}, head=head)
    assert "unset-param" in {one.problem.code for one in lint([str(path)], {}).diagnostics}
    assert lint([str(path)], {"days": "3"}).errors == 0


def test_a_folder_is_linted_whole(tmp_path: Path) -> None:
    write_policy(tmp_path, SOUND, name="one")
    write_policy(tmp_path, SOUND, name="two")
    (tmp_path / "gone.test.yaml").write_text("policy: gone\n", encoding="utf-8")
    found = lint([str(tmp_path)], {})
    errors = [one.problem for one in found.diagnostics if one.is_error]
    assert [(one.code, Path(one.location.file).name) for one in errors] == [
        ("no-policy", "gone.test.yaml"),
        ("duplicate-rule", "two.yaml"),
    ]


def test_a_policy_and_the_one_it_extends_are_no_duplicates(tmp_path: Path) -> None:
    write_policy(tmp_path, SOUND, name="one")
    write_policy(tmp_path, {"q": "require: is_active"}, head="extends: [one.yaml]\n", name="two")
    assert lint([str(tmp_path)], {}).errors == 0


def test_cases_stand_for_their_policy(tmp_path: Path) -> None:
    write_policy(tmp_path, {"r": "require: nope"})
    tests = write_cases(tmp_path, CASE)
    found = lint([str(tests), str(tmp_path / "p.yaml")], {})
    assert found.policies == 1
    assert [code for _, code, _, _ in _told(found)] == ["unknown-column"]


@pytest.mark.parametrize("ref", ["nothing.yaml", "nothing", "nothing.test.yaml"])
def test_what_names_nothing_is_a_usage_error(ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        lint([ref], {})
    assert "--policy" not in str(caught.value)


BASE = "params: {days: {type: integer, default: 30}}\n"
AGE = {"k-age": "require: age_days < $days"}


def _overridden(folder: Path, override: str) -> Lint:
    write_policy(folder, AGE, head=BASE, name="base")
    text = f"policy: p\nversion: 1.0.0\nextends: [./base.yaml]\noverride:\n  k-age:\n{override}\n"
    (folder / "p.yaml").write_text(text, "utf-8")
    return lint([str(folder / "p.yaml")], {})


def test_cases_may_take_all_rows_of_the_rule_that_they_are_made_of(tmp_path: Path) -> None:
    cases = (
        "    cases:\n      - {name: on, when: is_active, severity: low}\n"
        "      - {name: off, when: not is_active, severity: high}"
    )
    found = _overridden(tmp_path, cases)
    assert found.errors == 0
    (one,) = [one for one in found.diagnostics if one.problem.code == "never-applies"]
    assert (one.problem.location.line, "`k-age`" in one.problem.message) == (8, True)


@pytest.mark.parametrize(
    ("where", "code"), [("age_days < 10", "never-fails"), ("age_days > 90", "never-passes")]
)
def test_what_an_override_spoils_is_told_where_it_is_written(
    tmp_path: Path, where: str, code: str
) -> None:
    found = [one.problem for one in _overridden(tmp_path, f"    where: {where}").diagnostics]
    (one,) = [one for one in found if one.code == code]
    assert (Path(one.location.file).name, one.location.line) == ("p.yaml", 6)


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    require = "require: ntile(3) over (order by id) = 1 and mode(name) over () = 'a'"
    found = [one.problem for one in _lint(tmp_path, {"r": require}).diagnostics]
    assert [one.message for one in found] == ["The predicate may not call ntile()"]


def test_formats_say_the_same(tmp_path: Path) -> None:
    found = _lint(tmp_path, {"r": "require: is_activ"}).diagnostics
    (one,) = [one for one in found if one.is_error]
    as_json = json.loads(to_json(found))
    assert as_json["diagnostics"][0]["code"] == one.problem.code
    assert as_json["summary"] == {"errors": 1, "warnings": 0}
    result = json.loads(to_sarif(found))["runs"][0]["results"][0]
    assert result["ruleId"] == one.problem.code
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region["startLine"] == one.problem.location.line
    assert to_github(found).startswith(f"::error file={one.problem.location.file}")
    assert to_github(found).count("\n") == 1


def test_the_caret_stands_below_the_place(tmp_path: Path) -> None:
    found = _lint(tmp_path, {"r": "require: name <> 'é' and is_activ"}).diagnostics
    head, line, caret, hint = to_text(found).splitlines()
    assert head.endswith("[unknown-column]")
    assert line[caret.index("^") :].startswith("is_activ")
    assert "is_active" in hint


def test_a_long_line_is_cut_around_the_place(tmp_path: Path) -> None:
    require = "is_active" + " and is_active" * 30 + " and nope" + " and is_active" * 30
    found = _lint(tmp_path, {"r": f"require: {require}"}).diagnostics
    _, line, caret, _ = to_text(found).splitlines()
    assert len(line) < 110
    assert line[caret.index("^") :].startswith("nope")


def test_a_parameter_need_only_be_in_one_of_the_policies(tmp_path: Path) -> None:
    head = "params:\n  days: {type: integer}\n"
    write_policy(tmp_path, {"r": "require: age_days < $days"}, head=head, name="one")
    write_policy(tmp_path, {"s": "require: is_active"}, name="two")
    assert lint([str(tmp_path)], {"days": "3"}).errors == 0
    found = lint([str(tmp_path)], {"days": "3", "x": "1"}).diagnostics
    places = {(one.problem.code, one.problem.location.file) for one in found if one.is_error}
    assert places == {("unknown-param", "--param x")}
