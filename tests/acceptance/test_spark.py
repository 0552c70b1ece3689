"""`scan --engine spark` over Parquet files, by a Spark on this machine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.support import Result, here, keypolicy
from tests.engines.spark import SETTINGS, skip_without_java

KEYS = (
    "SELECT i AS n, 'k' || i AS id, CASE i % 4 WHEN 0 THEN 'Default' ELSE 'web-' || i END AS name,"
    " i % 3 <> 0 AS is_active, 'acme' AS organization_slug,"
    # One key does not tell its project.
    " CASE WHEN i < 40 THEN CAST(i % 5 AS BIGINT) END AS project_id,"
    " 'p' || project_id AS project_slug, TIMESTAMPTZ '2026-11-01' - to_days(CAST(i * 7 AS INTEGER))"
    " AS date_created, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'null'"
    ' ELSE \'{"window": 60, "count": 5}\' END AS rate_limit FROM range(1, 41) AS r(i)'
)
POLICY = """
policy: here
version: 1.0.0
title: Here
rules:
  - {id: max-age, title: A, severity: high, resource: sentry_key, check: {max_age: 90d}}
  - {id: limit, title: B, severity: low, resource: sentry_key, check: {rate_limit: true}}
  - {id: count, title: C, severity: low, resource: sentry_key, check: {max_active_per_project: 2}}
  - {id: age, title: D, severity: low, resource: sentry_key, require: age_days < 90}
"""
OF_PROJECTS = """
  - {id: team, title: E, severity: low, resource: sentry_project, require: platform <> 'other'}
"""


pytestmark = pytest.mark.engine

SUBMIT = " ".join(f"--conf {name}='{value}'" for name, value in SETTINGS.items())

SCAN = ("scan", "--policy", "here.yaml", "--as-of", "2026-11-20", "--format", "json")


def by_spark(
    folder: Path, inventory: Path | str, *arguments: object, run: Callable[..., Result] = here
) -> dict[str, Any]:
    """Return the report of a scan by Spark that fails the gate."""
    scanned = run(
        *(*SCAN, "--engine", "spark", "--inventory", inventory, *arguments),
        cwd=folder,
        PYSPARK_SUBMIT_ARGS=f"{SUBMIT} pyspark-shell",
    )
    assert scanned.code == 1, scanned.err
    made: dict[str, Any] = json.loads(scanned.out)
    return made


@pytest.mark.timeout(600)
def test_spark_judges_what_it_reads_and_writes_the_findings(tmp_path: Path) -> None:
    skip_without_java()
    (tmp_path / "here.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "keys").mkdir()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE k AS {KEYS}")
        for part in (0, 1):
            connection.execute(
                f"COPY (SELECT * EXCLUDE n FROM k WHERE n % 2 = {part})"
                f" TO '{tmp_path}/keys/{part}.parquet' (FORMAT parquet)"
            )
        records = [
            {
                "id": key,
                "name": name,
                "isActive": active,
                **({} if project is None else {"projectId": project}),
                "dateCreated": created.isoformat(),
                "public": "p",
                "dsn": {},
                **({} if limit is None else {"rateLimit": json.loads(limit)}),
            }
            for key, name, active, project, created, limit in connection.execute(
                "SELECT id, name, is_active, project_id, date_created, rate_limit FROM k"
            ).fetchall()
        ]
    (tmp_path / "keys.json").write_text(json.dumps(records), "utf-8")
    reports = ("--findings", "found", "-o", "r.sarif", "-o", "r.html")
    # A process of its own, which ends, and whose Java writes nothing where the report goes.
    made = by_spark(tmp_path, "keys/*.parquet", *reports, run=keypolicy)
    by_file = here(*SCAN, "--inventory", "keys.json", "--allow-partial", cwd=tmp_path)
    expected: dict[str, Any] = json.loads(by_file.out)
    assert [one["counts"] for one in made["rules"]] == [one["counts"] for one in expected["rules"]]
    assert _keys(made) == _keys(expected)
    written = (
        duckdb.connect()
        .execute(
            f"SELECT rule_id, resource_id, outcome FROM '{tmp_path}/found/*/*.parquet' ORDER BY ALL"
        )
        .fetchall()
    )
    assert written == sorted(_keys(made))
    assert (tmp_path / "r.sarif").stat().st_size
    assert (tmp_path / "r.html").stat().st_size


@pytest.mark.timeout(600)
def test_spark_reads_what_fetch_writes(tmp_path: Path) -> None:
    skip_without_java()
    for name in ("demo.jsonl", "demo.parquet"):
        fetched = here("fetch", "--demo", "--as-of", "2026-11-20", "-o", name, cwd=tmp_path)
        assert fetched.code == 0
    (tmp_path / "here.yaml").write_text(POLICY + OF_PROJECTS, "utf-8")
    # Such a name of a folder is a column for Spark, where a table has none.
    lake = tmp_path / "lake" / "organization=other"
    lake.mkdir(parents=True)
    (tmp_path / "demo.parquet").rename(lake / "demo.parquet")
    # Whole, for the Java of this process may have begun in another folder.
    made = by_spark(tmp_path, tmp_path / "lake")
    expected: dict[str, Any] = json.loads(
        here(*SCAN, "--inventory", "demo.jsonl", cwd=tmp_path).out
    )
    assert [one["counts"] for one in made["rules"]] == [one["counts"] for one in expected["rules"]]
    assert _keys(made) == _keys(expected)
    assert made["inventory"]["organizations"] == expected["inventory"]["organizations"]


def _keys(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted(
        (one["rule_id"], one["resource"]["id"], one["outcome"]) for one in report["findings"]
    )


def test_a_regular_expression_that_may_never_end_is_refused(tmp_path: Path) -> None:
    rule = "require: regexp_matches(name, '(a|aa)+$')"
    (tmp_path / "p.yaml").write_text(
        "policy: other\nversion: 1.0.0\ntitle: O\nrules:\n"
        f"  - id: a\n    title: A\n    severity: low\n    resource: sentry_key\n    {rule}\n",
        "utf-8",
    )
    done = here(
        *("scan", "--engine", "spark", "--policy", "p.yaml", "--inventory", "/nowhere/*.parquet"),
        cwd=tmp_path,
    )
    assert done.code == 2
    assert "p.yaml:9:35: " in done.err
    assert "too long" in done.err
