"""Rows of test cases: what follows from what they say, and how they get into the tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from scanner.catalogue import SKEW_MINUTES, TABLES, TEXTS
from scanner.engine.database import Connection, connect, seal
from scanner.policy.files.case_reader import Case, Cell

CASE: Final = "_case"
"""Column with the number of the row's case; no predicate can name it."""

_TIME: Final = "TIMESTAMP WITH TIME ZONE"
_SHAPES: Final = {_TIME: "VARCHAR", TEXTS: ["VARCHAR"]}
"""What json_transform is told in place of these types."""

TableRow = dict[str, Cell]


def completed(table: str, row: Mapping[str, Cell], as_of: datetime) -> TableRow:
    """Return the row with the columns that follow from the ones given, as ingestion makes them.

    A column that is given stays as it is, but for a time that lies after as-of: in a scan that is
    not known. `title` is the name, `age_days` counts from
    `date_created` to as-of, and of `rate_limit`, `rate_limit_count` with `rate_limit_window`, and
    `has_rate_limit` with `rate_limit_per_second` the later follow from the earlier. An explicit
    `rate_limit: null` means that there is no limit; left out, nobody told.
    """
    made = dict(row)
    columns = TABLES[table].columns
    for name, cell in row.items():
        if isinstance(cell, str) and columns[name].is_past and _is_ahead(cell, as_of):
            made[name] = None
    if "name" in made and "title" in columns:
        made.setdefault("title", made["name"])
    created = made.get("date_created")
    if isinstance(created, str) and "age_days" in columns:
        made.setdefault("age_days", max((as_of - datetime.fromisoformat(created)).days, 0))
    if "rate_limit" in columns:
        _complete_limit(made)
    return made


def _is_ahead(time: str, as_of: datetime) -> bool:
    """Whether a time lies after as-of by more than clocks may differ."""
    return datetime.fromisoformat(time) - as_of > timedelta(minutes=SKEW_MINUTES)


def _complete_limit(row: TableRow) -> None:
    if "rate_limit" in row:
        limit = row["rate_limit"]
        if limit is None:
            row.setdefault("has_rate_limit", False)
        if isinstance(limit, dict):
            row.setdefault("rate_limit_count", limit.get("count"))
            row.setdefault("rate_limit_window", limit.get("window"))
    count, window = row.get("rate_limit_count"), row.get("rate_limit_window")
    if not (isinstance(count, int) and isinstance(window, int)):
        return
    row.setdefault("rate_limit", {"window": window, "count": count})
    row.setdefault("has_rate_limit", count > 0 and window > 0)
    if window > 0:
        row.setdefault("rate_limit_per_second", count / window)


def open_tables() -> Connection:
    """Open a database with the tables of a scan, each with the column CASE."""
    connection = connect()
    seal(connection)
    for name in TABLES:
        connection.execute(f'ALTER TABLE "{name}" ADD COLUMN {CASE} INTEGER')
    return connection


def fill(connection: Connection, cases: Iterable[tuple[int, Case]]) -> None:
    """Let the tables hold the rows of these cases, and no others."""
    tables: dict[str, list[TableRow]] = {name: [] for name in TABLES}
    for number, case in cases:
        for name, rows in case.rows.items():
            tables[name] += [{**completed(name, row, case.as_of), CASE: number} for row in rows]
    for name, rows in tables.items():
        connection.execute(f'DELETE FROM "{name}"')
        if rows:
            _insert(connection, name, rows)


def _insert(connection: Connection, table: str, rows: Sequence[TableRow]) -> None:
    """Insert rows in one statement; their types were checked when the cases were read."""
    types = {**TABLES[table].types, CASE: "INTEGER"}
    used = [name for name in types if any(row.get(name) is not None for row in rows)]
    # DuckDB casts text to times where it is asked to, but not from within JSON.
    shape = {name: _SHAPES.get(types[name], types[name]) for name in used}
    chosen = ", ".join(f'CAST(u."{name}" AS {types[name]}) AS "{name}"' for name in used)
    connection.execute(
        f'INSERT INTO "{table}" BY NAME SELECT {chosen} FROM (SELECT'
        f" unnest(json_transform(CAST($rows AS JSON), '{json.dumps([shape])}')) AS u)",
        {"rows": json.dumps([_plain(row, types) for row in rows])},
    )


def _plain(row: TableRow, types: Mapping[str, str]) -> TableRow:
    return {
        name: datetime.fromisoformat(cell).isoformat()
        if types[name] == _TIME and isinstance(cell, str)
        else cell
        for name, cell in row.items()
        if cell is not None
    }
