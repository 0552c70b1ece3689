import errno
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scanner.model.run import Run
from scanner.report import parquet
from scanner.report.parts.flat import COLUMNS
from tests.kept import golden
from tests.unit.report.factory import HOSTILE, RULES, empty_run, finding, large_run, run_of
from tests.unit.report.rendering import another_time, full_run, render

AGE = RULES[0]
Content = tuple[list[tuple[str, str]], list[tuple[Any, ...]]]


def content(file: Path) -> Content:
    """Return columns with types, and rows; the bytes depend on the version of DuckDB."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        described = connection.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()
        # As text: DuckDB needs another package to make a time with a zone for Python.
        rows = connection.execute(
            "SELECT * REPLACE (CAST(first_seen AS VARCHAR) AS first_seen) FROM read_parquet(?)",
            [str(file)],
        ).fetchall()
        return [(name, kind) for name, kind, *_ in described], rows


def written(run: Run, folder: Path) -> Path:
    file = folder / "report.parquet"
    file.write_bytes(render("parquet", run))
    return file


def test_columns_and_types_are_the_same_without_a_finding(tmp_path: Path) -> None:
    columns, rows = content(written(empty_run(), tmp_path))
    assert [name for name, _ in columns] == list(COLUMNS)
    assert rows == []
    assert columns == content(golden("parquet"))[0]


def test_values_are_as_they_came(tmp_path: Path) -> None:
    found = [
        finding(AGE, f"{i:032x}", name=name) for i, name in enumerate(HOSTILE.values()) if name
    ]
    columns, rows = content(written(run_of(RULES, found), tmp_path))
    names = [row[[name for name, _ in columns].index("resource_name")] for row in rows]
    assert names == list(HOSTILE.values())


def test_many_findings_keep_their_order(tmp_path: Path) -> None:
    run = large_run(10_000)
    columns, rows = content(written(run, tmp_path))
    at = [name for name, _ in columns].index("fingerprint")
    assert [row[at] for row in rows] == [f.fingerprint for f in run.findings]


def test_the_file_tells_run_and_verdict(tmp_path: Path) -> None:
    file = written(full_run(), tmp_path)
    with duckdb.connect() as connection:
        read = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(file)])
        notes = {bytes(key).decode(): bytes(value).decode() for key, value in read.fetchall()}
    assert notes["run_id"] == full_run().info.id
    assert notes["gate"] == "incomplete"
    assert notes["as_of"] == "2026-03-01T00:00:00Z"


def test_rows_do_not_depend_on_the_run(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = content(written(full_run(), tmp_path))
    assert first == content(written(another_time(full_run()), tmp_path / "other"))
    assert render("parquet", full_run()) == render("parquet", full_run())


def test_a_failure_of_the_database_is_one_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException(errno.errorcode[errno.ENOSPC])

    monkeypatch.setattr(parquet, "_join", full)
    with pytest.raises(OSError, match="could not be made: ENOSPC"):
        render("parquet", empty_run())
