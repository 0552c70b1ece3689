"""From a file that has columns back to records, and to the texts that rows are made of.

Nothing is parsed for the rows that say they are not odd: each field's JSON text is made of its
column, and no column is read that nothing asks for.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from scanner.catalogue import TABLES
from scanner.inventory.rows.facts import fact_paths
from scanner.inventory.rows.fields import ToSql
from scanner.inventory.rows.members import (
    MOMENT,
    NULLS,
    ODD,
    OF_TEXT,
    Member,
    as_json,
    members,
    object_of,
    part_of,
)

FILES: Final = "read_parquet($path, hive_partitioning = false)"
"""SQL that reads files of Parquet: the names of folders, such as `project=web`, are no columns."""

_FIRST: Final = "TIMESTAMPTZ '1000-01-01 00:00:00Z'"
_LAST: Final = "TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'"
_PLACES: Final = "kind, organization, project, file_index"

Present = Mapping[str, Sequence[str]]
"""What a file has: by table, the members of its column."""


def again(present: Present, more: str = "") -> str:
    """Return the SELECT of whole files as those of records: kind, places, file_index, record.

    Its record, JSON, is the one that the row was made of, but for the order of its fields.
    """
    made = "".join(
        f" WHEN kind = '{name}' THEN {_whole(name, columns)}" for name, columns in present.items()
    )
    whole = f"CASE{made} ELSE CAST(record AS JSON) END" if made else "CAST(record AS JSON)"
    return f"SELECT {', '.join(filter(None, (_PLACES, more)))}, {whole} AS record FROM {FILES}"


def rows(name: str, present: Present, read: Collection[str]) -> str:
    """Return the SELECT of a table's rows in the file, those that are not odd without `record`.

    Of heavy columns it has those that are `read`. Each member is a column of the rows: of a column
    of type STRUCT all would be read. NULLS and ODD are there, too.
    """
    kept = [c for c in present[name] if not members(name)[c].heavy or c in read]
    flat = ", ".join(f"{_column(name, column)} AS {_flat(column)}" for column in kept)
    told = f"{_PLACES}, {flat}, ' ' || {NULLS} || ' ' AS {NULLS}, {ODD}"
    ours = f"FROM {FILES} WHERE kind = '{name}'"
    light = object_of({members(name)[c].path: _or_null(name, c) for c in kept})
    # Two readings, as a column is read for all rows or for none.
    return (
        f"SELECT *, CAST({light} AS JSON) AS record FROM (SELECT {told} {ours} AND {ODD} IS NULL)"
        f" UNION ALL SELECT {told}, {_whole(name, present[name])} {ours} AND {ODD} IS NOT NULL"
    )


def is_typed(name: str, present: Present) -> bool:
    """Whether all members of the table are columns of the file, which others may lack."""
    return set(present.get(name, ())) == set(members(name))


def texts(name: str, paths: Mapping[str, int], columns: Collection[str]) -> str:
    """Return the SELECT of fields' JSON texts, each as f and its number, from `rows`.

    Besides them it has what `rows` has. A field is NULL where it is missing, but also in a heavy
    column that is not among `columns`, and where a row is odd.
    """
    made = ", ".join(f"{_text(name, path, columns)} AS f{n}" for path, n in paths.items())
    return f"SELECT *, {made} FROM raw"


def value(name: str, path: str, columns: Collection[str]) -> str:
    """Return the column that has a field of a row that is not odd, NULL for null and for missing.

    Empty where there is none, or one that only its JSON text is read of: making that text and
    reading it again takes longer than all else that is done with a text or a time.
    """
    found = _member(name, path)
    if found is None or found[1].type not in {"VARCHAR", MOMENT} or path != found[1].path:
        return ""
    return _flat(found[0]) if is_read(name, path, columns) else ""


def sound(name: str, json: ToSql, said: str) -> list[str]:
    """Return conditions that are FALSE where a row is not as it should be, that is not odd.

    What type a column has need not be tested. `json` gives the JSON text of a field, and `said` is
    `spoken`. Texts with an escape are left out, as of other files.
    """
    fields, told = TABLES[name].fields, fact_paths(name)
    tests = [f"NOT contains({said}, '\\')"]
    tests += [f"NOT contains({place}, chr(31))" for place in ("organization", "project")]
    times = [value(name, path, TABLES[name].columns) for path in told if fields[path].timestamp]
    tests += [f"{time} BETWEEN {_FIRST} AND {_LAST}" for time in times if time]
    tests += [f"coalesce({json(p)} > '\"\"', false)" for p in told if fields[p].required]
    signs = {"OBJECT": "{", "ARRAY": "["}
    for path in (one.path for one in members(name).values() if one.type == "JSON"):
        first = (f"starts_with({json(path)}, '{signs[of]}')" for of in fields[path].types)
        if path in told:
            tests.append(f"({json(path)} = 'null' OR {' OR '.join(first)})")
    return tests


def spoken(name: str, json: ToSql, paths: Collection[str]) -> str:
    """Return the texts among these fields as one: of a row's facts, all that may hold a secret."""
    texts = [
        json(one.path)
        for one in members(name).values()
        if one.path in paths and one.path in fact_paths(name) and one.type in OF_TEXT
    ]
    return f"concat_ws(chr(31), organization, project, {', '.join(texts)})"


def is_read(name: str, path: str, columns: Collection[str]) -> bool:
    """Whether the text of a field is among `texts`, if the file has it."""
    found = _member(name, path)
    return found is not None and (not found[1].heavy or found[0] in columns)


def _member(name: str, path: str) -> tuple[str, Member] | None:
    for column, one in members(name).items():
        if path == one.path or path.startswith(f"{one.path}."):
            return column, one
    return None


def _text(name: str, path: str, columns: Collection[str]) -> str:
    found = _member(name, path)
    if found is None or not is_read(name, path, columns):
        return "CAST(NULL AS VARCHAR)"
    column, member = found
    value, inner = _flat(column), path.removeprefix(member.path)
    if not inner:
        return _or_null(name, column)
    if member.parts:
        part = inner.removeprefix(".")
        return f"CASE WHEN {value} IS NOT NULL THEN {part_of(value, part)} END"
    return f"CAST(json_extract(CAST({value} AS VARCHAR), '${inner}') AS VARCHAR)"


def _whole(name: str, columns: Sequence[str]) -> str:
    """Return the whole record of a row of the file; its nulls are in `record`, too."""
    made = {}
    for column in columns:
        member, value = members(name)[column], _column(name, column)
        odd = f"contains(' ' || {ODD} || ' ', ' {column} ')"
        text = as_json(member, value)
        made[member.path] = f"CASE WHEN {value} IS NOT NULL AND {odd} IS NOT TRUE THEN {text} END"
    return f"CAST(json_merge_patch(coalesce(record, '{{}}'), {object_of(made)}) AS JSON)"


def _or_null(name: str, column: str) -> str:
    """Return the JSON text of a column of `rows`."""
    value, null = _flat(column), f"contains({NULLS}, ' {column} ')"
    text = as_json(members(name)[column], value)
    return f"CASE WHEN {value} IS NOT NULL THEN {text} WHEN {null} THEN 'null' END"


def _flat(column: str) -> str:
    return f'"member {column}"'


def _column(name: str, column: str) -> str:
    return f'"{name}"."{column}"'
