"""GitLab CI: a scheduled pipeline that keeps its scans in a branch."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.schedule.machine import EXAMPLES, POLICY, Machine, Repository
from tests.acceptance.support import Result

EXAMPLE = EXAMPLES / "gitlab-ci.yml"
PIPELINE: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
SCAN, KEEP = PIPELINE["keypolicy:scan"], PIPELINE["keypolicy:keep"]


class GitLab:
    """Runs jobs as a runner does: a clone for each, artifacts, and the variables of its scope."""

    def __init__(self, host: Machine) -> None:
        self.host = host
        self.repository = Repository(host, EXAMPLE)
        self.number = 0
        secrets = host.secrets()
        self.variables = {
            "*": {name: secrets[name] for name in ("SENTRY_URL", "KEYPOLICY_PACKAGE")},
            "keypolicy/scan": {"SENTRY_AUTH_TOKEN": secrets["SENTRY_AUTH_TOKEN"]},
            "keypolicy/history": {"PING_URL": host.switch.url, "HISTORY_TOKEN": "glpat-token"},
        }

    def start(self) -> tuple[Result, Result]:
        """Run the pipeline: the second job runs whatever became of the first."""
        self.number += 1
        home = self.repository.clone(self.host.root / f"scan-{self.number}")
        scan = self._job(SCAN, home)
        after = self.repository.clone(self.host.root / f"keep-{self.number}")
        for path in SCAN["artifacts"]["paths"]:
            if (home / path).is_dir():
                shutil.copytree(home / path, after / path)
        assert SCAN["artifacts"]["when"] == "always"
        dotenv = home / SCAN["artifacts"]["reports"]["dotenv"]
        variables = dict(line.split("=", 1) for line in dotenv.read_text("utf-8").splitlines())
        assert KEEP["rules"][0]["when"] == "always"
        return scan, self._job(KEEP, after, **variables)

    def _job(self, job: dict[str, Any], home: Path, **variables: str) -> Result:
        assert job["environment"]["action"] == "access"
        return self.host.run(
            home,
            *("bash", "-c", "set -eo pipefail\n" + "\n".join(job["script"])),
            **self.variables["*"],
            **self.variables[job["environment"]["name"]],
            **variables,
            CI_PIPELINE_ID=str(self.number),
            CI_SERVER_URL=f"file://{self.repository.path.parent.parent}",
            CI_PROJECT_PATH="acme/keys",
        )


@pytest.fixture
def gitlab(host: Machine) -> GitLab:
    return GitLab(host)


def test_two_days(gitlab: GitLab) -> None:
    scan, keep = gitlab.start()
    assert (scan.code, keep.code) == (1, 0), scan.err + keep.err
    assert (len(gitlab.repository.runs()), gitlab.host.switch.told()) == (1, [""])
    for name in (*SCAN["artifacts"]["reports"].values(), "keypolicy.html"):
        assert (gitlab.host.root / "scan-1" / name).stat().st_size > 0
    gitlab.host.mend()
    scan, keep = gitlab.start()
    assert (scan.code, keep.code) == (0, 0), scan.err + keep.err
    runs = gitlab.repository.runs()
    assert len(runs) == 2
    assert runs[1]["previous"] == runs[0]["id"]
    assert gitlab.host.switch.told() == [""]


def test_gaps_are_kept_and_told_at_once(gitlab: GitLab) -> None:
    gitlab.host.hide()
    scan, keep = gitlab.start()
    assert (scan.code, keep.code) == (3, 0), scan.err + keep.err
    assert (len(gitlab.repository.runs()), gitlab.host.switch.told()) == (1, ["/fail"])


def test_a_wrong_policy_is_told_and_nothing_is_kept(gitlab: GitLab) -> None:
    gitlab.repository.push(POLICY.replace("severity: high", "severity: hihg"))
    scan, keep = gitlab.start()
    assert (scan.code, keep.code) == (2, 1)
    assert "Nothing was kept: the scan ended with 2." in keep.out
    assert (gitlab.repository.runs(), gitlab.host.switch.told()) == ([], ["/fail"])


def test_git_gets_the_token_from_its_environment_alone(tmp_path: Path) -> None:
    script = "\n".join(KEEP["script"])
    (helper,) = re.findall(r"-c credential\.helper='(!.+)'", script)
    done = subprocess.run(
        ["git", "-c", "credential.helper=", "-c", f"credential.helper={helper}", *FILL],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "HISTORY_TOKEN": "glpat-token"},
        input="protocol=https\nhost=gitlab.example.com\n\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "username=keypolicy\npassword=glpat-token\n" in done.stdout
    assert script.count("HISTORY_TOKEN") == 1


FILL = ("credential", "fill")


def test_each_job_has_its_own_secrets() -> None:
    assert "SENTRY_AUTH_TOKEN" not in json.dumps(KEEP)
    assert "HISTORY_TOKEN" not in json.dumps(SCAN)
    names = [job["environment"]["name"] for job in (SCAN, KEEP)]
    head = EXAMPLE.read_text("utf-8").partition("\n.keypolicy:")[0]
    assert names == ["keypolicy/scan", "keypolicy/history"]
    assert [f"scope {name}" in head for name in names] == [True, True]


def test_the_schema_of_gitlab_takes_it(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(EXAMPLE.read_text("utf-8").replace("when: always\n", "when: ever\n", 1))
    for path, code in ((EXAMPLE, 0), (wrong, 1)):
        done = subprocess.run(
            [
                Path(sys.executable).parent / "check-jsonschema",
                "--builtin-schema",
                "vendor.gitlab-ci",
                path,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
