"""Cases of an override: other thresholds and severities for some rows, the first that fits."""

import json
from pathlib import Path

import pytest

from scanner.base.errors import PolicyError
from scanner.model.outcome import Severity
from scanner.policy.load import load_policies
from tests.acceptance.support import keypolicy

HEAD = """\
policy: ours
version: 1.0.0
title: Ours
extends: [sentry-baseline]
params:
  apps: {type: strings, default: [ferry-ios, ferry-android], description: Projects of the apps}
  mild: {type: string, default: low, enum: [low, medium], description: How bad old ones are}
override:
  key-max-age:
    params: {max_age: 120d}
    cases:
"""
CASES = """\
      - name: mobile
        when: project_slug IN $apps -- those in the shops
        severity: critical
        params: {max_age: 30d}
      - name: legacy
        when: project_slug LIKE 'legacy-%'
        severity: $mild
        params: {max_age: 2000d}
      - {name: late, when: "project_slug LIKE '%-ios'", severity: medium}
"""


def written(folder: Path, cases: str = CASES) -> Path:
    path = folder / "ours.yaml"
    path.write_text(HEAD + cases, encoding="utf-8")
    return path


def scanned(path: Path, *more: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Return the findings about age: by rule, by key, severity and project."""
    scan = ("scan", "--demo", "--as-of", "2026-07-01", "--policy", path.name, "--format", "json")
    done = keypolicy(*scan, *more, cwd=path.parent)
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for one in json.loads(done.out)["findings"]:
        if one["rule_id"].startswith("key-max-age"):
            where = (one["severity"], one["resource"]["project"])
            found.setdefault(one["rule_id"], {})[one["resource"]["id"]] = where
    return found


def test_each_row_is_judged_by_the_first_case_that_fits(tmp_path: Path) -> None:
    found = scanned(written(tmp_path))
    assert {one[0] for one in found["key-max-age-mobile"].values()} == {"critical"}
    apps = {"ferry-ios", "ferry-android"}
    assert {one[1] for one in found["key-max-age-mobile"].values()} == apps
    assert found["key-max-age-legacy"].keys()
    assert {one[0] for one in found["key-max-age-legacy"].values()} == {"low"}
    # The last one fits only what the first has taken already.
    assert "key-max-age-late" not in found
    rest = found["key-max-age"].values()
    assert {one[0] for one in rest} == {"high"}
    assert not [one for one in rest if one[1] in apps | {"legacy-monolith"}]


def test_no_row_falls_between_the_cases(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "ours.yaml").write_text(HEAD.replace("    cases:\n", ""), encoding="utf-8")
    whole = scanned(plain / "ours.yaml")["key-max-age"]
    same = CASES.replace("max_age: 30d", "max_age: 120d").replace("max_age: 2000d", "max_age: 120d")
    parts = scanned(written(tmp_path, same))
    assert sorted(key for found in parts.values() for key in found) == sorted(whole)


def test_a_condition_that_is_not_known_leaves_the_row_unknown(tmp_path: Path) -> None:
    case = "      - {name: odd, when: 'rate_limit_count > 5', severity: low}\n"
    scan = ("scan", "--demo", "--policy", "ours.yaml", "--format", "json")
    written(tmp_path, case)
    found = json.loads(keypolicy(*scan, cwd=tmp_path).out)["findings"]
    rules = {one["rule_id"] for one in found if one["outcome"] == "unknown"}
    assert {"key-max-age", "key-max-age-odd"} <= rules


def test_a_severity_comes_from_a_parameter(tmp_path: Path) -> None:
    path = written(tmp_path)
    severity = {r.id: r.severity for p in load_policies([str(path)]) for r in p.rules}
    assert severity["key-max-age-legacy"] is Severity.LOW
    (policy,) = load_policies([str(path)], {"mild": "medium"})
    assert {r.severity for r in policy.rules if r.id == "key-max-age-legacy"} == {Severity.MEDIUM}


@pytest.mark.parametrize(
    ("cases", "code", "place"),
    [
        ("      - {name: a, when: project_slg = 'x'}\n", "unknown-column", (12, 25)),
        ("      - {name: a, when: is_active, severity: hgh}\n", "bad-value", (12, 46)),
        ("      - {name: a, when: is_active, severity: $nope}\n", "unknown-param", (12, 46)),
        ("      - {name: a, when: is_active, severity: $apps}\n", "param-type", (12, 46)),
        ("      - {name: a}\n", "missing-key", (12, 9)),
        ("      - {name: A b, when: is_active}\n", "bad-format", (12, 16)),
        (
            "      - {name: a, when: age_days > $max_age, params: {max_age: 1d}}\n",
            "changed-param",
            (12, 36),
        ),
        (
            "      - {name: a, when: is_active}\n      - {name: a, when: is_active}\n",
            "duplicate-rule",
            (13, 16),
        ),
    ],
)
def test_mistakes_are_told_at_their_place(
    tmp_path: Path, cases: str, code: str, place: tuple[int, int]
) -> None:
    path = written(tmp_path, cases)
    done = keypolicy("lint", path.name, "--format", "json", cwd=tmp_path)
    assert done.code == 2
    told = json.loads(done.out)
    told = told["diagnostics"] if isinstance(told, dict) else told
    assert [(one["code"], one["line"], one["column"]) for one in told if one["code"] == code] == [
        (code, *place)
    ]


def test_a_rule_by_the_name_of_a_case_is_told_where_the_case_is(tmp_path: Path) -> None:
    own = "{id: key-max-age-a, resource: sentry_key, severity: low, require: is_active}"
    path = written(tmp_path, f"      - {{name: a, when: is_active}}\nrules:\n  - {own}\n")
    with pytest.raises(PolicyError) as caught:
        load_policies([str(path)])
    assert f"is already in {path}:12:25" in str(caught.value)


def test_lint_is_content_and_the_merged_text_asks_the_same(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert keypolicy("lint", path.name, "--strict", cwd=tmp_path).code == 0
    merged = keypolicy("explain", "--policy", path.name, "--merged", cwd=tmp_path)
    assert merged.code == 0
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "ours.yaml").write_text(merged.out, encoding="utf-8")
    assert scanned(alone / "ours.yaml") == scanned(path)


def test_a_parameter_that_is_no_severity_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text("utf-8").replace(", enum: [low, medium]", ""), encoding="utf-8")
    with pytest.raises(PolicyError, match="no severity"):
        load_policies([str(path)], {"mild": "awful"})
