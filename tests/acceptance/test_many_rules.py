"""The number of rules costs little: neither time nor memory grows with its square."""

import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance.support import ROOT, TWO_KEYS, report

RULES = 400
MOST = 300  # MiB; a square would take 2,400

# A process takes over the peak of the one that starts it, and the tests' own may be large by now.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""

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
    scan = [sys.executable, "-m", "scanner", "scan", *map(str, arguments), "-o", "r.json"]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *scan],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert int(done.stdout.split()[-1]) / 1024 < MOST
    judged = report(tmp_path / "r.json")["rules"]
    assert [one["counts"]["pass"] for one in judged] == [2] * RULES
