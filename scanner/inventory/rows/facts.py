"""What of a record counts as a fact: the text of a row that its digest is made of."""

from functools import cache
from typing import Final

from scanner.catalogue import TABLES
from scanner.inventory.rows.fields import ToSql, paths_of
from scanner.model.table import LIST, OBJECT, TEXTS

ROW: Final = "_row"
"""Name of the column with the SHA-256 of a row's facts; it is dropped once the digest is made."""

FILE: Final = "_file"
"""Name of the column with the number of the file that a row comes from; it is dropped with ROW."""

RAW: Final = "organization, project, server, file, record"
"""The columns of what rows are made of; `file` is what FILE becomes."""


@cache
def fact_paths(name: str) -> tuple[str, ...]:
    """Return the paths of the fields that the columns of a table are made of, derived ones aside.

    They do not depend on which columns are loaded.
    """
    columns = (column for column in TABLES[name].columns.values() if not column.derived)
    return tuple(dict.fromkeys(path for one in columns for path in paths_of(one.source)))


def facts(name: str, json: ToSql, *, plain: bool = False) -> str:
    """Return a SQL text expression: the facts of a row, whatever their order in its record.

    `json` gives the JSON text of a field. What is missing is told from null, and both from any
    value: JSON texts hold no control characters as they are, and places say their length first.
    The order of an object's members is no fact, nor is that of a list: servers give those such as
    features in another order each time. If it is `plain`, `usual` holds for the row.
    """
    places = (f"strlen({at}) || ':', {at}" for at in ("organization", "project"))
    parts = (*places, *(_fact(name, path, json, plain=plain) for path in fact_paths(name)))
    return f"concat('{name}', {', '.join(f'chr(31), {part}' for part in parts)})"


def usual(name: str, json: ToSql) -> list[str]:
    """Return conditions that are FALSE where an object has other members than facts."""
    return [
        f"({json(path)} IS NULL OR {json(path)} < '{{' OR coalesce({known}, false))"
        for path in fact_paths(name)
        if (known := _known(name, path, json))
    ]


def _fact(name: str, path: str, json: ToSql, *, plain: bool) -> str:
    """Return the text of a field that all with the same value have."""
    text, types = json(path), TABLES[name].fields[path].types
    if types == LIST:
        return f"CASE WHEN starts_with({text}, '[') THEN {_list(name, path, text)} ELSE {text} END"
    if types != OBJECT:
        return text
    known = _known(name, path, json)
    told = f"WHEN {known} THEN '{{}}' " if known else ""
    told += "" if known and plain else f"WHEN {text} >= '{{' THEN {_object(text)} "
    return f"CASE {told}ELSE {text} END"


def _known(name: str, path: str, json: ToSql) -> str:
    """Return the condition for an object with all of those members that are facts, and no others.

    They tell all of it then. Empty for what is no object, or one of which no member is a fact.
    """
    members = [one for one in fact_paths(name) if one.startswith(f"{path}.")]
    if TABLES[name].fields[path].types != OBJECT or not members:
        return ""
    length = sum(len(one.removeprefix(f"{path}.")) + len('"":,') for one in members) + len("{}") - 1
    lengths = " + ".join([str(length), *(f"strlen({json(one)})" for one in members)])
    return f"strlen({json(path)}) = {lengths}"


def _object(text: str) -> str:
    pointer = "concat('/', replace(replace(k, '~', '~0'), '/', '~1'))"
    told = f"lambda k: concat(to_json(k), ':', json_extract({text}, {pointer}))"
    return _joined("{", f"list_transform(json_keys({text}), {told})", "}")


def _list(name: str, path: str, text: str) -> str:
    parts = f"CAST(json_extract({text}, '$[*]') AS VARCHAR[])"
    made = [one for one in TABLES[name].columns.values() if path in paths_of(one.source)]
    if any(column.type != TEXTS for column in made):  # it may hold objects
        told = f"lambda e: CASE WHEN e >= '{{' THEN {_object('e')} ELSE e END"
        parts = f"list_transform({parts}, {told})"
    return _joined("[", parts, "]")


def _joined(begin: str, parts: str, end: str) -> str:
    # Not array_to_string, a macro around this: it takes longer to plan than all else in here.
    return f"concat('{begin}', list_aggregate(list_sort({parts}), 'string_agg', ','), '{end}')"
