"""Scans side by side with the physical limit: one raw DuckDB pass over the same file.

    python benchmarks/scan.py [--keys 2 10000 100000] [--runs 5]

The files are an answer of the API (one array) and the product's own inventory (lines). Each figure
is the best of some runs of a whole process: seconds of processor time, since that is what other
work on the machine disturbs least, and the peak of its memory. Ratios are within one run of this
program, so that they hold on any machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.inventory import AS_OF, write_inventory, write_keys

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
ARRAY = (
    "read_json(?, format='array', columns={"
    + ", ".join(f"{name}: '{kind}'" for name, kind in FIELDS.items())
    + "})"
)
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


def cheapest(runs: int, command: Sequence[str], codes: Sequence[int] = (0,)) -> Cost:
    """Return the least of each that the command took."""
    costs = []
    # Compiled modules are kept, as they are for a user; the first run writes them.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs + 1):
        started = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            done = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
            _, status, used = os.wait4(done.pid, 0)
            done.returncode = os.waitstatus_to_exitcode(status)
            clock = time.perf_counter() - started
            if done.returncode not in codes:
                said.seek(0)
                raise SystemExit(said.read().decode())
        costs.append(Cost(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 1024))
    return Cost(*map(min, zip(*costs[1:], strict=True)))


def best_of(runs: int, command: Sequence[str], codes: Sequence[int] = (0,)) -> float:
    """Return the shortest wall-clock time of the command, in seconds."""
    return cheapest(runs, command, codes).clock


def scan_command(
    inventory: Path, outputs: Sequence[Path], policy: Path = HERE / "ten-rules.yaml"
) -> list[str]:
    """Return the command that a user would run."""
    reports = [part for path in outputs for part in ("-o", str(path))]
    return [
        *(sys.executable, "-m", "scanner", "scan", "--inventory", str(inventory), "--org", "acme"),
        *("--policy", str(policy), "--as-of", AS_OF, "--quiet", *reports),
    ]


def measure(inventory: Path, source: str, runs: int, bare: Cost) -> None:
    """Print the figures of one file, beside the raw query that reads it from `source`."""
    reports = inventory.parent
    raw = cheapest(runs, [sys.executable, "-c", RAW.format(source=source), str(inventory)])
    print(f"{inventory.name}, {inventory.stat().st_size / 1e6:.1f} MB: raw query {_told(raw)}")
    for forms in (("json",), ("json", "sarif", "html")):
        outputs = [reports / f"r.{form}" for form in forms]
        scan = cheapest(runs, scan_command(inventory, outputs), (0, 1))
        print(
            f"    scan to {', '.join(forms)} {_told(scan)} = {scan.busy / raw.busy:.2f} x raw,"
            f" {scan.busy / bare.busy:.2f} x bare import"
        )
    findings = (reports / "r.json").read_text(encoding="utf-8").count('"rule_id"')
    print(f"    {findings:,} findings")


def _told(cost: Cost) -> str:
    return f"{cost.busy:.2f} s busy, {cost.clock:.2f} s, {cost.peak:.0f} MB"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[2, 10_000, 100_000])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bare = cheapest(arguments.runs * 2, [sys.executable, "-c", "import duckdb"])
    version = cheapest(arguments.runs, [sys.executable, "-m", "scanner", "--version"])
    print(f"bare `import duckdb` {_told(bare)} | keypolicy --version {_told(version)}")
    with tempfile.TemporaryDirectory() as folder:
        for keys in arguments.keys:
            array = write_keys(Path(folder) / f"keys-{keys}.json", keys)
            measure(array, ARRAY, arguments.runs, bare)
            array.unlink()
            lines = write_inventory(Path(folder) / f"keys-{keys}.jsonl", keys)
            measure(lines, LINES, arguments.runs, bare)
            lines.unlink()


if __name__ == "__main__":
    main()
