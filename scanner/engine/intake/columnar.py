"""Inventories in Parquet: what columns a file has, and how far it unpacks, before it is read.

Until format version 2 a record was one text. A file since then has columns, and says which: what it
lacks, or has as another type, was edited.
"""

import glob
from collections.abc import Collection, Mapping
from typing import Any, Final

import _duckdb as duckdb

from scanner.base.errors import InventoryFileError, heed_interrupt
from scanner.base.packed import most_unpacked
from scanner.catalogue import PROVIDERS, TABLES
from scanner.engine.database import Connection
from scanner.inventory.envelope import OTHER_VERSION, PLACES, check_line
from scanner.inventory.rows.lines import ENVELOPE
from scanner.inventory.rows.members import NULLS, ODD, OF_TEXT, Member, members
from scanner.inventory.rows.typed import FILES, Present, again
from scanner.inventory.sniff import too_large
from scanner.model.inventory import RawInput

_ROW_BYTES: Final = 16
"""Bytes of a row that has no text at all."""

NAME_ERRORS: Final = (UnicodeDecodeError, RuntimeError)
"""What Python's side of DuckDB raises of the name of a column that is not UTF-8."""

_REMEDY: Final = "It was edited or damaged; fetch it again with `keypolicy fetch -o FILE`."


def path_of(*inputs: RawInput) -> dict[str, list[str]]:
    """Return the parameter that names the files: not their neighbours, as patterns would."""
    return {"path": [glob.escape(str(raw.path)) for raw in inputs]}


def present(connection: Connection, raw: RawInput) -> Present | None:
    """Return which columns the file has for each table, None for one of records as texts.

    Raises InventoryFileError for a column that is missing or of a wrong type, duckdb.Error for
    what is no Parquet.
    """
    found = connection.execute(f"SELECT * FROM {FILES} LIMIT 0", path_of(raw)).description
    types: dict[str, Any] = {name: type_ for name, type_, *_ in found}
    if lacking := [name for name in ENVELOPE if name not in types]:
        raise InventoryFileError(
            f"is Parquet, but no inventory: it has no column {lacking[0]}",
            where=raw.label,
            remedy="`keypolicy fetch -o FILE.parquet` writes inventories. A table that something"
            " else wrote is for `keypolicy scan --engine spark`.",
        )
    if types.keys().isdisjoint({NULLS, ODD, *TABLES}):
        return None
    for name in (*ENVELOPE, NULLS, ODD):
        if str(types.get(name)) != "VARCHAR":
            raise _wrong(raw, name, types.get(name), "VARCHAR")
    return {name: tuple(_struct(raw, name, types[name])) for name in TABLES if name in types}


def _struct(raw: RawInput, name: str, type_: Any) -> Mapping[str, Any]:  # noqa: ANN401 - duckdb's type of types
    if type_.id != "struct":
        raise _wrong(raw, name, type_, "STRUCT")
    found = dict(type_.children)
    known = members(name)
    for column, kind in found.items():
        if column not in known:
            raise InventoryFileError(
                f"has a column {name}.{column}, which this release does not know",
                where=raw.label,
                remedy=OTHER_VERSION,
            )
        if not _fits(known[column], kind):
            raise _wrong(raw, f"{name}.{column}", kind, known[column].type)
    return found


def _fits(member: Member, kind: Any) -> bool:  # noqa: ANN401 - as above
    if not member.parts:
        return str(kind) == member.type
    if kind.id != "struct":
        return False
    return {name: str(of) for name, of in kind.children} == dict.fromkeys(member.parts, "BIGINT")


def _wrong(raw: RawInput, name: str, found: object, expected: str) -> InventoryFileError:
    said = f"has no column {name}" if found is None else f"has {found} in its column {name}"
    return InventoryFileError(f"{said}; {expected} belongs there", where=raw.label, remedy=_REMEDY)


def check_said(raw: RawInput, said: Mapping[str, tuple[str, ...]], found: Present) -> None:
    """Hold the columns of a file to those that it says it has; raises InventoryFileError."""
    for name in {*said, *found}:
        for column in sorted({*said.get(name, ())}.symmetric_difference(found.get(name, ()))):
            verb = "lacks" if column in said.get(name, ()) else "does not tell of"
            raise InventoryFileError(
                f"{verb} the column {name}.{column}", where=raw.label, remedy=_REMEDY
            )


def check_expansion(connection: Connection, raw: RawInput, found: Present | None) -> None:
    """Refuse a file that unpacks to much more than it is; raises InventoryFileError.

    First by the file's own figures, which takes no unpacking; then by the length of its texts, as
    one that is stored once may be used by any number of rows. Columns that are read of every row
    are measured; heavy ones only in rows whose record is read.
    """
    rest = ", ".join(f"'{path}'" for path in _unread(found))
    said = (
        "SELECT greatest(sum(total_uncompressed_size) FILTER (NOT list_contains"
        f"(CAST([{rest}] AS VARCHAR[]), path_in_schema)), max(row_group_num_rows) *"
        f" (max(row_group_id) + 1) * {_ROW_BYTES}) FROM parquet_metadata($path)"
    )
    for sql in (said, *_measures(found)):
        _measure(connection, raw, sql)


def check_places(connection: Connection, raw: RawInput) -> None:
    """Check kind, organization and project of every row; raises EnvelopeError.

    The other columns may be large. Rows that are no keys are checked as a whole later.
    """
    odd = " OR ".join(f"trim({name}) = ''" for name in PLACES)
    sql = f"SELECT kind, {', '.join(PLACES)} FROM {FILES} WHERE kind IS NULL OR {odd} LIMIT 1"
    for row in connection.execute(sql, path_of(raw)).fetchall():
        check_line(*row)


def refused(connection: Connection, raw: RawInput) -> InventoryFileError | None:
    """Return what is wrong with the first row that has a wrong type, the slow and precise way.

    None where there is none, or what is wrong keeps the rows from being read.
    """
    from scanner.inventory.diagnose import refused_row  # noqa: PLC0415 - for what is refused alone

    row, kinds = "file_row_number + 1 AS row", ", ".join(f"'{name}'" for name in TABLES)
    try:
        found = present(connection, raw)
        lines = f"SELECT kind, record, {row} FROM {FILES}" if found is None else again(found, row)
        sql = f"SELECT row, kind, CAST(record AS VARCHAR) FROM ({lines}) WHERE kind IN ({kinds})"
        # They come in any order.
        rows = connection.cursor().execute(f"{sql} ORDER BY row", path_of(raw))
        return refused_row(raw, iter(rows.fetchone, None))
    except (duckdb.Error, *NAME_ERRORS) as error:
        heed_interrupt(error)
        return None


def check_heavy(connection: Connection, raw: RawInput, name: str, columns: Collection[str]) -> None:
    """Do as `check_expansion` does for the heavy ones of a table's columns that are to be read."""
    texts = [
        f'"{name}"."{column}"'
        for column, member in members(name).items()
        if member.heavy and column in columns
    ]
    if texts:
        _measure(connection, raw, f"SELECT sum({_length(texts)}) FROM {FILES}")


def _measure(connection: Connection, raw: RawInput, sql: str) -> None:
    size = raw.path.stat().st_size
    row = connection.execute(sql, path_of(raw)).fetchone()
    if row and (row[0] or 0) > most_unpacked(size):
        raise too_large(raw.label, int(row[0]), size)


def _unread(found: Present | None) -> list[str]:
    """Return the columns, as Parquet names them, that are not read of every row of the file."""
    if found is None:
        return []
    return [
        ENVELOPE[-1],
        *(
            f"{provider.keys}, {column}"
            for provider in PROVIDERS
            for column in found.get(provider.keys, ())
            if members(provider.keys)[column].heavy
        ),
    ]


def _measures(found: Present | None) -> list[str]:
    if found is None:
        return [f"SELECT sum({_length(ENVELOPE)} + {_ROW_BYTES}) FROM {FILES}"]
    many = [provider.keys for provider in PROVIDERS]
    light, heavy, few = [*ENVELOPE[:-1], NULLS, ODD], [ENVELOPE[-1]], [ENVELOPE[-1]]
    for name, columns in found.items():
        for column in columns:
            member = members(name)[column]
            into = few if name not in many else heavy if member.heavy else light
            if member.type in OF_TEXT:
                into.append(f'"{name}"."{column}"')
    rest = " AND ".join(f"kind <> '{name}'" for name in many)
    return [
        f"SELECT sum({_length(light)} + {_ROW_BYTES}) FROM {FILES}",
        f"SELECT sum({_length(heavy)}) FROM {FILES} WHERE {ODD} IS NOT NULL",
        f"SELECT sum({_length(few)}) FROM {FILES} WHERE {rest}",
    ]


def _length(texts: list[str] | tuple[str, ...]) -> str:
    return " + ".join(f"coalesce(strlen(CAST({text} AS VARCHAR)), 0)" for text in texts)
