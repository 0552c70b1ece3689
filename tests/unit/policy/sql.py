"""Runs a predicate on rows in DuckDB, in the simplest way that can be right.

The engine does it fast and behind a guard; here only the meaning of the SQL counts.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb

from scanner.catalogue import TABLES
from scanner.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from scanner.model.rule import Predicate, Rule

_VERDICTS = {True: Outcome.PASS, False: Outcome.FAIL, None: Outcome.UNKNOWN}


def verdicts(
    predicate: Predicate, table: str, rows: Sequence[Mapping[str, Any]], as_of: datetime
) -> dict[str, bool | None]:
    """Tell by the rows' ids what the predicate is on them."""
    columns = TABLES[table].columns
    types = ", ".join(f'"{name}" {column.type}' for name, column in columns.items())
    database = _open()
    database.execute(f"CREATE OR REPLACE TABLE {table} ({types})")
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        database.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            list(row.values()),
        )
    text = predicate.text.replace("now()", "$as_of")
    params = {**predicate.params, "as_of": as_of}
    used = {name: value for name, value in params.items() if f"${name}" in text}
    found = database.execute(f"SELECT id, {text} FROM {table}", used)
    return {str(identifier): verdict for identifier, verdict in found.fetchall()}


@cache
def _open() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    return database


def outcomes(rule: Rule, rows: Sequence[Mapping[str, Any]], as_of: datetime) -> dict[str, Outcome]:
    """Tell by the rows' ids what the rule comes to on them."""
    required = verdicts(rule.requirement, rule.resource, rows, as_of)
    if rule.where is None:
        return {row: _VERDICTS[verdict] for row, verdict in required.items()}
    applies = verdicts(rule.where, rule.resource, rows, as_of)
    return {
        row: _VERDICTS[verdict]
        if applies[row]
        else (Outcome.UNKNOWN if applies[row] is None else Outcome.NOT_APPLICABLE)
        for row, verdict in required.items()
    }
