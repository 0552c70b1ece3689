"""Scans side by side with the physical limit: one raw DuckDB pass over the same file.

    python benchmarks/scan.py [--keys 2 10000 100000] [--runs 5]

Each figure is the best of some runs of a whole process. Ratios are within one run of this
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.inventory import AS_OF, write_keys

HERE = Path(__file__).parent

RAW = """
import duckdb, sys
connection = duckdb.connect()
rows = connection.execute('''
    SELECT id, name, isActive, CAST(dateCreated AS VARCHAR), rateLimit
    FROM read_json(?, format='array', columns={
        id: 'VARCHAR', name: 'VARCHAR', isActive: 'BOOLEAN', dateCreated: 'TIMESTAMPTZ',
        projectId: 'BIGINT', browserSdkVersion: 'VARCHAR',
        rateLimit: 'STRUCT("window" BIGINT, "count" BIGINT)',
        dynamicSdkLoaderOptions: 'STRUCT(hasDebug BOOLEAN)'})
    WHERE (isActive AND dateCreated < TIMESTAMPTZ '2025-10-03') OR NOT isActive
       OR (isActive AND rateLimit IS NULL) OR rateLimit.count / rateLimit.window > 11
       OR name = 'Default' OR NOT regexp_matches(name, '-(prod|staging)$')
       OR dynamicSdkLoaderOptions.hasDebug
    QUALIFY count(*) FILTER (isActive) OVER (PARTITION BY projectId) <= 4
       OR count(*) OVER (PARTITION BY projectId, name) > 1''', [sys.argv[1]]).fetchall()
"""
"""What somebody would write by hand: one pass, no outcomes, no evidence, no report."""


def best_of(runs: int, command: Sequence[str], codes: Sequence[int] = (0,)) -> float:
    """Return the shortest wall-clock time of the command, in seconds."""
    times = []
    # Compiled modules are kept, as they are for a user; the first run writes them.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs + 1):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        times.append(time.perf_counter() - started)
        if done.returncode not in codes:
            raise SystemExit(done.stderr.decode())
    return min(times[1:])


def scan_command(
    inventory: Path, outputs: Sequence[Path], policy: Path = HERE / "ten-rules.yaml"
) -> list[str]:
    """Return the command that a user would run."""
    reports = [part for path in outputs for part in ("-o", str(path))]
    return [
        *(sys.executable, "-m", "scanner", "scan", "--inventory", str(inventory), "--org", "acme"),
        *("--policy", str(policy), "--as-of", AS_OF, "--quiet", *reports),
    ]


def measure(keys: int, runs: int, folder: Path, bare: float) -> None:
    """Print one line of figures for so many keys."""
    inventory = write_keys(folder / f"keys-{keys}.json", keys)
    size = inventory.stat().st_size
    raw = best_of(runs, [sys.executable, "-c", RAW, str(inventory)])
    one = best_of(runs, scan_command(inventory, [folder / "r.json"]), (0, 1))
    three = best_of(
        runs,
        scan_command(inventory, [folder / f"r.{s}" for s in ("json", "sarif", "html")]),
        (0, 1),
    )
    findings = (folder / "r.json").read_text(encoding="utf-8").count('"rule_id"')
    print(
        f"{keys:>8,} keys {size / 1e6:>7.1f} MB {findings:>7,} findings | raw query {raw:6.2f} s |"
        f" scan to JSON {one:6.2f} s = {one / raw:4.2f} x raw, {one / bare:4.2f} x bare import |"
        f" three reports {three:6.2f} s = {three / raw:4.2f} x raw, {three / bare:4.2f} x bare"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[2, 10_000, 100_000])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bare = best_of(arguments.runs * 2, [sys.executable, "-c", "import duckdb"])
    version = best_of(arguments.runs, [sys.executable, "-m", "scanner", "--version"])
    print(f"bare `import duckdb` {bare:.3f} s | keypolicy --version {version:.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        for keys in arguments.keys:
            measure(keys, arguments.runs, Path(folder), bare)


if __name__ == "__main__":
    main()
