"""Scans side by side with the physical limit: one raw DuckDB pass over the same file.

    python benchmarks/scan.py [--keys 2 10000 100000] [--runs 5] [--before CHECKOUT]

The files are answers of the API (one array, and lines) and the product's own inventory (lines).
Each figure is the median of some runs of a whole process; the programs that are compared take
turns, so that what else the machine does falls on all of them. Ratios are within one run of this
program. `--before` names a checkout of another state of the product, which takes its turns too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))


from benchmarks.costs import versions
from benchmarks.inventory import AS_OF, write_inventory, write_keys, write_lines

HERE = Path(__file__).parent

RAW = """
import duckdb, sys
connection = duckdb.connect()
rows = connection.execute('''
    SELECT id, name, isActive, CAST(dateCreated AS VARCHAR), rateLimit FROM {source}
    WHERE (isActive AND dateCreated < TIMESTAMPTZ '2025-10-03') OR NOT isActive
       OR (isActive AND rateLimit IS NULL) OR rateLimit.count / rateLimit.window > 11
       OR name = 'Default' OR NOT regexp_matches(name, '-(prod|staging)$')
       OR dynamicSdkLoaderOptions.hasDebug
    QUALIFY count(*) FILTER (isActive) OVER (PARTITION BY projectId) <= 4
       OR count(*) OVER (PARTITION BY projectId, name) > 1''', [sys.argv[1]]).fetchall()
"""
"""What somebody would write by hand: one pass, no outcomes, no evidence, no report."""

FIELDS = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "isActive": "BOOLEAN",
    "dateCreated": "TIMESTAMPTZ",
    "projectId": "BIGINT",
    "browserSdkVersion": "VARCHAR",
    "rateLimit": 'STRUCT("window" BIGINT, "count" BIGINT)',
    "dynamicSdkLoaderOptions": "STRUCT(hasDebug BOOLEAN)",
}
_COLUMNS = ", ".join(f"{name}: '{kind}'" for name, kind in FIELDS.items())
ARRAY = f"read_json(?, format='array', columns={{{_COLUMNS}}})"
API_LINES = f"read_json(?, format='newline_delimited', columns={{{_COLUMNS}}})"
LINES = (
    "(SELECT unnest(record) FROM read_json(?, format='newline_delimited', columns={kind: 'VARCHAR',"
    f" record: 'STRUCT({', '.join(f'{name} {kind}' for name, kind in FIELDS.items())})'}})"
    " WHERE kind = 'sentry_key')"
)


class Cost(NamedTuple):
    """What a process took: seconds of processor time, of the clock, and MB at the peak."""

    busy: float
    clock: float
    peak: float


def ran(command: Sequence[str], codes: Sequence[int] = (0,), folder: Path | None = None) -> Cost:
    """Run the command once, in a folder that its modules may lie in, and return what it took."""
    # Compiled modules are kept, as they are for a user; the first run writes them.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if folder is not None:
        environment["PYTHONPATH"] = str(folder)
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        done = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=folder)
        _, status, used = os.wait4(done.pid, 0)
        done.returncode = os.waitstatus_to_exitcode(status)
        clock = time.perf_counter() - started
        if done.returncode not in codes:
            said.seek(0)
            raise SystemExit(said.read().decode())
    return Cost(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 1024)


def side_by_side(
    runs: int, commands: Mapping[str, tuple[Sequence[str], Path | None]], *, warm: bool = True
) -> dict[str, Cost]:
    """Return the medians of what each command took; they take turns, the first of which is free.

    Unless it is not to be `warm`: then there is no such turn.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs + warm):
        for name, (command, folder) in commands.items():
            costs[name].append(ran(command, (0, 1), folder))
    return {
        name: Cost(*map(statistics.median, zip(*taken[warm:], strict=True)))
        for name, taken in costs.items()
    }


def best_of(runs: int, command: Sequence[str], codes: Sequence[int] = (0,)) -> float:
    """Return the shortest wall-clock time of the command, in seconds."""
    return min(ran(command, codes).clock for _ in range(runs + 1))


def scan_command(
    inventory: Path, outputs: Sequence[Path], policy: Path = HERE / "ten-rules.yaml"
) -> list[str]:
    """Return the command that a user would run."""
    reports = [part for path in outputs for part in ("-o", str(path))]
    return [
        *(sys.executable, "-m", "scanner", "scan", "--inventory", str(inventory), "--org", "acme"),
        *("--policy", str(policy), "--as-of", AS_OF, "--quiet", *reports),
    ]


def measure(inventory: Path, source: str, runs: int, before: Path | None) -> None:
    """Print the figures of one file, beside the raw query that reads it from `source`."""
    here = HERE.parent
    commands: dict[str, tuple[Sequence[str], Path | None]] = {
        "bare `import duckdb`": ([sys.executable, "-c", "import duckdb"], None),
        "raw query": (
            [sys.executable, "-c", RAW.format(source=source), str(inventory)],
            None,
        ),
    }
    for forms in ((), ("json",), ("json", "sarif", "html")):
        outputs = [inventory.parent / f"r.{form}" for form in forms]
        command = scan_command(inventory, outputs)
        told = f"scan to {', '.join(forms)}" if forms else "gate alone"
        if before is not None:
            commands[f"{told}, before"] = (command, before)
        commands[told] = (command, here)
    found = side_by_side(runs, commands)
    bare, raw = found["bare `import duckdb`"], found["raw query"]
    print(f"\n{inventory.name}, {inventory.stat().st_size / 1e6:.1f} MB")
    for name, cost in found.items():
        print(
            f"    {name:34} {cost.clock:6.2f} s {cost.busy:6.2f} s busy {cost.peak:5.0f} MB |"
            f" {cost.clock / raw.clock:5.2f}, {cost.busy / raw.busy:5.2f} x raw |"
            f" {cost.clock / bare.clock:6.2f}, {cost.busy / bare.busy:6.2f} x bare import"
        )
    findings = (inventory.parent / "r.json").read_text(encoding="utf-8").count('"rule_id"')
    print(f"    {findings:,} findings", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[2, 10_000, 100_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--before", type=Path)
    arguments = parser.parse_args()
    print(
        f"{versions()};"
        f" medians of {arguments.runs} runs, in turns; ratios of the clock and of processor time"
    )
    made = ((write_keys, "json", ARRAY), (write_lines, "jsonl", API_LINES))
    with tempfile.TemporaryDirectory() as folder:
        for keys in arguments.keys:
            for write, suffix, source in (*made, (write_inventory, "inventory.jsonl", LINES)):
                file = write(Path(folder) / f"keys-{keys}.{suffix}", keys)
                measure(file, source, arguments.runs, arguments.before)
                file.unlink()


if __name__ == "__main__":
    main()
