"""Running the command as a user does: another process, its own environment and folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]

TWO_KEYS = ROOT / "tests" / "data" / "two-keys.json"
"""An answer of the API with the two keys of Sentry's own description."""

_OURS = ("SENTRY_", "KEYPOLICY_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI")


class Result(NamedTuple):
    code: int
    out: str
    err: str


def keypolicy(*arguments: object, cwd: Path, **environment: str) -> Result:
    """Run `keypolicy` and return what it did; a traceback is never acceptable."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "scanner", *map(str, arguments)],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def findings(path: Path) -> set[tuple[str, str, str, str]]:
    """What a JSON report found: rule, outcome, resource, fingerprint."""
    return {
        (one["rule_id"], one["outcome"], one["resource"]["id"], one["fingerprint"])
        for one in report(path)["findings"]
    }
