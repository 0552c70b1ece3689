"""Rules and rows for tests of the engine, without YAML or files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from scanner.base.errors import Location
from scanner.catalogue import TABLES
from scanner.engine.database import Connection, connect, create
from scanner.engine.intake.export import fetch
from scanner.engine.judge.evaluate import CODES, Evaluated, evaluate
from scanner.engine.judge.prepare import prepare
from scanner.model.inventory import Inventory, Needs, RawInput, Scope
from scanner.model.outcome import Severity
from scanner.model.rule import ParamValue, Predicate, Rule

Row = dict[str, object]

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def predicate(text: str, params: Mapping[str, ParamValue] | None = None) -> Predicate:
    return Predicate(text, dict(params or {}), Location("p.yaml", 7, 12))


def rule(
    require: str,
    where: str | None = None,
    *,
    name: str = "r",
    params: Mapping[str, ParamValue] | None = None,
    message: str = "",
    severity: Severity = Severity.HIGH,
    resource: str = "sentry_key",
) -> Rule:
    return Rule(
        id=name,
        policy="p",
        title=f"Title of {name}",
        severity=severity,
        resource=resource,
        requirement=predicate(require, params),
        location=Location("p.yaml", 5, 5),
        where=None if where is None else predicate(where, params),
        message=message,
    )


def database(rows: Iterable[Mapping[str, Any]], table: str = "sentry_key") -> Connection:
    connection = connect()
    insert(connection, table, rows)
    return connection


def insert(connection: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows; those that follow each other with the same columns by one statement."""
    for names, some in groupby(rows, key=tuple):
        values = [tuple(row.values()) for row in some]
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join([f"({', '.join('?' * len(names))})"] * len(values))
        connection.execute(
            f'INSERT INTO "{table}" ({columns}) VALUES {marks}', [*chain.from_iterable(values)]
        )


@cache
def shared() -> Connection:
    """One database for many tests: to open one takes longer than to judge a few rows."""
    return connect()


@cache
def _empty() -> Connection:
    return connect()


@contextmanager
def fresh() -> Iterator[Connection]:
    """As good as a new database, in a quarter of the time: its tables are made anew afterwards.

    It is not sealed, as that cannot be undone.
    """
    connection = _empty()
    try:
        yield connection
    finally:
        for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        for name, table in TABLES.items():
            create(connection, name, table.columns)


def outcomes(
    rules: Sequence[Rule], rows: Iterable[Row], table: str = "sentry_key"
) -> list[list[str]]:
    """For each rule, the outcome of each row in order."""
    connection = shared()
    create(connection, table, TABLES[table].columns)
    insert(connection, table, ({"id": f"{n:06}", **row} for n, row in enumerate(rows)))
    evaluated = evaluate(connection, prepare(connection, rules), AS_OF)
    return [
        [CODES[code].value for (code,) in connection.execute(_codes(one)).fetchall()]
        for one in evaluated
    ]


def _codes(one: Evaluated) -> str:
    table = one.prepared.rule.resource
    return (
        f'SELECT v.{one.column} FROM {one.verdicts} AS v JOIN "{table}" AS t'
        " ON t.rowid = v.number ORDER BY t.id"
    )


class _Given:
    """A source whose inventory is a file that is there already."""

    def __init__(self, raw: RawInput) -> None:
        self._raw = raw

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        del scope, needs, workspace
        return Inventory((self._raw,), ())


def to_parquet(raw: RawInput, output: Path) -> None:
    """Write an inventory of lines as `keypolicy fetch -o FILE.parquet` does."""
    fetch(_Given(raw), Scope(), Needs({}), raw.path.parent, output)
