"""Scans of very many keys, from Parquet with columns, beside a raw DuckDB query over the same file.

    python benchmarks/scale.py [--keys 100000 1000000 10000000] [--runs 1] [--memory 2GB]
        [--keep FOLDER]

The files are made by DuckDB and the product's own writer, with the same keys each time; `--keep`
leaves them in a folder. Each figure is the median of some runs of a whole process; the programs
take turns. Gate and counts go to Prometheus' format, all findings to Parquet.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from benchmarks.costs import versions
from benchmarks.inventory import AS_OF
from benchmarks.scan import HERE, scan_command, side_by_side
from scanner.engine.database import connect
from scanner.engine.intake.export import COPY, typed
from scanner.model.inventory import FORMAT_VERSION

_KINDS = ("csp", "security", "minidump", "nel", "unreal", "cdn", "crons", "playstation")
_HOST = "o450.ingest.example.invalid"
_NAMES = ("Default", "web-prod", "api-prod", "ci-runner", "mobile-staging", "backend-prod")

RAW = """
import duckdb, sys
connection = duckdb.connect()
print(connection.execute('''
    SELECT count(*) FILTER (is_active AND date_created < TIMESTAMPTZ '2025-10-03'),
      count(*) FILTER (NOT is_active), count(*) FILTER (is_active AND rate_limit IS NULL),
      count(*) FILTER (rate_limit.count / rate_limit.window > 11),
      count(*) FILTER (name = 'Default'),
      count(*) FILTER (NOT regexp_matches(name, '-(prod|staging)$') AND name <> 'ci-runner'),
      count(*) FILTER (active > 4), count(*) FILTER (same > 1),
      count(*) FILTER (browser_sdk_version <> 'latest' AND
        TRY_CAST(split_part(browser_sdk_version, '.', 1) AS INT) < 8),
      count(*) FILTER (loader_has_debug)
    FROM (SELECT *, count(*) FILTER (is_active) OVER (PARTITION BY project_id) AS active,
      count(*) OVER (PARTITION BY project_id, name) AS same
      FROM (SELECT unnest(sentry_key) FROM read_parquet(?) WHERE kind = 'sentry_key'))
''', [sys.argv[1]]).fetchall())
"""
"""What somebody would write by hand: the counts of the ten rules, no outcomes, no findings."""


def write(path: Path, keys: int) -> Path:
    """Write an inventory of so many keys, the same ones each time."""
    with connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("SET enable_progress_bar = false")
        sql = typed(_few(keys), _keys(keys), ["sentry_key", "sentry_organization"])
        connection.execute(f"COPY ({sql}) TO '{path}' {COPY}")
    return path


def _few(keys: int) -> str:
    header = {
        "version": FORMAT_VERSION,
        "server": "https://s.test",
        "sources": ["made up"],
        "scope": {"organizations": [], "projects": []},
    }
    counts = {"sentry_key": keys, "sentry_organization": 1}
    ending = {
        "coverage": {
            name: {"state": "complete", "reason": "made up", "gaps": [], "rows": rows}
            for name, rows in counts.items()
        }
    }
    rows = ", ".join(
        f"('{kind}', {place}, CAST('{msgspec.json.encode(record).decode()}' AS JSON))"
        for kind, place, record in (
            ("inventory", "NULL", header),
            ("sentry_organization", "'acme'", {"id": "1", "slug": "acme"}),
            ("end", "NULL", ending),
        )
    )
    return (
        "SELECT kind, organization, CAST(NULL AS VARCHAR) AS project, record"
        f" FROM (VALUES {rows}) AS few(kind, organization, record)"
    )


def _keys(keys: int) -> str:
    """Return a SELECT of keys as benchmarks.inventory makes them, without their secrets."""
    chance = "(hash(i, '{}') % 1000000) / 1e6".format
    urls = ", ".join(
        f"'{kind}': 'https://{_HOST}/api/' || project || '/{kind}/?sentry_key=' || id"
        for kind in _KINDS
    )
    flags = {"hasReplay": chance("replay") + " < 0.2", "hasPerformance": "true"}
    flags |= {"hasDebug": chance("debug") + " < 0.02"}
    flags |= {"hasFeedback": "false", "hasLogsAndMetrics": "false"}
    loader = ", ".join(f"'{name}': {sql}" for name, sql in flags.items())
    made = (
        f"SELECT i, md5('key ' || i) AS id, 4505000000000000 + i // 4 AS project,"
        f" CASE WHEN {chance('named')} < 0.2 THEN {_one_of('name', _NAMES)}"
        f" ELSE 'service-' || i || '-prod' END AS name,"
        " strftime(make_timestamp(CAST(1767225600000000 - 8985600000000 *"
        f" {chance('age')} AS BIGINT) - i % 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS made,"
        f" CASE WHEN {chance('limited')} < 0.93 THEN {{'window': 3600, 'count':"
        " CAST(1 + hash(i, 'limit') % 40000 AS INT)} END AS rate"
        f" FROM range({keys}) AS t(i)"
    )
    return (
        "SELECT 'sentry_key' AS kind, 'acme' AS organization, 'p' || project AS project,"
        " CAST(to_json({'id': id, 'name': name, 'label': name, 'public': id, 'projectId': project,"
        f" 'isActive': {chance('active')} < 0.97, 'rateLimit': rate, 'dsn': {{{urls}, 'public':"
        f" 'https://' || id || '@{_HOST}/' || project}},"
        f" 'browserSdkVersion': {_one_of('sdk', ('8.x', '9.x', '10.x', 'latest'))},"
        " 'browserSdk': {'choices': [['latest', 'latest'], ['10.x', '10.x'], ['9.x', '9.x']]},"
        f" 'dateCreated': made, 'dynamicSdkLoaderOptions': {{{loader}}}, 'useCase': 'user'"
        f"}}) AS JSON) AS record FROM ({made})"
    )


def _one_of(salt: str, values: Sequence[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"[{listed}][1 + CAST(hash(i, '{salt}') % {len(values)} AS INT)]"


def measure(file: Path, runs: int, memory: str) -> None:
    """Print the figures of one file."""
    out = file.with_suffix("")
    here = HERE.parent

    def scan(suffix: str) -> tuple[Sequence[str], Path]:
        return scan_command(file, [Path(f"{out}.{suffix}")]), here

    commands: dict[str, tuple[Sequence[str], Path | None]] = {
        "raw query": ([sys.executable, "-c", RAW, str(file)], None),
        "gate and counts": scan("prom"),
        "all findings as Parquet": scan("findings.parquet"),
    }
    if memory:
        os.environ["KEYPOLICY_MEMORY"] = memory
    found = side_by_side(runs, commands, warm=False)
    raw = found["raw query"]
    print(f"\n{file.name}, {file.stat().st_size / 1e6:,.1f} MB")
    for name, cost in found.items():
        print(
            f"    {name:26} {cost.clock:7.2f} s {cost.busy:7.2f} s busy {cost.peak:6,.0f} MB |"
            f" {cost.clock / raw.clock:5.2f}, {cost.busy / raw.busy:5.2f} x raw",
            flush=True,
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--memory", default="", help="KEYPOLICY_MEMORY of the scans")
    parser.add_argument("--keep", type=Path, help="folder for the files, which are left there")
    arguments = parser.parse_args()
    print(f"{versions()}; medians of {arguments.runs} runs, in turns; as of {AS_OF}")
    with tempfile.TemporaryDirectory() as folder:
        for keys in arguments.keys:
            file = Path(arguments.keep or folder) / f"keys-{keys}.parquet"
            if not file.exists():
                # By itself: what this process takes is counted to those that it begins.
                maker = multiprocessing.get_context("spawn").Process(
                    target=write, args=(file, keys)
                )
                maker.start()
                maker.join()
            measure(file, arguments.runs, arguments.memory)


if __name__ == "__main__":
    main()
