"""A year of daily scans with --history: in comes a number of keys, out come sizes and times.

    python benchmarks/history.py [--keys 5000] [--runs 365] [--repeats 5] | tee results/history.txt

Keys are rotated and churn, projects are renamed, the policy changes once, and on three days an
organization is denied. The runs of the year are made one after the other in one warm process, each
as the command makes it. What is measured are whole processes: the first and the last scan in
turns, medians. A third one takes the last day's inventory into an empty history: what it differs by
from the last is what the length of the history costs, whatever the keys became.
"""

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import TOOL, Cost, Step, medians, once, versions
from benchmarks.world import World

GAPS = frozenset({100, 101, 250})
POLICY_DAY = 180
SETTINGS = "sla: {critical: 3d, high: 14d, medium: 30d}\n"
PAST, FIRST, LAST, DAY = "past", "first.jsonl", "last.jsonl", "day.jsonl"


def scan(inventory: str, day: int, history: str | None) -> list[str]:
    """Return the arguments of the scan of a day."""
    as_of = f"{World(0).day.date().fromordinal(World(0).day.toordinal() + day)}"
    demand = ("--param", "max_age=60d") if day >= POLICY_DAY else ()
    kept = ("--history", history) if history else ()
    return ["scan", "--inventory", inventory, "--as-of", as_of, "--quiet", *demand, *kept]


def year(folder: Path, keys: int, runs: int) -> None:
    """Make all runs but the last, and leave the inventories of the first and of the last day.

    Those that are there already are not made again: a year that was cut off goes on.
    """
    main = import_module("scanner.cli.main").main  # the process that measures stays small
    os.chdir(folder)
    world = World(keys)
    world.write(Path(FIRST))
    made = len(list(Path(PAST).glob("2*")))
    for day in range(runs - 1):
        if day >= made:
            world.write(Path(DAY), "globex" if day in GAPS else None)
            with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
                code = main(scan(DAY, day, PAST))
            if code != (3 if day in GAPS else 1):
                raise SystemExit(f"day {day}: exit code {code}")
        world.pass_a_day()
    world.write(Path(LAST))


def compare(folder: Path, runs: int, repeats: int) -> None:
    """Print what the first and the last scan take, and leave the last one's run."""
    before = set((folder / PAST).iterdir())

    def back() -> None:
        for made in set((folder / PAST).iterdir()) - before:
            shutil.rmtree(made)

    def empty() -> None:
        shutil.rmtree(folder / "new", ignore_errors=True)

    first, last = f"scan 1 of {runs}", f"scan {runs} of {runs}"
    fresh = f"scan {runs} into an empty history"
    page = ("-o", "report.html")
    found = medians(
        {
            "scan 1 without a history": Step(scan(FIRST, 0, None)),
            first: Step(scan(FIRST, 0, "new"), empty),
            last: Step(scan(LAST, runs - 1, PAST), back),
            fresh: Step(scan(LAST, runs - 1, "new"), empty),
            f"scan {runs} without a history": Step(scan(LAST, runs - 1, None)),
            f"{first}, to HTML": Step([*scan(FIRST, 0, "new"), *page], empty),
            f"{last}, to HTML": Step([*scan(LAST, runs - 1, PAST), *page], back),
        },
        folder,
        repeats,
    )
    for name, cost in found.items():
        print(f"{name}: {cost}")
    _ratio(f"{last} / the first", found[last], found[first])
    _ratio(f"{last} / the same into an empty history", found[last], found[fresh])
    _ratio("to HTML, the last / the first", found[f"{last}, to HTML"], found[f"{first}, to HTML"])


def _ratio(name: str, one: Cost, other: Cost) -> None:
    busy, clock, peak = (a / b for a, b in zip(one, other, strict=True))
    print(f"    {name}: {busy:.2f} x busy, {clock:.2f} x the clock, {peak:.2f} x memory")


def sizes(history: Path, runs: int) -> None:
    """Print what lies on the disk."""
    files = [path for path in history.rglob("*") if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    blocks = sum(path.stat().st_blocks * 512 for path in files)
    print(
        f"on disk: {total / 1e6:.1f} MB, {total / runs / 1e3:.1f} kB a run"
        f" ({blocks / 1e6:.1f} MB in blocks of the file system)"
    )
    parts: Counter[str] = Counter()
    for path in files:
        parts[path.relative_to(history).parts[1:2][0] if path.parent != history else "-"] += (
            path.stat().st_size
        )
    for name, size in parts.most_common():
        print(f"    {name}: {size / total:.1%}, {size / runs / 1e3:.1f} kB a run")


def verbs(folder: Path, repeats: int) -> None:
    """Print what the verbs take that read the history."""
    steps = {
        "history list": ["history", "list"],
        "history trend": ["history", "trend"],
        "history trend --format json": ["history", "trend", "--format", "json"],
        "history show latest": ["history", "show", "latest"],
        "history diff previous latest": ["history", "diff", "previous", "latest"],
        "history diff, a year apart": ["history", "diff", "2026-01-01", "latest"],
        "history verify": ["history", "verify"],
        "history prune --dry-run": ["history", "prune", "--keep-days", "30", "--dry-run"],
    }
    found = medians(
        {name: Step([*verb, "--history", PAST]) for name, verb in steps.items()}, folder, repeats
    )
    for name, cost in found.items():
        print(f"{name}: {cost}")
    told = subprocess.run([*TOOL, "history", "--help"], capture_output=True, text=True, check=True)
    if " site " in told.stdout:
        print(f"history site: {once(['history', 'site', PAST, '-o', 'site'], folder)}")
        size = sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file())
        print(f"    the site: {size / 1e6:.1f} MB")


def main() -> None:
    """Make the year and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=365)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="make it here, or go on with it, and leave it")
    given = parser.parse_args()
    place = given.keep or Path(tempfile.mkdtemp(prefix="keypolicy-year-"))
    place.mkdir(exist_ok=True)
    (place / "keypolicy.yaml").write_text(SETTINGS, encoding="utf-8")
    print(versions())
    print(f"{given.keys:,} keys, {given.runs} daily runs, medians of {given.repeats}", flush=True)
    try:
        if not (place / LAST).exists():
            began = time.monotonic()
            process = get_context("spawn").Process(
                target=year, args=(place, given.keys, given.runs)
            )
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)
            print(f"the year was made in {time.monotonic() - began:.0f} s", flush=True)
        compare(place, given.runs, given.repeats)
        sizes(place / PAST, given.runs)
        verbs(place, given.repeats)
    finally:
        if given.keep is None:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
