"""`keypolicy rules` and `keypolicy schema`, as a user runs them."""

import json
from pathlib import Path

import pytest

from scanner.catalogue import TABLES
from scanner.policy.checks import CHECKS
from tests.acceptance.support import ROOT, here

OURS = """\
policy: ours
version: 1.0.0
title: Our keys
rules:
  - id: key-max-age
    title: Keys are replaced within a month
    resource: sentry_key
    severity: high
    check: {max_age: 30d}
    message: "{name} is old"
"""


def test_shipped_rules_and_checks_are_listed(tmp_path: Path) -> None:
    done = here("rules", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "key-max-age" in done.out
    assert "sentry-strict" in done.out
    assert all(f"  {name} " in done.out for name in CHECKS)
    assert max(map(len, done.out.splitlines())) <= 80


def test_policies_of_the_settings_are_listed(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("policies: [sentry-strict]\n")
    data = json.loads(here("rules", "--format", "json", cwd=tmp_path).out)
    assert [policy["name"] for policy in data["policies"]] == ["sentry-strict"]
    assert [check["name"] for check in data["checks"]] == list(CHECKS)


def test_settings_of_another_name_are_told(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yml").write_text("policies: [sentry-strict]\n")
    done = here("rules", cwd=tmp_path)
    assert done.code == 0
    assert "keypolicy.yml is not read" in done.err


def test_the_page_is_the_one_in_docs(tmp_path: Path) -> None:
    done = here("rules", "--format", "markdown", cwd=tmp_path)
    assert done.out == (ROOT / "docs" / "rules.md").read_text("utf-8")


def test_the_page_does_not_depend_on_how_policies_are_named() -> None:
    done = here("rules", "--policy", "policies", "--format", "markdown", cwd=ROOT)
    assert done.out == (ROOT / "docs" / "rules.md").read_text("utf-8")


def test_an_unknown_policy_exits_2(tmp_path: Path) -> None:
    done = here("rules", "--policy", "nowhere", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")


REFUSED = {
    "unknown-column": ("require", "is_activ"),
    "forbidden-function": ("require", "getenv('HOME') = 'a'"),
    "sql-syntax": ("require", "is_active AND"),
    "bad-pattern": ("where", "regexp_matches(name, '(a')"),
    "impossible-value": ("require", "project_id = 'five'"),
    "forbidden-syntax": ("where", "name IN (SELECT name FROM sentry_key)"),
    "bad-message": ("message", "{nam} is old"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_a_scan_refuses_is_not_listed(code: str, tmp_path: Path) -> None:
    key, text = REFUSED[code]
    rule = {"id": "r", "resource": "sentry_key", "severity": "low", "require": "is_active"}
    policy = {"policy": "broken", "version": "1.0.0", "rules": [{**rule, key: text}]}
    (tmp_path / "broken.yaml").write_text(json.dumps(policy))
    listed = here("rules", "--policy", "broken.yaml", cwd=tmp_path)
    scanned = here("scan", "--demo", "--policy", "broken.yaml", cwd=tmp_path)
    assert (listed.code, listed.out) == (scanned.code, scanned.out) == (2, "")
    assert listed.err == scanned.err


@pytest.mark.parametrize("name", ["policy", "policy-tests", "config", "report-v1"])
def test_schemas_are_printed(name: str, tmp_path: Path) -> None:
    done = here("schema", name, cwd=tmp_path)
    assert done.code == 0
    assert "$schema" in json.loads(done.out)


def test_tables_are_described(tmp_path: Path) -> None:
    data = json.loads(here("schema", "tables", cwd=tmp_path).out)
    assert [table["name"] for table in data["tables"]] == list(TABLES)
    assert {
        "name": "is_active",
        "type": "BOOLEAN",
        "description": "Whether the key accepts events",
    } in data["tables"][0]["columns"]
    done = here("schema", "tables", "--format", "markdown", cwd=tmp_path)
    assert "| `is_active` | BOOLEAN |" in done.out


def test_wrong_schemas_exit_2(tmp_path: Path) -> None:
    assert here("schema", "nothing", cwd=tmp_path).code == 2
    assert here("schema", "policy", "--format", "markdown", cwd=tmp_path).code == 2


@pytest.mark.parametrize("verb", ["lint", "test", "rules --policy", "explain key-max-age --policy"])
@pytest.mark.parametrize("word", ["sentry-baseline", "./sentry-baseline", "sentry-baseline/"])
def test_a_folder_called_as_a_shipped_policy_is_meant_by_its_path_alone(
    tmp_path: Path, verb: str, word: str
) -> None:
    folder = tmp_path / "sentry-baseline"
    folder.mkdir()
    (folder / "ours.yaml").write_text(OURS)
    done = here(*verb.split(), word, cwd=tmp_path)
    assert done.code == 0, done.err
    assert ("ours" in done.out + done.err) is (word != "sentry-baseline")
