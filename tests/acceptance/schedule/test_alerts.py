"""Prometheus: alerts for scans that failed, and for those that did not run."""

import shutil
import subprocess

import pytest

from tests.acceptance.schedule.machine import EXAMPLES
from tests.acceptance.support import ROOT

ALERTS = EXAMPLES / "prometheus-alerts.yml"
SCENES = ROOT / "tests" / "acceptance" / "schedule" / "alerts.test.yml"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
@pytest.mark.parametrize(("verb", "path"), [("check", ALERTS), ("test", SCENES)])
def test_the_alerts_ring_when_they_should(verb: str, path: str) -> None:
    done = subprocess.run(
        ["promtool", verb, "rules", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metrics_that_they_ask_for_are_written() -> None:
    written = (ROOT / "tests" / "goldens" / "report.prom").read_text("utf-8")
    text = ALERTS.read_text("utf-8")
    for metric in ("keypolicy_gate_exit_code", "keypolicy_last_run_timestamp_seconds"):
        assert metric in text
        assert f"\n{metric} " in written
