"""A Parquet file unpacks to no more than its size lets expect, whatever it says of itself."""

from pathlib import Path

import duckdb
import pytest

from scanner.base import packed
from scanner.base.errors import InventoryFileError
from scanner.engine.intake.envelope import read_envelopes
from scanner.model.inventory import Layout, RawInput
from tests.unit.engine.support import fresh

BOMBS = {
    "compressed texts": "SELECT 'a' AS kind, '' AS organization, '' AS project,"
    " repeat('a', 1000000) || i AS record FROM range(300) t(i)",
    "one text for all rows": "SELECT 'a' AS kind, '' AS organization, '' AS project,"
    " repeat('a', 1000000) AS record FROM range(1000)",
    "empty rows": "SELECT '' AS kind, NULL::VARCHAR AS organization, NULL::VARCHAR AS project,"
    " '' AS record FROM range(20000000)",
    "a text in another column": "SELECT 'a' AS kind, repeat('a', 1000000) AS organization,"
    " '' AS project, '{}' AS record FROM range(1000)",
}


def _raw(path: Path, sql: str) -> RawInput:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return RawInput(path, Layout.INVENTORY_PARQUET, label=path.name)


@pytest.mark.parametrize("sql", BOMBS.values(), ids=list(BOMBS))
def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path: Path, sql: str) -> None:
    raw = _raw(tmp_path / "bomb.parquet", sql)
    assert raw.path.stat().st_size < 1 << 20
    with fresh() as connection, pytest.raises(InventoryFileError, match="unpacks to") as refusal:
        read_envelopes(connection, {0: raw})
    assert refusal.value.exit_code == 2
    assert "bomb.parquet" in str(refusal.value)


def test_a_large_file_may_unpack_to_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_FREE_BYTES", 1000)
    sql = (
        "SELECT 'sentry_key' AS kind, 'a' AS organization, 'b' AS project,"
        " to_json(sha256(i::VARCHAR))::VARCHAR AS record FROM range(10000) t(i)"
    )
    raw = _raw(tmp_path / "large.parquet", sql)
    with fresh() as connection, pytest.raises(InventoryFileError, match="cut off"):
        read_envelopes(connection, {0: raw})
