"""PostgreSQL says the same as DuckDB, for every predicate that it is asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pg8000.native
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from scanner.catalogue import TABLES
from scanner.engine.database import connect
from scanner.engine.dialect.letters import NAMES, letters
from scanner.engine.dialect.postgres import POSTGRES
from tests.engines import postgres
from tests.unit.engine.dialect.agreement import Agreement
from tests.unit.engine.dialect.worlds import PREDICATES, ROWS
from tests.unit.engine.support import rule

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
            texts = [f"{exp.Literal.string(text).sql('postgres')} AS {name}" for name, text in pairs]
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

    @settings(
        max_examples=25,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(PREDICATES, min_size=40, max_size=40), st.lists(ROWS, min_size=40, max_size=40)
    )
    def compare(predicates: list[str], rows: list[dict[str, Any]]) -> None:
        rules = [rule(text, name=f"r{n}") for n, text in enumerate(predicates)]
        agreement.compare(rules, [{"organization_slug": "acme", **row} for row in rows])

    compare()
    assert agreement.differences == []
    assert agreement.counts["predicates"] > 600
