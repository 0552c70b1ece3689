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


def multitool_says(folder: Path) -> list[str]:
    """Return what Microsoft's SARIF Multitool, which always exits with 0, finds in a folder."""
    tool = node_module("@microsoft/sarif-multitool-linux", "Sarif.Multitool")
    found = subprocess.run(
        [
            tool,
            "validate",
            *sorted(folder.glob("*.sarif")),
            *("--rule-kind", "Sarif;Ghas"),
            *("--max-file-size-in-kb", "200000"),
            *("--level", "Error;Warning"),
            *("--output", folder / "out", "--log", "ForceOverwrite"),
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


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what the Multitool says of all these at once: it takes its time to start."""
    folder = tmp_path_factory.mktemp("sarif")
    with pytest.MonkeyPatch.context() as patched:
        # The real limit takes the Multitool a minute, and what is cut looks the same.
        patched.setattr(document, "MAX_RESULTS", 500)
        for name, make in RUNS.items():
            write_file(make(), folder / f"{name}.sarif", EVERYTHING)
    path = folder / "wrong.sarif"
    write_file(golden_run(), path)
    path.write_text(path.read_text("utf-8").replace('"fullDescription"', '"fullDescriptionX"'))
    return multitool_says(folder)


@pytest.mark.parametrize("name", RUNS)
def test_multitool(name: str, said: list[str]) -> None:
    assert [line for line in said if f"{name}.sarif" in line] == []


def test_multitool_would_say_what_is_wrong(said: list[str]) -> None:
    assert [line for line in said if "wrong.sarif" in line]
