"""Writes the reports that the repository keeps: `make goldens`.

A golden is the report of a run that is made up (severities, outcomes, hostile names). A sample is
that of `keypolicy scan --demo --as-of 2026-01-15T00:00:00Z`, but for the run's own id and clock,
which are fixed here: nothing in a sample changes unless a format or the demo does. There is one of
each for every format, and the test of this module compares whole files. What cannot be made here,
as it needs more than is installed, is left as it is.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unittest import mock

import msgspec

from scanner.cli import scan
from scanner.cli.shared import inputs
from scanner.model.run import Run, RunInfo
from scanner.notify import CHANNELS
from scanner.pipeline import scan as run_scan
from scanner.report import FORMATS, to_stream, write_reports
from tests.unit.notify.factory import shown
from tests.unit.report.papers import can_make
from tests.unit.report.rendering import full_run, render
from tests.unit.report.storied import storied_run
from tests.unit.report.triaged import triaged_run

ROOT: Final = Path(__file__).parents[1]
GOLDENS: Final = ROOT / "tests" / "goldens"
SAMPLES: Final = ROOT / "reports" / "examples"
_OF_TRIAGE: Final = {"json", "html", "pdf", "sarif", "terminal"}
"""The formats whose golden shows waivers; the others' shows a gate with settings."""
AS_OF: Final = "2026-01-15T00:00:00Z"
_STARTED: Final = datetime(2026, 1, 15, 6, 0, 0, tzinfo=UTC)
_OURS: Final = ("SENTRY_", "KEYPOLICY_")


def golden(name: str) -> Path:
    """Return the file that is kept of a format's report of the run that is made up."""
    return GOLDENS / f"report{_suffix(name)}"


def sample(name: str) -> Path:
    """Return the file that is kept of a format's report of the demo."""
    return SAMPLES / f"demo{_suffix(name)}"


def message(kind: str) -> Path:
    """Return the file that is kept of a channel's message about the run that is made up."""
    return GOLDENS / f"message.{kind}.{'eml' if kind == 'email' else 'json'}"


def write(root: Path) -> None:
    """Write all that is kept, each at its place below `root`."""
    for folder in (GOLDENS, SAMPLES):
        (root / folder.relative_to(ROOT)).mkdir(parents=True, exist_ok=True)
    made_here = list(filter(can_make, FORMATS))
    for name in made_here:
        made_up = triaged_run() if name in _OF_TRIAGE else full_run()
        (root / golden(name).relative_to(ROOT)).write_bytes(render(name, made_up))
    (root / STORY.relative_to(ROOT)).write_bytes(render("html", storied_run()))
    for kind in CHANNELS:
        (root / message(kind).relative_to(ROOT)).write_bytes(shown(kind))
    with _demo() as demo, ExitStack() as stack:
        files = {
            name: stack.enter_context((root / sample(name).relative_to(ROOT)).open("wb"))
            for name in made_here
        }
        write_reports(demo, [to_stream(demo, name, out) for name, out in files.items()])


def _suffix(name: str) -> str:
    suffixes = FORMATS[name].suffixes
    return suffixes[0] if suffixes else f".{name}.txt"


STORY: Final = GOLDENS / "story.html"
"""The HTML report of a run that has a history and a forecast."""

KEPT: Final = [
    STORY,
    *(path(name) for path in (golden, sample) for name in FORMATS),
    *map(message, CHANNELS),
]


@contextmanager
def _demo() -> Iterator[Run]:
    parser = argparse.ArgumentParser()
    scan.add_arguments(parser)
    namespace = parser.parse_args(["--demo", "--as-of", AS_OF])
    bare = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    # Away from whatever settings the surroundings have.
    with (
        tempfile.TemporaryDirectory() as elsewhere,
        contextlib.chdir(elsewhere),
        mock.patch.dict(os.environ, bare, clear=True),
        tempfile.TemporaryDirectory() as folder,
        run_scan(
            msgspec.structs.replace(
                inputs.scan_request(namespace, inputs.settings(namespace)),
                folder=Path(folder),
                digested=True,
            )
        ) as run,
    ):
        ended = _STARTED + timedelta(milliseconds=250)
        info = RunInfo("0123456789abcdef0123456789abcdef", run.info.as_of, _STARTED, ended)
        yield msgspec.structs.replace(run, info=info)


if __name__ == "__main__":
    write(ROOT)
    sys.stdout.write(f"{len(KEPT)} reports written; read the diff before committing it\n")
