"""From a file that has columns back to records, and to the texts that rows are made of.

Nothing is parsed for the rows that say they are not odd: each field's JSON text is made of its
column, and no column is read that nothing asks for.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from scanner.catalogue import TABLES
from scanner.inventory.rows.facts import RAW, fact_paths
from scanner.inventory.rows.fields import ToSql
from scanner.inventory.rows.members import (
    NULLS,
    ODD,
    OF_TEXT,
    Member,
    as_json,
    members,
    object_of,
    part_of,
)

_FILE: Final = "read_parquet($path)"
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
    return f"SELECT {', '.join(filter(None, (_PLACES, more)))}, {whole} AS record FROM {_FILE}"


def rows(name: str, present: Present, read: Collection[str]) -> str:
    """Return the SELECT of a table's rows in the file, those that are not odd without `record`.

    Of heavy columns it has those that are `read`. Each member is a column of the rows: of a column
    of type STRUCT all would be read. NULLS and ODD are there, too.
    """
    kept = [c for c in present[name] if not members(name)[c].heavy or c in read]
    flat = ", ".join(f"{_column(name, column)} AS {_flat(column)}" for column in kept)
    told = f"{_PLACES}, {flat}, ' ' || {NULLS} || ' ' AS {NULLS}, {ODD}"
    ours = f"FROM {_FILE} WHERE kind = '{name}'"
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

    Besides them it has the columns of RAW, and ODD. A field is NULL where it is
    missing, but also in a heavy column that is not among `columns`, and where a row is odd.
    """
    made = ", ".join(f"{_text(name, path, columns)} AS f{n}" for path, n in paths.items())
    return f"SELECT {RAW}, {ODD}, {made} FROM raw"


def sound(name: str, json: ToSql) -> list[str]:
    """Return conditions that are FALSE where a row is not as it should be, that is not odd.

    What type a column has need not be tested. `json` gives the JSON text of a field. Texts with an
    escape are left out, as of other files.
    """
    fields, told = TABLES[name].fields, fact_paths(name)
    tests = ["NOT contains(told, '\\')"]
    tests += [f"NOT contains({place}, chr(31))" for place in ("organization", "project")]
    # Whole seconds or microseconds of a year with four digits: no other has such a text.
    date = "length({0}) IN (22, 29) AND {0} >= '\"1'"
    tests += [
        f"({json(path)} = 'null' OR {date.format(json(path))})"
        for path in told
        if fields[path].timestamp
    ]
    tests += [f"coalesce({json(p)} > '\"\"', false)" for p in told if fields[p].required]
    signs = {"OBJECT": "{", "ARRAY": "["}
    for path in (one.path for one in members(name).values() if one.type == "JSON"):
        first = (f"starts_with({json(path)}, '{signs[of]}')" for of in fields[path].types)
        if path in told:
            tests.append(f"({json(path)} = 'null' OR {' OR '.join(first)})")
    return tests


def spoken(name: str, json: ToSql) -> str:
    """Return the texts of a row's facts as one, which are all that may hold a secret."""
    texts = [
        json(one.path)
        for one in members(name).values()
        if one.path in fact_paths(name) and one.type in OF_TEXT
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
