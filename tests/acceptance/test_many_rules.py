"""The number of rules costs little: neither time nor memory grows with its square."""

import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance.support import ROOT, TWO_KEYS, report

RULES = 400
MOST = 300  # MiB; a square would take 2,400

RULE = """\
  - id: r-{n}
    title: T
    resource: sentry_key
    severity: low
    require: name <> 'n{n}'
"""


def test_hundreds_of_rules_are_judged_in_little_memory(tmp_path: Path) -> None:
    policy = tmp_path / "many.yaml"
    rules = "".join(RULE.format(n=number) for number in range(RULES))
    policy.write_text(f"policy: many\nversion: 1.0.0\ntitle: Many\nrules:\n{rules}", "utf-8")
    arguments = ["--inventory", TWO_KEYS, "--org", "acme", "--policy", policy, "--quiet"]
    command = [sys.executable, "-m", "scanner", "scan", *map(str, arguments), "-o", "r.json"]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        child.kill()
    assert child.returncode == 0
    assert usage.ru_maxrss / 1024 < MOST
    judged = report(tmp_path / "r.json")["rules"]
    assert [one["counts"]["pass"] for one in judged] == [2] * RULES
