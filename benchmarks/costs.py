"""What whole processes take: in comes a command, out come seconds and megabytes."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb

from scanner import __version__

TOOL = (sys.executable, "-m", "scanner")


class Cost(NamedTuple):
    """Seconds of processor time, of the clock, and MB of memory at the peak."""

    busy: float
    clock: float
    peak: float

    def __str__(self) -> str:
        return f"{self.busy:.2f} s busy, {self.clock:.2f} s, {self.peak:.0f} MB"


class Step(NamedTuple):
    """A command, with what has to be done before and after each time that it runs."""

    arguments: Sequence[str]
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


def once(arguments: Sequence[str], folder: Path, codes: Sequence[int] = (0, 1)) -> Cost:
    """Run the tool in a folder. Peaks are wrong where this process is larger than the tool's."""
    # Compiled modules are kept, as they are for a user.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        done = subprocess.Popen(
            [*TOOL, *arguments], cwd=folder, stdout=said, stderr=said, env=environment
        )
        _, status, used = os.wait4(done.pid, 0)
        clock = time.perf_counter() - started
        done.returncode = os.waitstatus_to_exitcode(status)
        if done.returncode not in codes:
            said.seek(0)
            raise SystemExit(f"{arguments}: exit code {done.returncode}\n{said.read().decode()}")
    return Cost(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 1024)


def medians(steps: Mapping[str, Step], folder: Path, repeats: int) -> dict[str, Cost]:
    """Run all steps in turn, again and again, and return the median of what each took."""
    taken: dict[str, list[Cost]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            step.before()
            taken[name].append(once(step.arguments, folder))
            step.after()
    return {
        name: Cost(*(median(values) for values in zip(*costs, strict=True)))
        for name, costs in taken.items()
    }


def versions() -> str:
    """Return what ran, on what, in one line."""
    others = (f"{name} {version(name)}" for name in ("msgspec",))
    return (
        f"keypolicy {__version__}, DuckDB {duckdb.__version__}, {', '.join(others)},"
        f" CPython {platform.python_version()}, {platform.system()} {platform.machine()},"
        f" {os.cpu_count()} cores"
    )
