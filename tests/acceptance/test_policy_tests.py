from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from scanner.policy.files.locate import shipped_policies
from tests.acceptance.support import AS_IN_A_TERMINAL, ROOT, here
from tests.unit.authoring.files import write_cases, write_policy

if TYPE_CHECKING:
    from pathlib import Path

RULE = {"r": "where: is_active\nrequire: age_days < 3\nmessage: '{name} is {age_days} days old'"}
GOOD = """\
- name: three days are too many
  rule: r
  pass: [{is_active: true, age_days: 2}]
  fail: [{is_active: true, age_days: 3}]
  unknown: [{}]
  not_applicable: [{is_active: false}]
"""


def test_cases_of_shipped_policies(tmp_path: Path) -> None:
    done = here("test", *shipped_policies(), "--coverage", "--mutate", cwd=tmp_path)
    assert done.code == 0, done.out
    assert done.out.count(" 0 survived") == len(shipped_policies())


def test_good_cases(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(tmp_path, GOOD)
    for path in (".", "p.yaml", "p.test.yaml"):
        done = here("test", path, cwd=tmp_path)
        assert (done.code, done.out, done.err) == (
            0,
            "p: 1 case, 4 outcomes, all as expected\n",
            "",
        )


def test_a_failure_shows_the_difference(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    cases = "- {name: old, rule: r, pass: [{is_active: true, name: web, age_days: 9}]}"
    write_cases(tmp_path, cases)
    done = here("test", "p.yaml", cwd=tmp_path)
    assert done.code == 1
    assert done.out == (
        "p.test.yaml:4:33: old\n"
        "  rule r on row pass-1\n"
        "  - pass\n"
        "  + fail\n"
        '    row: {"is_active": true, "name": "web", "age_days": 9, "title": "web"}\n'
        "p: 1 case, 1 outcome, 1 not as expected\n"
    )


def test_a_message_that_differs_is_a_failure(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(
        tmp_path,
        """\
- name: told
  rows: {sentry_key: [{id: a, name: web, is_active: true, age_days: 9}]}
  expect: {r: {a: fail}}
  messages: {r: {a: web is too old}}
""",
    )
    done = here("test", "p.yaml", cwd=tmp_path)
    assert done.code == 1
    assert "  - message: web is too old\n  + message: web is 9 days old\n" in done.out


def test_names_that_do_not_exist_are_errors(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(tmp_path, "- {name: a, rule: q, pass: [{}]}\n- {name: b, rule: r, pass: [{x: 1}]}")
    done = here("test", "p.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "[unknown-rule]" in done.out
    assert "[unknown-column]" in done.out


def test_a_policy_without_cases_is_a_note_or_an_error(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    done = here("test", "p.yaml", cwd=tmp_path)
    assert (done.code, done.out) == (0, "p: no test cases; write some in p.test.yaml\n")
    assert here("test", "p.yaml", "--require-tests", cwd=tmp_path).code == 2
    assert here("test", "p.yaml", "--coverage", cwd=tmp_path).code == 2


def test_gaps_and_survivors(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(tmp_path, "- {name: a, rule: r, pass: [{is_active: true, age_days: 1}]}")
    done = here("test", "p.yaml", "--coverage", cwd=tmp_path)
    assert done.code == 1
    assert "p.yaml:4:9: rule r has no case that is a fail, unknown or not applicable" in done.out
    done = here("test", "p.yaml", "--mutate", cwd=tmp_path)
    assert done.code == 1
    assert "p.yaml:9:14: no case notices this change of rule r: other boundary" in done.out


def test_junit(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(tmp_path, GOOD)
    assert here("test", "p.yaml", "--junit", "out.xml", cwd=tmp_path).code == 0
    root = ET.parse(tmp_path / "out.xml").getroot()  # noqa: S314 - our own
    assert root.get("tests") == "1"
    done = here("test", "p.yaml", "--junit", "no/such/folder.xml", cwd=tmp_path)
    assert done.code == 2


def test_watch_runs_again_on_change(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE)
    write_cases(tmp_path, GOOD)
    command = [sys.executable, "-c", AS_IN_A_TERMINAL, "test", "p.yaml", "--watch"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stderr is not None
            assert b"all as expected" in running.stdout.readline()
            assert b"waiting" in running.stderr.readline()
            time.sleep(0.3)  # so that the first look is over
            write_policy(tmp_path, {"r": "require: is_activ"})
            assert b"unknown column" in running.stdout.readline()
            assert any(b"waiting" in line for line in running.stderr)
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=30) == 2
        finally:
            running.kill()
