"""Scans of very many keys by Spark on this machine, beside a raw DuckDB query of the same facts.

    python benchmarks/engines.py [--keys 100000 1000000 10000000] [--memory 2g] [--keep FOLDER]

The files are flat Parquet, made by DuckDB, with the same keys each time. A scan brings its findings
back into a report of counts. Its counts are held against those of the raw query, rule by rule.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import pyspark

from benchmarks.costs import versions
from benchmarks.inventory import AS_OF
from benchmarks.scan import HERE, ran

KEYS = """
SELECT md5('key ' || i) AS id, 'acme' AS organization_slug, CAST(i // 4 AS BIGINT) AS project_id,
  'p' || i // 4 AS project_slug, hash(i, 'active') % 100 < 97 AS is_active,
  CASE WHEN hash(i, 'named') % 10 < 2 THEN
    ['Default', 'web-prod', 'ci-runner'][1 + CAST(hash(i) % 3 AS INT)]
    ELSE 'service-' || i || '-prod' END AS name,
  TIMESTAMPTZ '2026-01-01' - to_seconds(CAST(hash(i, 'age') % 8985600 AS BIGINT)) AS date_created,
  CASE WHEN hash(i, 'limited') % 100 < 93 THEN '{{"window": 3600, "count": '
    || 1 + hash(i, 'limit') % 40000 || '}}' ELSE 'null' END AS rate_limit,
  ['7.x', '8.x', '9.x', 'latest'][1 + CAST(hash(i, 'sdk') % 4 AS INT)] AS browser_sdk_version,
  hash(i, 'debug') % 50 = 0 AS loader_has_debug
FROM range({keys}) AS t(i)
"""

RAW = """
import duckdb, sys
connection = duckdb.connect()
print(connection.execute('''
    SELECT count(*) FILTER (is_active AND date_created < TIMESTAMPTZ '2025-10-03'),
      count(*) FILTER (NOT is_active), count(*) FILTER (is_active AND rate_limit = 'null'),
      count(*) FILTER (CAST(rate_limit->>'count' AS DOUBLE) / 3600 > 11),
      count(*) FILTER (name = 'Default'),
      count(*) FILTER (NOT regexp_matches(name, '-(prod|staging)$') AND name <> 'ci-runner'),
      count(*) FILTER (active > 4), count(*) FILTER (same > 1),
      count(*) FILTER (browser_sdk_version = '7.x'), count(*) FILTER (loader_has_debug)
    FROM (SELECT *, count(*) FILTER (is_active) OVER (PARTITION BY project_id) AS active,
      count(*) OVER (PARTITION BY project_id, name) AS same FROM read_parquet(?))
''', [sys.argv[1]]).fetchone())
"""
"""What somebody would write by hand: the counts of the ten rules, in their order."""


class Java:
    """Watches what the Java of a process takes: seconds of processor time, and MB at the peak."""

    def __init__(self, parent: int) -> None:
        self.busy = 0.0
        self.peak = 0.0
        self._parent = parent
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            for place in self._children(self._parent):
                with contextlib.suppress(OSError, IndexError):
                    parts = Path(place, "stat").read_text("utf-8").rpartition(")")[2].split()
                    ticks = int(parts[11]) + int(parts[12])
                    found = re.search(r"VmHWM:\s+(\d+)", Path(place, "status").read_text("utf-8"))
                    self.busy = max(self.busy, ticks / os.sysconf("SC_CLK_TCK"))
                    self.peak = max(self.peak, int(found[1]) / 1024 if found else 0)

    def _children(self, parent: int) -> list[str]:
        found: list[str] = []
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split():
                found += [f"/proc/{child}", *self._children(int(child))]
        return found


def measure(file: Path, memory: str) -> None:
    """Print the figures of one file."""
    print(f"\n{file.name}, {file.stat().st_size / 1e6:,.1f} MB", flush=True)
    raw = [sys.executable, "-c", RAW, str(file)]
    cost = ran(raw)
    print(f"    raw query  {cost.clock:8.2f} s {cost.busy:8.2f} s busy {cost.peak:6,.0f} MB")
    said = subprocess.run(raw, check=True, capture_output=True, text=True).stdout
    wanted = [int(number) for number in re.findall(r"\d+", said)]
    report = file.with_suffix(".prom")
    conf = {"spark.master": "local[2]", "spark.ui.enabled": "false", "spark.driver.memory": memory}
    conf |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    settings = " ".join(f"--conf {name}={value}" for name, value in conf.items())
    started = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "scanner", "scan", "--engine", "spark", "--quiet"),
                *("--inventory", str(file), "--policy", str(HERE / "ten-rules.yaml")),
                *("--as-of", AS_OF, "-o", str(report), "--findings", f"{file}.found"),
            ],
            stdout=told,
            stderr=told,
            cwd=HERE.parent,
            env={**os.environ, "PYSPARK_SUBMIT_ARGS": f"{settings} pyspark-shell"},
        )
        java = Java(child.pid)
        _, status, used = os.wait4(child.pid, 0)
        clock = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        java.stop()
        if child.returncode not in {0, 1}:
            told.seek(0)
            raise SystemExit(told.read().decode())
    busy, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(
        f"    Spark      {clock:8.2f} s {java.busy + busy:8.2f} s busy, {clock / cost.clock:.1f} x"
    )
    print(f"      its Java {java.busy:8.2f} s busy {java.peak:6,.0f} MB")
    print(f"      Python   {busy:8.2f} s busy {peak:6,.0f} MB")
    found = Counter[str]()
    for rule, outcome, number in re.findall(
        r'_findings\{.*rule="([^"]*)".*outcome="([^"]*)".*\} (\d+)', report.read_text("utf-8")
    ):
        if outcome != "fail" and int(number):
            raise SystemExit(f"{rule} has {number} of {outcome}")
        found[rule] += int(number)
    if list(found.values()) != wanted:
        raise SystemExit(f"the counts differ: {dict(found)} and {wanted}")
    print(f"    the same counts by rule: {wanted}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--memory", default="2g", help="of Spark's Java")
    parser.add_argument("--keep", type=Path, help="folder for the files, which are left there")
    arguments = parser.parse_args()
    print(f"{versions()}; Spark {pyspark.__version__} on local[2] with {arguments.memory}")
    with tempfile.TemporaryDirectory() as folder:
        for keys in arguments.keys:
            file = Path(arguments.keep or folder) / f"flat-{keys}.parquet"
            if not file.exists():
                with duckdb.connect() as connection:
                    connection.execute("SET TimeZone = 'UTC'")
                    sql = KEYS.format(keys=keys)
                    connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet)")
            measure(file, arguments.memory)


if __name__ == "__main__":
    main()
