"""The tables here that hold what comes back from another database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from scanner.catalogue import NOWHERE, TABLES
from scanner.catalogue.redact import redacted
from scanner.engine.database import Connection
from scanner.engine.judge import places
from scanner.engine.judge.evaluate import FOUND, Evaluated
from scanner.engine.judge.prepare import AT_ONCE
from scanner.engine.remote.interface import Session

_JSON: Final = {"JSON", "VARCHAR[]"}
"""Types of columns whose values are no JSON text by themselves, but in JSON."""

_TOLD: Final = {"id": "VARCHAR", "codes": "VARCHAR"}


def verdicts(table: str, number: int) -> tuple[str, str]:
    """Return the table and the column of the verdicts of a table's rule with this number."""
    return f"verdicts_{table}_{number // AT_ONCE}", f"o{number % AT_ONCE}"


def place(connection: Connection, session: Session, table: str, relation: str) -> None:
    """Put a row for each label of a place into the table, without anything else in it."""
    names, types = _labels(table), TABLES[table].types
    sql = f"SELECT DISTINCT {', '.join(names)} FROM ({relation}) AS t"
    for some in session.rows(sql):
        rows = [dict(zip(names, row, strict=True)) for row in some]
        insert(connection, table, {name: types[name] for name in names}, rows)


def places_in(connection: Connection, table: str) -> set[tuple[str | None, str | None]]:
    """Return the organizations and projects that the table tells."""
    spec = TABLES[table]
    sql = f'SELECT DISTINCT {spec.organization}, {spec.project} FROM "{table}"'
    return set(connection.execute(sql).fetchall())


def marks(connection: Connection, session: Session, table: str) -> tuple[str, str]:
    """Return what `places` marked as columns and a join for the other database, if it did."""
    described = connection.execute(f'DESCRIBE "{table}"').fetchall()
    if places.BITS not in {str(name) for name, *_ in described}:
        return "", ""
    types = TABLES[table].types
    keys = {name: types[name] for name in _labels(table)}
    kinds = [*keys.values(), "BIGINT", "VARCHAR"]
    # A NULL is of its column's type: no database compares texts with numbers.
    none = [session.words.templates[f"no {kind}"] for kind in kinds]
    zero = session.value(0)
    found = connection.execute(
        f'SELECT {", ".join(keys)}, {places.BITS}, {places.WHY} FROM "{table}"'
        f" WHERE {places.BITS} <> 0 OR {places.WHY} IS NOT NULL"
    ).fetchall()
    if not found:
        return f", {zero} AS {places.BITS}, {none[-1]} AS {places.WHY}", ""
    rows = (
        ", ".join(
            null if one is None else session.value(one) for one, null in zip(row, none, strict=True)
        )
        for row in found
    )
    names = [f"k{number}" for number in range(len(keys))]
    same = " AND ".join(
        _same(f"t.{key}", f"m.{name}", session.value("" if kind == "VARCHAR" else 0))
        for (key, kind), name in zip(keys.items(), names, strict=True)
    )
    return (
        f", coalesce(m.bits, {zero}) AS {places.BITS}, m.why AS {places.WHY}",
        f" LEFT JOIN (VALUES ({'), ('.join(rows)})) AS m({', '.join(names)}, bits, why) ON {same}",
    )


def _same(one: str, other: str, nothing: str) -> str:
    """Return that two are the same, NULL too; by the first part a database can join thousands."""
    return (
        f"coalesce({one}, {nothing}) = coalesce({other}, {nothing})"
        f" AND {one} IS NOT DISTINCT FROM {other}"
    )


def fill(connection: Connection, table: str, answer: Iterable[Sequence[str]], rules: int) -> None:
    """Put rows that came back as JSON into the table, and their codes into verdicts."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _TOLD.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told ({columns})")
    for texts in answer:
        # Without what looks like a secret, as records are that come into a table.
        rows = [redacted(msgspec.json.decode(text)) for text in texts]
        named = {name for row in rows for name in row}
        kinds = {name: kind for name, kind in TABLES[table].types.items() if name in named}
        insert(connection, table, kinds, rows)
        insert(connection, "told", _TOLD, rows)
    _mark_rows(connection, table)
    for start in range(0, rules, AT_ONCE):
        name, _ = verdicts(table, start)
        chosen = ", ".join(
            f"CAST(substring(codes, {number + 1}, 1) AS TINYINT) AS {verdicts(table, number)[1]}"
            for number in range(start, min(start + AT_ONCE, rules))
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE {name} AS SELECT t.rowid AS number, {chosen}"
            f' FROM told JOIN "{table}" AS t USING (id)'
        )
    connection.execute("DROP TABLE told")


def is_whole(connection: Connection, found: Sequence[Evaluated]) -> bool:
    """Whether as many findings are in the verdicts as were counted."""
    for one in found:
        sql = f"SELECT count(*) FROM {one.verdicts} WHERE {one.column} IN {FOUND}"
        if connection.execute(sql).fetchall() != [(one.found,)]:
            return False
    return True


def _labels(table: str) -> list[str]:
    spec = TABLES[table]
    if places.has_projects(table):
        return [spec.organization, "project_id", "project_slug"]
    # A project is a place by itself.
    return [spec.organization, *([spec.project] if spec.project != NOWHERE else [])]


def _mark_rows(connection: Connection, table: str) -> None:
    """Note beside each row what is noted beside the label of its place."""
    described = connection.execute(f'DESCRIBE "{table}"').fetchall()
    if places.BITS not in {str(name) for name, *_ in described}:
        return
    same = " AND ".join(f"t.{key} IS NOT DISTINCT FROM l.{key}" for key in _labels(table))
    connection.execute(
        f'UPDATE "{table}" AS t SET {places.BITS} = l.{places.BITS}, {places.WHY} = l.{places.WHY}'
        f' FROM "{table}" AS l WHERE l.id IS NULL AND t.id IS NOT NULL AND {same}'
    )


def insert(
    connection: Connection, table: str, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put what rows have of these columns into a table, strictly; it goes over as one JSON text."""
    form = {name: "JSON" if kind in _JSON else "VARCHAR" for name, kind in kinds.items()}
    names = ", ".join(f'"{name}"' for name in kinds)
    cells = ", ".join(_cell(f'r."{name}"', kind) for name, kind in kinds.items())
    connection.execute(
        f'INSERT INTO "{table}" ({names}) SELECT {cells}'
        f" FROM (SELECT unnest(from_json($rows, '{json.dumps([form])}')) AS r)",
        {"rows": msgspec.json.encode(rows).decode()},
    )


def _cell(value: str, kind: str) -> str:
    if kind != "JSON":
        return f"CAST({value} AS {kind})"
    # Some databases have no type for it: theirs are texts.
    text = f"CAST({value} ->> '$' AS JSON)"
    return f"CASE WHEN json_type({value}) = 'VARCHAR' THEN {text} ELSE {value} END"
