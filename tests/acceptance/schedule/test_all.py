"""What holds for every example of a scheduled scan."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

from tests.acceptance.schedule.machine import EXAMPLES
from tests.acceptance.support import ROOT

DOCS = (ROOT / "docs" / "schedule.md").read_text("utf-8")
WORKFLOW, PIPELINE = EXAMPLES / "github-actions-scheduled.yml", EXAMPLES / "gitlab-ci.yml"
JENKINS, CRONJOB = EXAMPLES / "Jenkinsfile", EXAMPLES / "kubernetes-cronjob.yaml"
DAILY, SERVICE = EXAMPLES / "host" / "keypolicy-daily", EXAMPLES / "host" / "keypolicy.service"
WHOLE = [WORKFLOW, PIPELINE, JENKINS, CRONJOB, DAILY, SERVICE]
IMAGE = re.compile(r"\b((?:docker\.io/library/)?python:\S+?)@sha256:([0-9a-f]{64})\b")


def head(path: Path) -> str:
    """The comment at the beginning, as one line."""
    lines = path.read_text("utf-8").splitlines()
    marks = ("#", "//")
    body = next(n for n, line in enumerate(lines) if not line.startswith(marks))
    return " ".join(line.lstrip("#/ ") for line in lines[:body])


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_it_says_what_it_needs_keeps_and_ends_with(path: Path) -> None:
    told = head(path)
    assert "a Sentry token with org:read and project:read, and nothing more" in told
    assert re.search(r"\bneeds\b", told)
    assert re.search(r"\bkept|keeps\b", told)
    codes = re.findall(r"\b([0-4]) +(compliant|findings|wrong|not everything|internal)", told)
    assert [code for code, _ in codes] == list("01234")
    assert "SENTRY_URL" in path.read_text("utf-8")


@pytest.mark.parametrize("path", [PIPELINE, JENKINS, CRONJOB], ids=lambda path: path.name)
def test_images_are_pinned_to_their_digests(path: Path) -> None:
    text = path.read_text("utf-8")
    named = re.findall(r"^\s*image:? .*$", text, re.MULTILINE)
    assert named
    assert [bool(IMAGE.search(line)) for line in named] == [True] * len(named)


def test_an_image_has_one_digest() -> None:
    digests: dict[str, set[str]] = {}
    for path in WHOLE:
        for name, digest in IMAGE.findall(path.read_text("utf-8")):
            digests.setdefault(name.rpartition("/")[2], set()).add(digest)
    assert {name: len(found) for name, found in digests.items()} == {
        "python:3.13-bookworm": 1,
        "python:3.13-slim": 1,
    }


def test_the_page_has_every_example() -> None:
    for path in EXAMPLES.rglob("*"):
        if path.is_file() and path.name != "github-actions-fix.yml":
            assert f"../{path.relative_to(ROOT)}" in DOCS, path.name


def scripts() -> list[ParameterSet]:
    """What shells run, with the shell."""
    found = [
        pytest.param("sh", one, id=f"Jenkinsfile:{number}")
        for number, one in enumerate(
            re.findall(r"'''(.*?)'''", JENKINS.read_text("utf-8"), re.DOTALL)
        )
    ]
    for path in (WORKFLOW, EXAMPLES / "github-actions-fix.yml"):
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items():
            found += [
                pytest.param("bash", step["run"], id=f"{path.stem}:{name}:{step['name']}")
                for step in job["steps"]
                if "run" in step
            ]
    for name, job in yaml.safe_load(PIPELINE.read_text("utf-8")).items():
        if "script" in job:
            found.append(pytest.param("bash", "\n".join(job["script"]), id=name))
    pod = list(yaml.safe_load_all(CRONJOB.read_text("utf-8")))[-1]
    (install,) = pod["spec"]["jobTemplate"]["spec"]["template"]["spec"]["initContainers"]
    return [*found, pytest.param("sh", install["args"][0], id="kubernetes")]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize(("shell", "script"), scripts())
def test_shellcheck_finds_nothing_in_its_scripts(shell: str, script: str) -> None:
    """As their platforms run them: they end at the first failure.

    SC2016: what git is to call for a password is not expanded, on purpose.
    """
    done = subprocess.run(
        ["shellcheck", "--shell", shell, "--exclude", "SC2016", "-"],
        input="set -e\n" + script.replace("\\\\n", "\\n"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("crontab") is None, reason="cron is not installed")
def test_times_are_times(tmp_path: Path) -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    cronjob = list(yaml.safe_load_all(CRONJOB.read_text("utf-8")))[-1]
    times = [one["cron"] for one in workflow[True]["schedule"]] + [cronjob["spec"]["schedule"]]
    (jenkins,) = re.findall(r"cron\('TZ=Etc/UTC\\n(.*?)'\)", JENKINS.read_text("utf-8"))
    times += [jenkins.replace("H", "17"), *re.findall(r"`([\d* ]+)`", head(PIPELINE))]
    assert len(times) == 4
    table = tmp_path / "crontab"
    table.write_text("".join(f"{time} true\n" for time in times), "utf-8")
    done = subprocess.run(
        ["crontab", "-n", table], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
