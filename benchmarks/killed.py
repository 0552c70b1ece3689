"""Scans with --history that are killed, and many at once: in come numbers, out comes what is left.

    python benchmarks/killed.py [KILLS] [AT ONCE] | tee benchmarks/results/killed.txt

The moments of `kill -9` are random, from a seed, over the whole of a scan; after each one the
history is verified. Then as many scans as are asked for run at once on one folder.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import versions

ROOT = Path(__file__).parents[1]


def command(*arguments: str) -> list[str]:
    """Return the command line of the tool."""
    return [sys.executable, "-m", "scanner", *arguments]


def scan(folder: Path, day: int) -> "subprocess.Popen[bytes]":
    """Begin a scan of the demonstration."""
    as_of = f"20{26 + day // 28:02d}-06-{day % 28 + 1:02d}"
    return subprocess.Popen(
        command("scan", "--demo", "--as-of", as_of, "-q", "--history", str(folder)),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def verified(folder: Path) -> dict[str, Any]:
    """Return what `history verify` tells."""
    done = subprocess.run(
        command("history", "verify", "--history", str(folder), "--format", "json"),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def killed(folder: Path, times: int) -> None:
    """Kill scans at random moments and print what is left of the history."""
    began = time.monotonic()
    scan(folder, 0).wait()
    taken = time.monotonic() - began
    moments = random.Random(50)
    runs, clean, kept = 1, 0, 0
    for day in range(1, times + 1):
        process = scan(folder, day)
        time.sleep(taken * moments.uniform(0.1, 1.1))
        process.kill()
        process.wait()
        found = verified(folder)
        clean += not found["damage"]
        kept += found["runs"] - runs
        runs = found["runs"]
    left = len([path for path in folder.iterdir() if path.name.startswith(".")])
    print(f"{times} kills: verify clean {clean} times, {kept} had been sealed, {left} had begun")
    print(f"{runs} runs are there, {runs - kept} of them from before the first kill", flush=True)


def at_once(folder: Path, number: int) -> None:
    """Run scans at once and print how many are kept."""
    processes = [scan(folder, day) for day in range(number)]
    codes = [process.wait() for process in processes]
    found = verified(folder)
    print(f"{number} at once: exit codes {sorted(set(codes))}, {found['runs']} kept,"
          f" {len(found['damage'])} problems")  # fmt: skip


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    kills, together = given + [50, 10][len(given) :]
    print(versions())
    with tempfile.TemporaryDirectory(prefix="keypolicy-killed-") as place:
        killed(Path(place, "killed"), kills)
        at_once(Path(place, "together"), together)
