"""What many rules cost: scan, lint and test of policies that differ only in their number.

    python benchmarks/rules.py [--rules 10 100 1000 2000] [--keys 1000] [--runs 3]

Each figure is the best of some runs of a whole process, with its peak memory. Time should grow
with the number of rules, and memory far slower.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.authoring import write_rules
from benchmarks.inventory import write_keys
from benchmarks.scan import scan_command


def trivial(folder: Path, count: int) -> Path:
    """Write a policy of so many rules that every key keeps."""
    rule = (
        "  - {{id: r-{n}, title: T, resource: sentry_key, severity: low,"
        " require: \"id <> 'n{n}'\"}}\n"
    )
    path = folder / f"trivial-{count}.yaml"
    rules = "".join(rule.format(n=number) for number in range(count))
    path.write_text(f"policy: trivial\nversion: 1.0.0\ntitle: Many\nrules:\n{rules}", "utf-8")
    return path


def cost(command: Sequence[str], runs: int) -> str:
    """Return the shortest time and the largest peak memory of the command, a process each."""
    times, peaks = [], []
    for _ in range(runs):
        started = time.perf_counter()
        silent = os.posix_spawn(
            command[0],
            list(command),
            {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        _, status, usage = os.wait4(silent, 0)
        times.append(time.perf_counter() - started)
        peaks.append(usage.ru_maxrss / 1024)
        if os.waitstatus_to_exitcode(status) not in {0, 1}:
            raise SystemExit(f"{' '.join(command)} failed")
    return f"{min(times):6.2f} s {max(peaks):5.0f} MiB"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, nargs="+", default=[10, 100, 1_000, 2_000])
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    python = [sys.executable, "-m", "scanner"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = write_keys(folder / "keys.json", arguments.keys)
        for count in arguments.rules:
            policy = trivial(folder, count)
            scan = scan_command(keys, [folder / "r.json"], policy)
            authored = str(write_rules(folder, count))
            print(
                f"{count:>6,} rules, {policy.stat().st_size / 1e3:6.1f} kB |"
                f" scan of {arguments.keys:,} keys {cost(scan, arguments.runs)} |"
                f" lint {cost([*python, 'lint', authored], arguments.runs)} |"
                f" test {cost([*python, 'test', authored], arguments.runs)}"
            )


if __name__ == "__main__":
    main()
