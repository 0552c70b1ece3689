"""Owners, as a user meets them: the file, the setting, rules on owners, and `--owner`."""

import json
from pathlib import Path

import pytest

from tests.acceptance.support import here, report

OWNERS = """\
owners:
  - {owner: payments, contact: pay@example.com, project: ["pay*", checkout]}
  - {owner: mobile, contact: "#mobile", team: [mobile, ios-*]}
  - {owner: null, project: ferry-*}
cases:
  - {project: payroll, owner: payments}
  - {project: payroll, team: [web, mobile], owner: mobile}
  - {project: ferry-ios, team: mobile, owner: null}
  - {organization: acme, name: web, owner: null}
"""
POLICY = """\
policy: owned
version: 1.0.0
title: Owned
rules:
  - id: key-has-owner
    title: Keys have an owner
    resource: sentry_key
    severity: low
    require: owner IS NOT NULL
    message: "{name} is nobody's, not even {owner}"
"""
CASES = """\
policy: owned
as_of: 2026-08-01T00:00:00Z
cases:
  - name: an owner
    rule: key-has-owner
    pass: [{owner: web}]
    fail: [{name: web}]
"""
AS_OF = ("--as-of", "2026-08-01")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "owners.yaml").write_text(OWNERS)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "policy.test.yaml").write_text(CASES)
    return tmp_path


def test_lint_and_test_of_the_file(work: Path) -> None:
    done = here("lint", "owners.yaml", cwd=work)
    assert (done.code, done.out, done.err) == (0, "", "1 file of owners: nothing to complain of.\n")
    done = here("test", "owners.yaml", "--require-tests", "--junit", "j.xml", cwd=work)
    assert (done.code, done.out) == (0, "owners.yaml: 4 cases, all as expected\n")
    assert 'tests="4" failures="0"' in (work / "j.xml").read_text()


def test_a_folder_holds_policies_and_owners(work: Path) -> None:
    done = here("lint", ".", cwd=work)
    assert done.code == 0
    assert "1 policy, 1 rule, 1 file of owners" in done.err
    done = here("test", ".", cwd=work)
    assert (done.code, done.out.count("all as expected")) == (0, 2)
    done = here("scan", "--demo", "--policy", ".", "--owners", "owners.yaml", cwd=work)
    assert done.code == 1
    (work / "policy.yaml").unlink()
    (work / "policy.test.yaml").unlink()
    assert here("lint", ".", cwd=work).code == 0


def test_a_folder_does_not_reach_owners_outside_of_it(work: Path) -> None:
    (work / "policies").mkdir()
    (work / "policies" / "owners.yaml").symlink_to(work / "owners.yaml")
    for verb in ("lint", "test"):
        done = here(verb, "policies", cwd=work)
        assert done.code == 2
        assert "leads out of the folder" in done.err


def test_a_policy_called_owners_is_a_policy(work: Path) -> None:
    (work / "owners.yaml").write_text(POLICY.replace("owner IS NOT NULL", "is_active"))
    (work / "policy.yaml").unlink()
    (work / "policy.test.yaml").unlink()
    assert here("scan", "--demo", "--policy", ".", cwd=work).code == 1
    assert "1 policy, 1 rule:" in here("lint", ".", cwd=work).err


MISTAKES = {
    "projekt: web": ("3:", "Did you mean `project`?"),
    "contact: #web": ("3:", '"#payments"'),
    "project: *-web": ("3:", "A value that starts with * needs quotes."),
    "team: []": ("3:", "this must not be empty"),
    "name: 7": ("3:", 'Put it in quotes: "7".'),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_have_a_place_and_a_remedy(work: Path, line: str) -> None:
    (work / "owners.yaml").write_text(f"owners:\n  - owner: web\n    {line}\n")
    place, remedy = MISTAKES[line]
    done = here("lint", "owners.yaml", cwd=work)
    assert done.code == 2
    assert done.out.startswith(f"owners.yaml:{place}")
    assert remedy in done.out
    done = here("scan", "--demo", "--owners", "owners.yaml", cwd=work)
    assert done.code == 2
    assert f"owners.yaml:{place}" in done.err


def test_an_entry_that_never_wins(work: Path) -> None:
    text = "owners:\n  - {owner: web, project: web}\n  - {owner: all}\n"
    (work / "owners.yaml").write_text(text)
    done = here("lint", "owners.yaml", cwd=work)
    assert done.code == 0
    assert "owners.yaml:2:5: warning: this entry never wins: the one in line 3" in done.out
    assert here("lint", "owners.yaml", "--strict", cwd=work).code == 2


def test_a_case_that_does_not_hold(work: Path) -> None:
    (work / "owners.yaml").write_text(
        OWNERS.replace("payroll, owner: payments", "x, owner: mobile")
    )
    done = here("test", "owners.yaml", "-q", cwd=work)
    assert (done.code, done.out) == (1, "owners.yaml:6:5: project x\n  - mobile\n  + nobody\n")


def test_a_rule_on_owners_needs_the_file(work: Path) -> None:
    arguments = ("scan", "--demo", *AS_OF, "--policy", "policy.yaml", "-o", "r.json")
    done = here(*arguments, cwd=work)
    assert done.code == 2
    assert "policy.yaml:9:14: `owner` is read, and no file says who owns what" in done.err
    assert "--owners FILE" in done.err
    assert not (work / "r.json").exists()
    (work / "keypolicy.yaml").write_text("owners: owners.yaml\n")
    assert here(*arguments, cwd=work).code == 1
    made = report(work / "r.json")
    assert all(one["owner"] is None for one in made["findings"])
    (counts,) = [one["counts"] for one in made["rules"]]
    assert counts["unknown"] == 0
    assert counts["pass"] == 100 - len(made["findings"])


@pytest.mark.parametrize("how", ["flag", "variable", "file"])
def test_the_setting(work: Path, how: str) -> None:
    flags = ("--owners", "owners.yaml") if how == "flag" else ()
    variables = {"KEYPOLICY_OWNERS": "owners.yaml"} if how == "variable" else {}
    if how == "file":
        (work / "keypolicy.yaml").write_text("owners: owners.yaml\n")
    sql = "SELECT DISTINCT owner FROM sentry_key ORDER BY ALL"
    done = here("query", sql, "--demo", "--format", "jsonl", *flags, cwd=work, **variables)
    assert done.code == 0
    assert [json.loads(line)["owner"] for line in done.out.splitlines()] == [
        "mobile",
        "payments",
        None,
    ]


def test_the_setting_reaches_only_its_own_folder(work: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub" / "keypolicy.yaml").write_text("owners: ../owners.yaml\n")
    done = here("scan", "--demo", cwd=work / "sub")
    assert done.code == 2
    assert "leads out of the folder" in done.err


def test_owner_narrows_what_is_shown_and_nothing_else(work: Path) -> None:
    scan = ("scan", "--demo", *AS_OF, "--owners", "owners.yaml")
    whole = here(*scan, "-o", "whole.json", cwd=work)
    narrowed = here(*scan, "--owner", "payments", "-o", "narrowed.json", cwd=work)
    assert whole.code == narrowed.code == 1
    before, after = report(work / "whole.json"), report(work / "narrowed.json")
    assert after["rules"] == before["rules"]
    assert after["gate"] == before["gate"]
    mine = [one for one in before["findings"] if one["owner"] == "payments"]
    assert after["findings"] == mine
    assert mine
    told = f"Shows {len(mine)} of {len(before['findings'])} findings: those of payments"
    assert told in " ".join(narrowed.out.split())
    assert after["summary"]["narrowed"] == {
        "owners": ["payments"],
        "shown": len(mine),
        "total": len(before["findings"]),
    }
    by_owner = {one["owner"]: one for one in before["summary"]["owners"]}
    assert by_owner["payments"]["open"] == len(mine)
    assert by_owner["mobile"]["contact"] == "#mobile"
    assert sum(one["findings"] for one in by_owner.values()) == len(before["findings"])


def test_shares_know_waivers_and_the_baseline(work: Path) -> None:
    scan = ("--demo", *AS_OF, "--owners", "owners.yaml")
    assert here("baseline", "write", *scan, "-o", "base.jsonl", cwd=work).code == 0
    arguments = ("--baseline", "base.jsonl", "-o", "r.json", "--owner", "payments")
    assert here("scan", *scan, *arguments, cwd=work).code == 0
    made = report(work / "r.json")
    for one in made["summary"]["owners"]:
        assert (one["open"], one["baselined"]) == (0, one["findings"])
    assert {one["disposition"] for one in made["findings"]} == {"baselined"}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--owners", "owners.yaml", "--owner", "payment"), "Did you mean `payments`?"),
        (("--owner", "payments"), "--owners FILE"),
        (("--owners", "nosuch.yaml"), "nosuch.yaml: cannot be read"),
        (("--owners", "policy.yaml"), "this is not a file of owners"),
    ],
)
def test_what_is_refused(work: Path, flags: tuple[str, ...], told: str) -> None:
    done = here("scan", "--demo", *flags, "-o", "r.json", cwd=work)
    assert done.code == 2
    assert told in done.err
    assert not (work / "r.json").exists()


def test_an_inventory_without_teams_is_told(work: Path) -> None:
    (work / "keys.json").write_text('[{"id": "a", "projectId": 1}]')
    flags = ("--inventory", "keys.json", "--owners", "owners.yaml")
    done = here("scan", *flags, cwd=work)
    assert "entries go by team, and the inventory tells no project's teams" in done.err


def test_the_digest_does_not_depend_on_owners(work: Path) -> None:
    for name, flags in {"a.json": (), "b.json": ("--owners", "owners.yaml")}.items():
        here("scan", "--demo", *AS_OF, *flags, "-o", name, cwd=work)
    first, second = report(work / "a.json"), report(work / "b.json")
    assert first["inventory"]["digest"] == second["inventory"]["digest"]


def test_explain_knows_owners(work: Path) -> None:
    base = ("explain", "key-has-owner", "--policy", "policy.yaml", "--demo", "--key", "0")
    done = here(*base, cwd=work)
    assert done.code == 2
    assert "--owners FILE" in done.err
    assert here(*base, "--owners", "owners.yaml", cwd=work).code == 0


def test_the_schema_is_printed(work: Path) -> None:
    assert json.loads(here("schema", "owners", cwd=work).out)["title"] == "keypolicy owners"
