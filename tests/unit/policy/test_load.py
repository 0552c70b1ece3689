from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.given import GivenParams
from scanner.model.outcome import Severity
from scanner.policy.files.locate import unread
from scanner.policy.load import load_policies
from tests.unit.policy.writing import load, load_rule, write


def _problems(refs: list[str], params: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        load_policies(refs, params or {})
    return caught.value.problems


def test_a_rule_keeps_what_is_written(tmp_path: Path) -> None:
    rule = load_rule(
        tmp_path,
        """\
        title: A title
        where: is_active
        require: age_days < 90
        message: "{name} is old"
        rationale: Because.
        remediation: Do it.
        controls: {soc2: [CC6.1]}
        """,
    )
    path = str(tmp_path / "p.yaml")
    assert (rule.id, rule.policy, rule.title, rule.resource) == ("r", "p", "A title", "sentry_key")
    assert rule.severity is Severity.LOW
    assert rule.location == Location(path, 4, 5)
    assert rule.where is not None
    assert (rule.where.text, rule.where.location) == ("is_active", Location(path, 8, 12))
    assert rule.requirement.text == "age_days < 90"
    assert rule.requirement.location == Location(path, 9, 14)
    assert rule.check is None
    assert rule.message == "{name} is old"
    assert rule.controls == {"soc2": ["CC6.1"]}


def test_what_is_left_out_has_a_sensible_default(tmp_path: Path) -> None:
    rule = load_rule(tmp_path, "check: {max_age: 90d}\n")
    assert rule.title == "R"
    assert rule.where is None
    assert rule.check == "max_age"
    assert rule.message == "{name} was created {age_days} days ago, longer than allowed"
    assert rule.requirement.location.line == 7


def test_parameters_are_bound_not_pasted(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        """\
        params:
          days: {type: integer, default: 90}
          names: {type: strings, default: [a, "b'); drop table x; --"]}
          unused: {type: rate, default: 10/s}
        rules:
          - id: r
            resource: sentry_key
            severity: low
            where: age_days > $days
            require: name in $names and label <> '$days' -- not $days either
        """,
    )
    rule = policy.rules[0]
    assert rule.where is not None
    assert rule.where.params == {"days": 90}
    assert rule.requirement.params == {"names": ["a", "b'); drop table x; --"]}
    assert "drop" not in rule.requirement.text


def test_relative_paths_stay_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "rules: [{id: r, resource: sentry_key, severity: low, require: is_active}]\n"
    write(tmp_path, "teams/common/base", body)
    write(tmp_path, "teams/top", "extends: [../teams/common/base.yaml]\n")
    monkeypatch.chdir(tmp_path)
    (policy,) = load_policies(["teams/top.yaml"])
    assert policy.location.file == "teams/top.yaml"
    assert policy.rules[0].location.file == "teams/common/base.yaml"


def test_a_folder_holds_policies_but_not_their_cases(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(
            tmp_path,
            name,
            f"rules: [{{id: {name}, resource: sentry_key, severity: low, require: is_active}}]\n",
        )
    (tmp_path / "a.test.yaml").write_text("nonsense: [", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nonsense", encoding="utf-8")
    assert [policy.name for policy in load_policies([str(tmp_path)])] == ["a", "b"]


def test_the_same_file_twice_is_one_policy(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a", "rules: [{id: a, resource: sentry_key, severity: low, require: is_active}]\n"
    )
    assert len(load_policies([str(path), str(tmp_path), str(path)])) == 1


def test_a_rule_in_two_policies_is_told_once_for_each(tmp_path: Path) -> None:
    body = "rules: [{id: same, resource: sentry_key, severity: low, require: is_active}]\n"
    for name in ("a", "b"):
        write(tmp_path, name, body)
    (problem,) = _problems([str(tmp_path)])
    assert problem.code == "duplicate-rule"
    assert problem.location == Location(str(tmp_path / "b.yaml"), 3, 10)


def test_two_policies_of_one_name_are_told(tmp_path: Path) -> None:
    body = "rules: [{id: %s, resource: sentry_key, severity: low, require: is_active}]\n"
    write(tmp_path, "one/p", body % "a")
    write(tmp_path, "two/p", body % "b")
    (problem,) = _problems([str(tmp_path / "one"), str(tmp_path / "two")])
    assert problem.code == "duplicate-policy"


def test_baseline_and_strict_together_are_told() -> None:
    codes = {problem.code for problem in _problems(["sentry-baseline", "sentry-strict"])}
    assert codes == {"duplicate-rule"}


def test_problems_of_all_files_are_told_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, name, "rules: [{id: 1}]\nauthor: me\n")
    places = [
        (Path(problem.location.file).name, problem.location.line)
        for problem in _problems([str(tmp_path)])
    ]
    assert places == sorted(places)
    assert {file for file, _ in places} == {"a.yaml", "b.yaml"}


@pytest.mark.parametrize(
    "ref", ["sentry-baseline@1", "sentry-baseline@1.0", "sentry-baseline@1.0.0"]
)
def test_a_pinned_version(ref: str, tmp_path: Path) -> None:
    assert load_policies([ref])[0].name == "sentry-baseline"
    assert len(load(tmp_path, f"extends: [{ref}]\n").rules) == 7


def test_a_version_that_there_is_not() -> None:
    with pytest.raises(UsageError, match=r"sentry-baseline is version 1\.0\.0, not 2"):
        load_policies(["sentry-baseline@2"])


def test_a_file_may_be_pinned_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base",
        "rules: [{id: a, resource: sentry_key, severity: low, require: is_active}]\n",
    )
    assert load(tmp_path, "extends: [./base.yaml@1.2]\n").rules[0].id == "a"


@pytest.mark.parametrize(
    ("ref", "remedy"),
    [
        ("sentry-basline", "Did you mean `sentry-baseline`?"),
        ("nothing-like-it", "Shipped policies: sentry-baseline, sentry-strict, sentry-tokens."),
        ("./sentry-baseline", "Did you mean `sentry-baseline`?"),
        ("missing.yaml", "Shipped policies: sentry-baseline, sentry-strict, sentry-tokens."),
    ],
)
def test_what_is_no_policy(ref: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_policies([ref])
    assert remedy in caught.value.remedy
    assert ref in caught.value.message


def test_a_folder_without_policies(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no policy"):
        load_policies([str(tmp_path)])


def test_a_folder_without_policies_tells_the_one_below_that_has_some(tmp_path: Path) -> None:
    for name in (".hidden", "docs", "policies"):
        (tmp_path / name).mkdir()
    (tmp_path / ".hidden" / "a.yaml").touch()
    (tmp_path / "policies" / "a.yaml").touch()
    with pytest.raises(UsageError, match="has no policy") as refusal:
        load_policies([str(tmp_path)])
    assert refusal.value.remedy.endswith(f"{tmp_path / 'policies'} has some: name it.")


@pytest.mark.parametrize("suffix", [".yaml", ".YAML", ".Yml"])
def test_a_policy_in_a_folder_is_not_passed_by_for_its_suffix(tmp_path: Path, suffix: str) -> None:
    """A scan without its rules would be green."""
    rules = "rules: [{id: NAME, resource: sentry_key, severity: low, require: is_active}]\n"
    write(tmp_path, "a", rules.replace("NAME", "one"))
    write(tmp_path, "b", rules.replace("NAME", "two")).rename(tmp_path / f"b{suffix}")
    (tmp_path / f"b.test{suffix}").write_text("cases: []\n")
    found = load_policies([str(tmp_path)])
    assert [rule.id for policy in found for rule in policy.rules] == ["one", "two"]


def test_policies_in_folders_of_a_folder_are_told_until_they_are_read(tmp_path: Path) -> None:
    rules = "rules: [{id: NAME, resource: sentry_key, severity: low, require: is_active}]\n"
    for folder in ("base", "team", "empty", ".hidden"):
        (tmp_path / folder).mkdir()
    for name in ("base/common", "team/strict", ".hidden/x"):
        write(tmp_path, name, rules.replace("NAME", Path(name).name))
    (tmp_path / "empty" / "deployment.yaml").write_text("kind: Deployment\n")
    write(tmp_path, "ours", "extends: [base/common.yaml]\n")
    write(tmp_path, "more", rules.replace("NAME", "more"))

    def told(*refs: str) -> list[str]:
        found = load_policies(refs)
        return unread(refs, [name for policy in found for name, _ in policy.sources])

    (warning,) = told(str(tmp_path))
    assert warning.startswith(f"{tmp_path / 'team'} has policies, too")
    assert told(str(tmp_path), str(tmp_path / "team")) == []
    assert told("sentry-baseline", str(tmp_path / "ours.yaml")) == []


def test_parameters_of_the_command_line(tmp_path: Path) -> None:
    rule = load_policies(["sentry-baseline"], {"max_age": "7d"})[0].rules[0]
    assert rule.requirement.params == {"age": timedelta(days=7)}
    path = write(
        tmp_path,
        "p",
        """\
        params: {names: {type: strings}}
        rules: [{id: r, resource: sentry_key, severity: low, require: name in $names}]
        """,
    )
    (policy,) = load_policies([str(path)], {"names": "a, b"})
    assert policy.rules[0].requirement.params == {"names": ["a", "b"]}


@pytest.mark.parametrize(
    ("params", "code", "hint"),
    [
        ({"max_ages": "7d"}, "unknown-param", "Did you mean `max_age`?"),
        ({"max_age": "7"}, "bad-duration", "Write"),
        ({"max_age": "1h"}, "out-of-range", ""),
        ({"max_active_keys": "many"}, "wrong-type", ""),
    ],
)
def test_wrong_parameters_of_the_command_line(params: dict[str, str], code: str, hint: str) -> None:
    (problem,) = _problems(["sentry-baseline"], params)
    assert problem.code == code
    assert problem.hint.startswith(hint)
    assert problem.location.file == f"--param {next(iter(params))}"


@pytest.mark.parametrize("text", ["7", "x"])
@pytest.mark.parametrize("name", ["max_age", "max_ages"])
def test_a_wrong_parameter_is_told_where_it_was_given(name: str, text: str) -> None:
    place = Location("keypolicy.yaml", 3, 9)
    (problem,) = _problems(["sentry-baseline"], GivenParams({name: text}, {name: place}))
    assert problem.location == place


def test_loading_imports_nothing_heavy() -> None:
    program = (
        "import sys; from scanner.policy.load import load_policies;"
        "load_policies(['sentry-strict']);"
        "print(*({'jsonschema', 'duckdb', 'httpx', 'jinja2', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_settings_in_a_folder_are_not_a_policy(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("fail_on: high\n", "utf-8")
    (tmp_path / "mine.yaml").write_text(
        "policy: mine\nversion: 1.0.0\nextends: [sentry-baseline]\n", "utf-8"
    )
    assert [policy.name for policy in load_policies([str(tmp_path)])] == ["mine"]
