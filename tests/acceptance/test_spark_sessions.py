"""`scan --engine spark` with a session that somebody else gives: spark-submit, Spark Connect."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyspark
import pytest

from tests.engines.spark import SETTINGS, skip_without_java

pytestmark = [pytest.mark.timeout(900), pytest.mark.engine]

POLICY = """
policy: here
version: 1.0.0
title: Here
rules:
  - {id: max-age, title: A, severity: high, resource: sentry_key, check: {max_age: 90d}}
"""
WRAPPER = """\
from scanner.cli.main import main

raise SystemExit(main())
"""
"""What docs/engines.md tells to hand to spark-submit, which takes nothing but a .py file."""

SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    skip_without_java()
    (tmp_path / "here.yaml").write_text(POLICY, "utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "COPY (SELECT 'k' || i AS id, 'web' AS name, TIMESTAMPTZ '2026-11-01' -"
            " to_days(CAST(i * 30 AS INTEGER)) AS date_created FROM range(5) AS r(i))"
            f" TO '{tmp_path}/keys.parquet' (FORMAT parquet)"
        )
    return tmp_path


def outcome(command: list[str], folder: Path, **environment: str) -> dict[str, int]:
    """Run a scan, and return the counts of its rule."""
    done = subprocess.run(
        [
            *(*command, "scan", "--engine", "spark", "--inventory", "keys.parquet"),
            *("--policy", "here.yaml", "--as-of", "2026-11-20", "-o", "r.json", "--allow-partial"),
        ],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PYSPARK_PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "UserWarning" not in done.stderr
    made = json.loads((folder / "r.json").read_text("utf-8"))
    counts: dict[str, int] = made["rules"][0]["counts"]
    return {name: number for name, number in counts.items() if number}


def test_the_wrapper_of_the_docs_runs_under_spark_submit(folder: Path) -> None:
    (folder / "scan.py").write_text(WRAPPER, "utf-8")
    conf = [part for name, value in SETTINGS.items() for part in ("--conf", f"{name}={value}")]
    assert outcome([str(SUBMIT), *conf, "scan.py"], folder) == {"pass": 3, "fail": 2}


def test_the_docs_have_the_wrapper() -> None:
    page = Path(__file__).parents[2] / "docs" / "engines.md"
    assert WRAPPER in page.read_text("utf-8")


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("grpc", "pandas", "pyarrow")),
    reason="the client of Spark Connect is not installed",
)
def test_a_server_of_spark_connect_evaluates(folder: Path) -> None:
    found = outcome([sys.executable, "-m", "scanner"], folder, SPARK_REMOTE="local[2]")
    assert found == {"pass": 3, "fail": 2}
