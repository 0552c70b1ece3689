"""Columns whose values depend on as-of, and predicates that do: what they are on another day.

Loading makes times NULL that lie after as-of, and counts ages at it. So an inventory that is to be
looked at on later days is loaded as of the last of them and then wound back to the first.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from scanner.catalogue import SKEW_MINUTES, TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.syntax import Node, column

AT: Final = "_at"
DAY: Final = "_day"
"""Columns of the days, where they are a dimension of a statement: the time, and its number."""

_AHEAD: Final = "_ahead_"  # begins the name of the column for times that lie after as-of
_NOW: Final = f"${AS_OF}"
_OF_RECORDS: Final = re.compile(r"<(?:\$|type )|\bjoined\.")  # what only loading knows


def hold_back(connection: Connection, tables: Iterable[str], as_of: datetime) -> None:
    """Make tables that were loaded as of a later time what they are as of `as_of`.

    Times after it become NULL, and are kept in columns of their own for `moving` to bring back.
    """
    for table in tables:
        for name in _times(table):
            later = f'"{name}" > {_NOW} + INTERVAL {SKEW_MINUTES} MINUTE'
            counted = connection.execute(
                f'SELECT count(*) FROM "{table}" WHERE {later}', {AS_OF: as_of}
            ).fetchone()
            if counted and counted[0]:
                column = f'"{_AHEAD}{name}"'
                connection.execute(f'ALTER TABLE "{table}" ADD COLUMN {column} TIMESTAMPTZ')
                connection.execute(
                    f'UPDATE "{table}" SET {column} = "{name}" WHERE {later}', {AS_OF: as_of}
                )
        wind(connection, table, as_of)


def wind(connection: Connection, table: str, moment: datetime) -> None:
    """Set the columns that depend on as-of to the values that they have at the moment."""
    made = moving(connection, table, _NOW)
    if made:
        changes = ", ".join(f'"{name}" = {sql}' for name, sql in made.items())
        connection.execute(f'UPDATE "{table}" SET {changes}', {AS_OF: moment})


def moving(connection: Connection, table: str, moment: str) -> dict[str, str]:
    """Return, as SQL over the table's row, what columns that move are at a moment, also SQL.

    Raises ValueError for a column that is made from as-of and cannot be made from other columns.
    """
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = $table", {"table": table}
    ).fetchall()
    ahead = {str(name).removeprefix(_AHEAD) for (name,) in found if name.startswith(_AHEAD)}
    made = {
        name: f'CASE WHEN "{_AHEAD}{name}" IS NULL THEN "{name}" WHEN "{_AHEAD}{name}" <='
        f' {moment} + INTERVAL {SKEW_MINUTES} MINUTE THEN "{_AHEAD}{name}" END'
        for name in _times(table)
        if name in ahead
    }
    return made | _counted(table, moment, made)


def _counted(table: str, moment: str, times: dict[str, str]) -> dict[str, str]:
    """Return the columns that are counted from as-of, over those that hold times."""
    columns = TABLES[table].columns
    made = {}
    for name, spec in columns.items():
        if name in _times(table) or _NOW not in spec.source:
            continue
        sql = spec.source
        for time in _times(table):
            value = times.get(time, f'"{time}"')
            sql = sql.replace(columns[time].source, f"({value})")
        if _OF_RECORDS.search(sql):
            raise ValueError(f"{table}.{name} is made from as-of and from what is not a column")
        made[name] = sql.replace(_NOW, moment)
    return made


def _times(table: str) -> list[str]:
    return [name for name, one in TABLES[table].columns.items() if one.type.startswith("TIMESTAMP")]


def depends(one: Prepared, columns: Iterable[str]) -> bool:
    """Whether the rule can come to another outcome on another day; `columns` are those that move.

    No other can: a predicate is a pure function of its row, its table and as-of.
    """
    asks = any(checked.uses_as_of for checked in one.checks.values())
    return asks or not set(one.columns).isdisjoint(columns)


def by_day(connection: Connection, prepared: Sequence[Prepared]) -> list[Prepared]:
    """Return the rules with the days as a dimension: rows have AT and DAY, windows heed DAY."""
    parts = [
        (place, name, checked)
        for place, one in enumerate(prepared)
        for name, checked in one.checks.items()
    ]
    trees = syntax.parse(connection, [checked.sql for *_, checked in parts])
    texts = syntax.write(connection, [syntax.rewritten(tree, _dated) for tree in trees])
    made = list(prepared)
    for (place, name, checked), text in zip(parts, texts, strict=True):
        changed = {name: msgspec.structs.replace(checked, sql=text)}
        made[place] = msgspec.structs.replace(made[place], **changed)
    return made


def _dated(made: Node) -> Node:
    if made.get("class") == "PARAMETER" and made["identifier"] == AS_OF:
        return column(AT)
    if made.get("class") == "WINDOW":
        return {**made, "partitions": [*made["partitions"], column(DAY)]}
    return made
