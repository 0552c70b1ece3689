"""Rules that people want to write, in tests/acceptance/fifteen: linted, tested and scanned."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.support import here

RULES: Final = Path(__file__).with_name("fifteen")


def test_they_are_linted_without_a_word(tmp_path: Path) -> None:
    found = here("lint", "--strict", RULES, cwd=tmp_path)
    assert found.code == 0, found.out
    assert (
        "2 policies, 14 rules, 1 file of owners: nothing to complain of." in found.out + found.err
    )


def test_no_mutant_survives(tmp_path: Path) -> None:
    found = here("test", "--mutate", RULES, cwd=tmp_path)
    assert found.code == 0, found.out
    assert found.out.count("0 survived") == len(list(RULES.glob("*.test.yaml")))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("scan")
    done = here(
        *("scan", "--demo", "--policy", RULES, "--param", "most_projects=39"),
        *("--owners", RULES / "owners.yaml", "--format", "json"),
        cwd=folder,
    )
    assert done.code == 3, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_a_limit_for_the_organization_is_one_finding(report: dict[str, Any]) -> None:
    (one,) = (f for f in report["findings"] if f["rule_id"] == "organization-projects")
    assert one["resource"]["type"] == "sentry_organization"
    assert one["outcome"] == "fail"
    assert one["evidence"] == {"project_count": 40}


def test_lists_are_lists_in_the_evidence(report: dict[str, Any]) -> None:
    strict = [f for f in report["findings"] if f["rule_id"] == "strict-teams-rotate"]
    teams = [f["evidence"]["project_teams"] for f in strict if f["outcome"] == "fail"]
    assert teams
    assert all(set(some) & {"payments", "identity"} for some in teams)


def test_no_rule_ends_in_an_error(report: dict[str, Any]) -> None:
    assert {rule["counts"]["error"] for rule in report["rules"]} == {0}


def test_a_scan_of_some_projects_counts_no_organization(tmp_path: Path) -> None:
    sql = "SELECT project_count, key_count FROM sentry_organization"
    done = here("query", sql, "--demo", "--project", "checkout", "--format", "json", cwd=tmp_path)
    assert json.loads(done.out) == [{"project_count": None, "key_count": None}]
