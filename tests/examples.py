"""Writes the sample of every report format: `make examples`.

The samples are those of `keypolicy scan --demo --as-of 2026-01-15T00:00:00Z`, but for the run's
own id and clock, which are fixed here: nothing in a sample changes unless a format or the demo
does, and the test beside them can compare whole files.
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
from scanner.pipeline import scan as run_scan
from scanner.report import FORMATS, to_stream, write_reports

EXAMPLES: Final = Path(__file__).parents[1] / "reports" / "examples"
AS_OF: Final = "2026-01-15T00:00:00Z"
_STARTED: Final = datetime(2026, 1, 15, 6, 0, 0, tzinfo=UTC)
_OURS: Final = ("SENTRY_", "KEYPOLICY_")


def example(name: str) -> str:
    """Return the file name of a format's sample."""
    suffixes = FORMATS[name].suffixes
    return f"demo{suffixes[0] if suffixes else f'.{name}.txt'}"


def write_examples(folder: Path) -> None:
    """Write the sample of every format into `folder`."""
    with _demo() as run, ExitStack() as stack:
        files = {name: stack.enter_context((folder / example(name)).open("wb")) for name in FORMATS}
        write_reports(run, [to_stream(run, name, out) for name, out in files.items()])


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
                inputs.scan_request(namespace, inputs.settings(namespace)), folder=Path(folder)
            )
        ) as run,
    ):
        ended = _STARTED + timedelta(milliseconds=250)
        info = RunInfo("0123456789abcdef0123456789abcdef", run.info.as_of, _STARTED, ended)
        yield msgspec.structs.replace(run, info=info)


if __name__ == "__main__":
    EXAMPLES.mkdir(exist_ok=True)
    write_examples(EXAMPLES)
    sys.stdout.write(f"{len(FORMATS)} samples in {EXAMPLES.relative_to(Path.cwd())}\n")
