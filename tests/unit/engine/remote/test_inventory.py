"""What an inventory in Parquet says of itself is heard by Spark, too."""

import json
from collections.abc import Iterator
from typing import Any, Self

import duckdb
import pytest

from scanner.base.errors import InventoryFileError
from scanner.engine.remote.inventory import SparkInventory
from scanner.model.inventory import Reach, Scope

HEADER = {
    "version": 2,
    "sources": ["https://sentry.example"],
    "scope": {"organizations": ["acme"], "projects": ["web"]},
    "filters": {"status": "active"},
    "columns": {},
}
COVERED = {"state": "partial", "reason": "few", "gaps": [], "rows": 0}
ENDING = {"coverage": {"sentry_key": COVERED, "sentry_project": COVERED}}


class Frame:
    """A frame as Spark has it, of DuckDB."""

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation
        self.columns = relation.columns

    def where(self, condition: str) -> Self:
        return type(self)(self._relation.filter(condition))

    def selectExpr(self, *expressions: str) -> Self:  # noqa: N802 - Spark's name
        return type(self)(self._relation.project(", ".join(expressions)))

    def collect(self) -> list[Any]:
        return self._relation.fetchall()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (kind VARCHAR, record VARCHAR, nulls VARCHAR, odd VARCHAR)"
        )
        for kind, record in (("inventory", HEADER), ("end", ENDING)):
            connection.execute(
                "INSERT INTO t (kind, record) VALUES (?, ?)", [kind, json.dumps(record)]
            )
        yield connection


def test_it_tells_what_it_was_asked_for(connection: duckdb.DuckDBPyConnection) -> None:
    found = SparkInventory(Frame(connection.table("t")), "keys.parquet")
    tables = frozenset({"sentry_key", "sentry_project"})
    assert found.reaches == (Reach(tables, Scope(("acme",), ("web",)), ("status",)),)


def test_rows_of_other_files_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("INSERT INTO t (record) VALUES ('{}')")
    with pytest.raises(InventoryFileError, match="1 row of files that are no inventory"):
        SparkInventory(Frame(connection.table("t")), "keys.parquet")
