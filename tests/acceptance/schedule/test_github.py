"""GitHub Actions: a scan a day, its history in a branch, an issue that opens and closes itself."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.schedule.machine import (
    EXAMPLES,
    PACKAGE,
    POLICY,
    Machine,
    Repository,
)
from tests.acceptance.support import Result

EXAMPLE = EXAMPLES / "github-actions-scheduled.yml"
WORKFLOW: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
JOBS: dict[str, Any] = WORKFLOW["jobs"]

_GH = """\
cd "$ISSUES"
case "$1 $2" in
  "issue list") cat number 2> /dev/null || true ;;
  "issue create" | "issue edit") echo 7 > number; for body; do :; done; cat "$body" > body ;;
  "issue close") rm number ;;
esac"""


class GitHub:
    """Runs jobs as GitHub does: a folder for each, outputs, artifacts, and a token where asked.

    Which jobs run is decided by their own `if`, as far as it is about the scan's outputs.
    """

    def __init__(self, host: Machine) -> None:
        self.host = host
        self.repository = Repository(host, EXAMPLE)
        self.issues = host.root / "issues"
        self.issues.mkdir()
        # Its arguments are files beside the job; it works in its own folder.
        host.command("gh", _GH.replace('cat "$body"', 'cat "$OLDPWD/$body"'))
        self.artifacts = host.root / "artifacts"
        self.outputs: dict[str, str] = {}
        self.summary = ""
        self.number = 0

    def start(self) -> dict[str, Result]:
        """Run the workflow, and return what became of each job that was not left out."""
        self.number += 1
        shutil.rmtree(self.artifacts, ignore_errors=True)
        self.outputs = {}
        done: dict[str, Result] = {}
        for name, job in JOBS.items():
            if "seen == 'true'" not in job["if"] or self.outputs.get("seen") == "true":
                done[name] = self._job(name, job, done)
        return done

    def _job(self, name: str, job: dict[str, Any], before: dict[str, Result]) -> Result:
        home = self.host.root / f"{name}-{self.number}"
        home.mkdir()
        result = Result(0, "", "")
        for step in job["steps"]:
            if "uses" in step:
                self._action(step["uses"].partition("@")[0], step.get("with", {}), home)
            elif result.code == 0:
                result = self._script(step, home, before)
        if name == "scan" and (home / "output").exists():
            lines = (home / "output").read_text("utf-8").splitlines()
            self.outputs = dict(line.split("=", 1) for line in lines)
            assert set(self.outputs) <= set(job["outputs"])
            self.summary = (home / "summary.md").read_text("utf-8")
        return result

    def _action(self, name: str, given: dict[str, Any], home: Path) -> None:
        if name == "actions/checkout":
            ref = given.get("ref", "main")
            made = self.repository.clone(self.host.root / "checked-out", ref)
            shutil.copytree(made, home / given.get("path", "."), dirs_exist_ok=True)
            shutil.rmtree(made)
        elif name == "actions/upload-artifact":
            source = home / given["path"]
            if source.is_dir() and any(source.iterdir()):
                # Files that are hidden are not taken, as the action does it.
                hidden = shutil.ignore_patterns(".*")
                shutil.copytree(source, self.artifacts / given["name"], ignore=hidden)
        elif name == "actions/download-artifact":
            source = self.artifacts / (given.get("name") or given["pattern"])
            if source.exists() or "name" in given:
                shutil.copytree(source, home / given["path"], dirs_exist_ok=True)
        elif name == "github/codeql-action/upload-sarif":
            sarif = json.loads((home / given["sarif_file"]).read_text("utf-8"))
            assert sarif["version"] == "2.1.0"
        else:
            assert name == "actions/setup-python"

    def _script(self, step: dict[str, Any], home: Path, before: dict[str, Result]) -> Result:
        environment = WORKFLOW["env"] | step.get("env", {})
        given = {name: self._value(text, before) for name, text in environment.items()}
        return self.host.run(
            home,
            *("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]),
            SENTRY_URL=self.host.simulator.url,
            GITHUB_SERVER_URL="https://github.example",
            GITHUB_REPOSITORY="acme/keys",
            GITHUB_RUN_ID=str(self.number),
            GITHUB_OUTPUT=str(home / "output"),
            GITHUB_STEP_SUMMARY=str(home / "summary.md"),
            ISSUES=str(self.issues),
            **given,
        )

    def _value(self, text: str, before: dict[str, Result]) -> str:
        """What an expression of the environment comes to."""
        context, *path = text.removeprefix("${{ ").removesuffix(" }}").split(".")
        if context == "needs":
            job, what = path[:2]
            ended = before.get(job)
            result = "skipped" if ended is None else "failure" if ended.code else "success"
            return self.outputs.get(path[-1], "") if what == "outputs" else result
        known = {"secrets": self.host.secrets(), "vars": {"KEYPOLICY_PACKAGE": PACKAGE}}
        known["github"] = {"token": "ghs_token", "repository": "acme/keys"}
        return known[context][path[0]]


@pytest.fixture
def github(host: Machine) -> GitHub:
    return GitHub(host)


def codes(done: dict[str, Result]) -> dict[str, int]:
    return {name: result.code for name, result in done.items()}


def test_two_days(github: GitHub) -> None:
    first = github.start()
    others = {"scan": 0, "keep": 0, "code-scanning": 0, "issue": 0}
    assert codes(first) == {**others, "verdict": 1}, first
    assert github.summary.startswith("## keypolicy: failed")
    assert (len(github.repository.runs()), github.host.switch.told()) == (1, [""])
    assert (github.issues / "number").exists()
    body = (github.issues / "body").read_text("utf-8")
    assert body.startswith("[The last scan](https://github.example/acme/keys/actions/runs/1) ended")
    assert "Limited" in body
    github.host.mend()
    assert codes(github.start()) == {**others, "verdict": 0}
    runs = github.repository.runs()
    assert len(runs) == 2
    assert runs[1]["previous"] == runs[0]["id"]
    assert github.host.switch.told() == [""]
    assert not (github.issues / "number").exists()
    assert [" ".join(one.split()[:2]) for one in github.host.called("gh")] == [
        *("auth setup-git", "issue list", "label create", "issue create"),
        *("auth setup-git", "issue list", "issue close"),
    ]


def test_gaps_are_kept_and_the_issue_is_brought_up_to_date(github: GitHub) -> None:
    (github.issues / "number").write_text("7\n")
    github.host.hide()
    done = github.start()
    assert codes(done)["verdict"] == 3
    assert (len(github.repository.runs()), github.host.switch.told()) == (1, ["/fail"])
    assert "exit code 3" in (github.issues / "body").read_text("utf-8")
    assert not any(one.startswith("issue create") for one in github.host.called("gh"))


def test_a_wrong_policy_is_told_and_nothing_is_kept(github: GitHub) -> None:
    github.repository.push(POLICY.replace("severity: high", "severity: hihg"))
    done = github.start()
    assert codes(done) == {"scan": 0, "issue": 0, "verdict": 2}
    assert (github.repository.runs(), github.host.switch.told()) == ([], ["/fail"])
    assert "exit code 2" in (github.issues / "body").read_text("utf-8")
    assert github.summary.startswith("keypolicy ended with exit code 2")


def test_a_history_that_cannot_be_kept_is_told(github: GitHub) -> None:
    hook = github.repository.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    github.host.mend()
    done = github.start()
    assert (done["keep"].code != 0, codes(done)["verdict"]) == (True, 0)
    assert github.host.switch.told() == ["/fail"]


def test_nobody_has_more_rights_than_needed() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "scan": {"contents": "read"},
        "keep": {"contents": "write"},
        "code-scanning": {"actions": "read", "contents": "read", "security-events": "write"},
        "issue": {"issues": "write"},
        "verdict": {},
    }
    secrets = {n: set(re.findall(r"secrets\.(\w+)", json.dumps(job))) for n, job in JOBS.items()}
    assert {name: found for name, found in secrets.items() if found} == {
        "scan": {"SENTRY_AUTH_TOKEN"},
        "verdict": {"PING_URL"},
    }
    # What pip installs never runs beside a token that may write.
    assert [n for n, job in JOBS.items() if "pip install" in json.dumps(job)] == ["scan"]


def test_one_at_a_time() -> None:
    assert WORKFLOW["concurrency"] == {"group": "keypolicy-scheduled", "cancel-in-progress": False}
    assert all("timeout-minutes" in job for job in JOBS.values())
