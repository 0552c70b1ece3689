"""SARIF held against Microsoft's SARIF Multitool, where npm has installed it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.model.run import Run
from scanner.report import ReportOptions
from scanner.report.sarif import document
from tests.unit.report.factory import (
    RULES,
    empty_run,
    finding,
    golden_run,
    large_run,
    run_of,
)
from tests.unit.report.node_tools import node_module
from tests.unit.report.rendering import write_file
from tests.unit.report.triaged import triaged_run

EVERYTHING = ReportOptions(include_suppressed=True)


def multitool_says(path: Path) -> list[str]:
    """Return the errors and warnings of Microsoft's SARIF Multitool, which always exits with 0."""
    tool = node_module("@microsoft/sarif-multitool-linux", "Sarif.Multitool")
    found = subprocess.run(
        [
            tool,
            "validate",
            path,
            *("--rule-kind", "Sarif;Ghas"),
            *("--max-file-size-in-kb", "200000"),
            *("--level", "Error;Warning"),
            *("--output", path.with_suffix(".out"), "--log", "ForceOverwrite"),
        ],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    )
    output = found.stdout + found.stderr
    assert "Analysis completed successfully" in output
    return [line for line in output.splitlines() if ": error " in line or ": warning " in line]


RUNS: dict[str, Callable[[], Run]] = {
    "empty": empty_run,
    "small": lambda: run_of(RULES, [finding(RULES[0], "1" * 32)]),
    "hostile": triaged_run,
    "cut": lambda: large_run(600),
}


@pytest.mark.parametrize("name", RUNS)
def test_multitool(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real limit takes the Multitool a minute, and what is cut looks the same.
    monkeypatch.setattr(document, "MAX_RESULTS", 500)
    path = tmp_path / f"{name}.sarif"
    write_file(RUNS[name](), path, EVERYTHING)
    assert multitool_says(path) == []


def test_multitool_would_say_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "wrong.sarif"
    write_file(golden_run(), path)
    path.write_text(path.read_text("utf-8").replace('"fullDescription"', '"fullDescriptionX"'))
    assert multitool_says(path)
