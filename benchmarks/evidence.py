"""Evidence of large runs: in comes a number of keys, out come times, memory and sizes.

    python benchmarks/evidence.py [--keys 100000] [--repeats 3]

Two days of the simulated world are scanned with --history; the second run, with the one before it,
is exported and verified: digests, the chain, and the run judged anew from its inventory. Whole
processes, in turns, medians.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import Step, medians, once, versions
from benchmarks.history import PAST, scan
from benchmarks.world import World


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print(versions())
    print(f"{given.keys:,} keys, medians of {given.repeats}", flush=True)
    with tempfile.TemporaryDirectory(prefix="keypolicy-evidence-") as name:
        folder, world = Path(name), World(given.keys)
        for day in range(2):
            size = world.write(folder / "keys.jsonl").stat().st_size
            cost = once(scan("keys.jsonl", day, PAST), folder)
            print(f"scan {day + 1} with --history, {size / 1e6:.0f} MB of inventory: {cost}")
            world.pass_a_day()
        for run in sorted((folder / PAST).glob("2*")):
            parts = [path for path in run.rglob("*") if path.is_file()]
            print(f"run: {sum(path.stat().st_size for path in parts) / 1e6:.1f} MB, of these")
            for path in parts:
                print(f"    {path.relative_to(run)}: {path.stat().st_size / 1e6:.2f} MB")
        export = ["evidence", "export", "latest", "--history", PAST, "-o", "bundle.zip"]
        steps = {
            "scan without a history": Step(scan("keys.jsonl", 1, None)),
            "evidence export": Step(export),
            "evidence verify bundle.zip": Step(["evidence", "verify", "bundle.zip"]),
            "history verify": Step(["history", "verify", "--history", PAST]),
            "history diff previous latest": Step(
                ["history", "diff", "previous", "latest", "--history", PAST]
            ),
        }
        for what, cost in medians(steps, folder, given.repeats).items():
            print(f"{what}: {cost}", flush=True)
        print(f"bundle.zip: {(folder / 'bundle.zip').stat().st_size / 1e6:.1f} MB")
        shutil.rmtree(folder / PAST)


if __name__ == "__main__":
    main()
