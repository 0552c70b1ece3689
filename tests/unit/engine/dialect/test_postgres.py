"""PostgreSQL says the same as DuckDB, for every predicate that it is asked."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
from sqlglot import exp

from scanner.catalogue import TABLES
from scanner.engine.database import connect
from scanner.engine.dialect.letters import NAMES, letters
from scanner.engine.dialect.words.postgres import POSTGRES
from tests.engines import postgres
from tests.unit.engine.dialect.agreement import (
    AT_ONCE,
    Agreement,
    compare_once_different,
    compare_random,
    compare_rules,
    compare_windows,
    rules_of_checks,
    shipped_rules,
)

pytestmark = [pytest.mark.timeout(1_800), pytest.mark.engine]

ROUNDS = int(os.environ.get("TEST_AGREEMENT_ROUNDS", "1"))
"""Rounds of 120 random predicates over 80 rows; `.ci/run` asks for more."""

TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "JSON": "jsonb",
    "VARCHAR[]": "text[]",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


class Database:
    """A database with the tables of the catalogue."""

    def __init__(self, connection: pg8000.native.Connection) -> None:
        self._connection = connection
        connection.run("SET TimeZone = 'UTC'")
        for name, table in TABLES.items():
            columns = [f'"{one}" {TYPES[spec.type]}' for one, spec in table.columns.items()]
            connection.run(f'CREATE TABLE "{name}" ({", ".join(columns)})')
        with connect() as own:
            pairs = zip(NAMES, letters(own), strict=True)
            texts = [
                f"{exp.Literal.string(text).sql('postgres')} AS {name}" for name, text in pairs
            ]
        connection.run(f"CREATE TABLE letters AS SELECT {', '.join(texts)}")

    def ask(
        self, table: str, rows: Sequence[Mapping[str, Any]], expressions: Sequence[str]
    ) -> list[tuple[int, ...]]:
        connection = self._connection
        connection.run("BEGIN")
        try:
            for row in rows:
                kinds = {name: TYPES[TABLES[table].columns[name].type] for name in row}
                marks = ", ".join(f"CAST(:{name} AS {kind})" for name, kind in kinds.items())
                connection.run(f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({marks})', **row)
            chosen = ", ".join(expressions)
            sql = f'SELECT {chosen} FROM "{table}" CROSS JOIN letters ORDER BY id COLLATE "C"'
            found = connection.execute_simple(sql).rows
            return [tuple(int(one) for one in row) for row in found]
        finally:
            connection.run("ROLLBACK")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with (
        postgres.server() as folder,
        pg8000.native.Connection(
            postgres.USER, database="postgres", unix_sock=f"{folder}/.s.PGSQL.5432"
        ) as connection,
    ):
        yield Database(connection)


def test_random_predicates_come_to_the_same_outcomes(database: Database) -> None:
    agreement = Agreement(POSTGRES, database.ask)
    compare_random(agreement, ROUNDS)
    assert agreement.differences == {}
    assert agreement.counts["predicates"] > ROUNDS * AT_ONCE // 2


def test_what_was_different_once_is_the_same(database: Database) -> None:
    agreement = Agreement(POSTGRES, database.ask)
    compare_once_different(agreement)
    assert agreement.differences == {}
    assert not agreement.refused


def test_windows_come_to_the_same_outcomes_over_every_frame(database: Database) -> None:
    agreement = Agreement(POSTGRES, database.ask)
    compare_windows(agreement, ROUNDS)
    assert agreement.differences == {}
    assert agreement.counts["predicates"] > ROUNDS * AT_ONCE // 5


def test_shipped_rules_come_to_the_same_outcomes(database: Database) -> None:
    agreement = Agreement(POSTGRES, database.ask)
    rules = {one.id: one for one in shipped_rules()}
    compare_rules(agreement, list(rules.values()))
    assert agreement.differences == {}
    assert not agreement.refused
    assert agreement.counts["predicates"] == len(rules)


def test_checks_come_to_the_same_outcomes(database: Database, tmp_path: Path) -> None:
    agreement = Agreement(POSTGRES, database.ask)
    rules = rules_of_checks(tmp_path)
    compare_rules(agreement, rules)
    assert agreement.differences == {}
    assert not agreement.refused
    assert agreement.counts["predicates"] == len(rules)
