"""Reading input files with DuckDB's readers: which files, which records, which envelope."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import _duckdb as duckdb

from scanner.base.errors import KeypolicyError, heed_interrupt
from scanner.catalogue import PROVIDERS, TABLES
from scanner.engine.database import Connection, reason, used
from scanner.engine.intake import columnar
from scanner.inventory.envelope import PLACES
from scanner.inventory.rows.lines import are_short, no_slug, parted, text_lines
from scanner.inventory.rows.normalize import BAD, close_look, select, suspects
from scanner.inventory.rows.plain import not_plain, plain
from scanner.inventory.rows.typed import FILES, Present, again, is_typed, rows
from scanner.model.inventory import Layout, RawInput

MAX_RECORD: Final = 16 << 20
"""Largest record that is read, in bytes."""

STAGED: Final = "staged"
"""Table of the lines that are put aside while inventories are read, with numbers of their files."""

FILE_NUMBER: Final = "CAST($numbers AS INTEGER[])[1 + CAST(file_index AS INTEGER)]"
"""The number that is given for the file of a row, as SQL."""

_TEXTS: Final = ", ".join(f"{name} ->> '$' AS {name}" for name in ("kind", *PLACES))
FEW: Final = f"SELECT {_TEXTS}, record, file FROM {STAGED}"
"""SELECT of what was put aside: the lines of an inventory that are no keys, which are few."""

MANY: Final = tuple(provider.keys for provider in PROVIDERS)
"""The tables that may have millions of rows."""

_LARGE: Final = 1 << 20
"""Bytes of all files together from which on it matters how they are joined."""

BATCH: Final = 4_000
"""Records that are looked at closely at a time."""

_FORMATS: Final = {
    Layout.API_ARRAY: "array",
    Layout.API_LINES: "newline_delimited",
    Layout.API_OBJECT: "unstructured",
    Layout.INVENTORY_ARRAY: "array",
    Layout.INVENTORY_LINES: "newline_delimited",
}

# As JSON: read as text, a number would become one without a word.
_ENVELOPE: Final = "{kind: 'JSON', organization: 'JSON', project: 'JSON', record: 'JSON'}"


_SOUND_LINE: Final = ", ".join(
    [
        "kind ->> '$' AS kind",
        *(
            f"CASE WHEN {no_slug(name)} THEN error('{name} is no slug') ELSE {name} ->> '$' END"
            f" AS {name}"
            for name in PLACES
        ),
    ]
)


class BadInputError(KeypolicyError):
    """The fast reader refused one of `inputs`; a slower look can tell what is wrong where."""

    exit_code = 2

    def __init__(self, inputs: tuple[RawInput, ...], detail: str) -> None:
        super().__init__(detail, where=", ".join(raw.label for raw in inputs))
        self.inputs = inputs


def raw_relation(raw: RawInput, present: Present | None = None, *, short: bool = False) -> str:
    """Return a SELECT of record, organization, project, kind and file_index, of the files `$path`.

    For an API export the kind, organization and project are what the input says of itself;
    `present` is as in columnar. Lines that are `short` (rows.lines) are read as text.
    """
    if present is not None:
        return again(present)
    if raw.layout is Layout.INVENTORY_PARQUET:
        return (
            "SELECT CAST(kind AS VARCHAR) AS kind, CAST(organization AS VARCHAR) AS organization,"
            " CAST(project AS VARCHAR) AS project, CAST(record AS JSON) AS record, file_index"
            f" FROM {FILES}"
        )
    if raw.layout.is_inventory:
        envelope = f"read_json($path, {_options(raw)}, columns = {_ENVELOPE})"
        lines = f"({parted(text_lines(raw.packing))})" if short else envelope
        return f"SELECT {_SOUND_LINE}, record, file_index FROM {lines}"
    objects = f"({text_lines(raw.packing)})" if short else objects_of(raw)
    return (
        f"SELECT $kind AS kind, {_organization(raw)} AS organization, $project AS project,"
        f" json AS record, file_index FROM {objects}"
    )


def _organization(raw: RawInput) -> str:
    """Return SQL for the organization of an export's record: its own word, else the input's.

    What was named for all records makes up for what one lacks, and overrules none.
    """
    field = TABLES[raw.kind].organization_field if raw.kind and raw.organization else ""
    return f"coalesce(json ->> '{field}', $organization)" if field else "$organization"


def _options(raw: RawInput) -> str:
    return (
        f"format = '{_FORMATS[raw.layout]}', maximum_object_size = {MAX_RECORD},"
        f" compression = '{raw.packing}', hive_partitioning = false"
    )


def lines_of(present: Present | None) -> str:
    """Return a SELECT of the lines of an inventory in Parquet, each column as JSON."""
    texts = ", ".join(f"to_json({name}) AS {name}" for name in ("kind", *PLACES))
    texts += ", file_index"
    if present is None:
        return f"SELECT {texts}, CAST(record AS JSON) AS record FROM {FILES}"
    few = {name: columns for name, columns in present.items() if name not in MANY}
    rest = " AND ".join(f"kind <> '{name}'" for name in MANY)
    return f"SELECT {texts}, record FROM ({again(few)} WHERE {rest})"


def objects_of(raw: RawInput) -> str:
    """Return what reads the records of files of JSON, each as `json`."""
    return f"read_json_objects($path, {_options(raw)})"


def run_on(
    connection: Connection, inputs: Sequence[RawInput], sql: str, params: dict[str, Any]
) -> Connection:
    """Run a statement that reads inputs, which are read alike; `sql` has their raw_relation in it.

    Raises BadInputError where DuckDB cannot read a file.
    """
    values, raw = dict(params), inputs[0]
    if "$path" in sql:
        values |= columnar.path_of(*inputs)
    if not raw.layout.is_inventory:
        values.update(kind=raw.kind, organization=raw.organization, project=raw.project)
    return _execute(connection, inputs, sql, values)


def _execute(
    connection: Connection, inputs: Sequence[RawInput], sql: str, values: dict[str, Any]
) -> Connection:
    try:
        with refusing(inputs):
            return connection.execute(sql, values)
    except BadInputError:
        for raw in inputs:
            if why := _place(connection, raw):
                raise BadInputError((raw,), why) from None
        raise


@contextmanager
def refusing(inputs: Sequence[RawInput]) -> Iterator[None]:
    """Raise BadInputError where DuckDB cannot read a file."""
    in_rows = any(raw.layout is Layout.INVENTORY_PARQUET for raw in inputs)
    # What Parquet's reader stumbles over in a damaged file says nothing to people.
    may_be = "it may be damaged: " if in_rows else ""
    try:
        yield
    except duckdb.OutOfMemoryException:  # says nothing of the file
        raise
    except duckdb.Error as error:
        # Without its cause: that quotes the record, secrets and all.
        raise BadInputError(tuple(inputs), may_be + reason(error, quotes=False)) from None
    except columnar.NAME_ERRORS as error:
        heed_interrupt(error)
        raise BadInputError(tuple(inputs), f"{may_be}a name in it is not UTF-8") from None


def _place(connection: Connection, raw: RawInput) -> str:
    """Say which row of a Parquet file holds no JSON; files of text are diagnosed elsewhere."""
    if raw.layout is not Layout.INVENTORY_PARQUET:
        return ""
    sql = (
        f"SELECT min(file_row_number) FROM {FILES}"
        " WHERE record IS NOT NULL AND TRY_CAST(CAST(record AS VARCHAR) AS JSON) IS NULL"
    )
    try:
        found = connection.execute(sql, columnar.path_of(raw)).fetchone()
    except duckdb.Error:
        return ""
    return f"row {found[0] + 1}: the record is not JSON" if found and found[0] is not None else ""


def load_rows(  # noqa: PLR0913, PLR0917 - what a table is filled from, and with what
    connection: Connection,
    inputs: Sequence[RawInput],
    name: str,
    columns: Sequence[str],
    values: dict[str, Any],
    present: Present | None = None,
    *,
    staged: bool = False,
) -> None:
    """Fill table `name` from files that are read alike, or from what is `staged` of them.

    `values` are the parameters, the `numbers` of the files among them. Plain rows are made at once;
    the others, which have an escape, a wrong type or what may be a secret, are looked for again and
    judged by themselves; and those of them that may hold a secret are replaced by what redaction
    leaves of them. Raises BadInputError.
    """
    if staged:
        relation, typed = f"{FEW} WHERE list_contains($numbers, file)", False
    else:
        relation, typed = _relation(inputs, name, columns, present)
    for raw in inputs if typed else ():
        with refusing((raw,)):
            columnar.check_heavy(connection, raw, name, columns)
    lines = f"SELECT *, $server AS server FROM ({relation}) WHERE kind = '{name}'"
    odd = f"WITH raw AS ({lines}) {not_plain(name, columns, typed=typed)}"
    insert = f'INSERT INTO "{name}" BY NAME WITH raw AS'
    rest = f'DELETE FROM "{name}" WHERE {BAD} IS NULL'
    plain_rows = f"{insert} ({lines}) {plain(name, columns, typed=typed)}"
    run_on(connection, inputs, plain_rows, used(plain_rows, values))
    if not _changed(connection.execute(rest)):
        return
    odd_rows = f"{insert} ({odd}) {select(name, columns)}"
    run_on(connection, inputs, odd_rows, used(odd_rows, values))
    if not _changed(connection.execute(rest)):
        return
    # A cursor of its own: the rows are written while they are read.
    suspect_rows = f"WITH raw AS ({odd}) {suspects(name, columns)}"
    found = run_on(connection.cursor(), inputs, suspect_rows, used(suspect_rows, values))
    redacted_rows = (
        f"{insert} (SELECT unnest($organizations) AS organization, unnest($projects) AS project,"
        " unnest($files) AS file, CAST(unnest($records) AS JSON) AS record, $server AS server)"
        f" {select(name, columns, looked_at=True)}"
    )
    while batch := found.fetchmany(BATCH):
        clean = [close_look(name, row) for row in batch]
        lists = map(list, zip(*clean, strict=True))
        listed = dict(zip(("organizations", "projects", "files", "records"), lists, strict=True))
        _execute(connection, inputs, redacted_rows, {**used(redacted_rows, values), **listed})


def _relation(
    inputs: Sequence[RawInput], name: str, columns: Sequence[str], present: Present | None
) -> tuple[str, bool]:
    """Return the SELECT of what files have of a table, and whether it has columns for records."""
    typed = present is not None and is_typed(name, present)
    if present is not None and typed:
        lines = rows(name, present, columns)
    else:
        lines = raw_relation(inputs[0], present, short=are_short(inputs))
    return f"SELECT *, {FILE_NUMBER} AS file FROM ({lines})", typed


@contextmanager
def passing_by(connection: Connection, inputs: Sequence[RawInput], name: str) -> Iterator[None]:
    """Have joins of large files made with a hash table of the other side, which is the smaller.

    Where the records of `name` are joined to another table, DuckDB does not know how many records
    the files have, and may make the hash table of all of them, in memory.
    """
    if not TABLES[name].joined or sum(raw.path.stat().st_size for raw in inputs) < _LARGE:
        yield
        return
    connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")


def _changed(done: Connection) -> int:
    """Return how many rows a statement has taken out."""
    found = done.fetchone()
    return int(found[0]) if found else 0
