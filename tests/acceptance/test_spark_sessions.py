"""`scan --engine spark` with a session that somebody else gives: spark-submit, Spark Connect."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
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

ROOT = Path(__file__).parents[2]
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


def outcome(command: list[str], folder: Path, *more: str, **environment: str) -> dict[str, int]:
    """Run a scan, and return the counts of its rule."""
    done = subprocess.run(
        [
            *(*command, "scan", "--engine", "spark", "--inventory", "keys.parquet"),
            *("--policy", "here.yaml", "--as-of", "2026-11-20", "-o", "r.json", "--allow-partial"),
            *more,
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
    command = [str(SUBMIT), *conf, "scan.py"]
    assert outcome(command, folder, "--findings", "found") == {"pass": 3, "fail": 2}
    assert (folder / "found").is_dir(), "a path that is not whole is one of this folder"


def test_the_docs_have_the_wrapper() -> None:
    page = ROOT / "docs" / "engines.md"
    assert WRAPPER in page.read_text("utf-8")


@pytest.fixture
def client() -> dict[str, str]:
    """Return the environment in which a client of Spark Connect is found; skip without one.

    TEST_SPARK_CONNECT names a folder that has its packages, where they are not installed.
    """
    if given := os.environ.get("TEST_SPARK_CONNECT"):
        return {"PYTHONPATH": os.pathsep.join((given, str(ROOT)))}
    if any(importlib.util.find_spec(name) is None for name in ("grpc", "pandas", "pyarrow")):
        pytest.skip("the client of Spark Connect is not installed; see TEST_SPARK_CONNECT")
    return {}


@pytest.fixture
def server(folder: Path, client: dict[str, str]) -> Iterator[str]:
    """The URL of a server that runs by itself, as it would on another machine."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    conf = {**SETTINGS, "spark.connect.grpc.binding.port": port, "spark.ui.enabled": "false"}
    options = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    name = "org.apache.spark.sql.connect.service.SparkConnectServer"
    process = subprocess.Popen(
        [str(SUBMIT), "--class", name, "--master", "local[2]", *options, "spark-internal"],
        cwd=folder,
        env={**os.environ, **client},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("localhost", port)).close()
                break
            time.sleep(0.2)
        yield f"sc://localhost:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_a_server_of_spark_connect_evaluates(
    folder: Path, client: dict[str, str], server: str
) -> None:
    found = outcome([sys.executable, "-m", "scanner"], folder, **client, SPARK_REMOTE=server)
    assert found == {"pass": 3, "fail": 2}
