"""The columns of an inventory file that has some: which fields they hold, and as what type.

Such a file has a column of type STRUCT for each table; its members are the catalogue's columns that
are a field as it is. What a value of them was in its record is one text, so that the record can be
made again, to the letter: a date, for example, is a time here only if the record had it in the form
that `as_json` gives.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple, cast

from scanner.catalogue import INTEGER, TABLES
from scanner.catalogue import TEXTS as LIST_OF_TEXTS
from scanner.inventory.rows.facts import fact_paths
from scanner.inventory.rows.fields import paths_of
from scanner.model.moment import not_moment

NULLS: Final = "nulls"
"""The column with the names of the members whose field is null, not missing; with spaces."""

ODD: Final = "odd"
"""The column with the names of the columns whose fields are in `record`, as their type would not
give them back; NULL for nearly every row, with spaces. A time may be in both."""

OF_TEXT: Final = ("VARCHAR", LIST_OF_TEXTS, "JSON")
"""The types of members that may hold any text."""

MOMENT: Final = "TIMESTAMP WITH TIME ZONE"


class Member(NamedTuple):
    """A column of such a file: the path of its field, its SQL type, the integers it is made of."""

    path: str
    type: str
    parts: tuple[str, ...] = ()
    heavy: bool = False


@cache
def members(name: str) -> Mapping[str, Member]:
    """Return the members of the column of a table, by name."""
    table = TABLES[name]
    found: dict[str, Member] = {}
    for column, spec in table.columns.items():
        if not spec.field or spec.made_of or any(one.path == spec.field for one in found.values()):
            continue
        inner = [table.fields.get(f"{spec.field}.{key}") for key in spec.keys]
        whole = bool(inner) and all(one is not None and one.types == INTEGER for one in inner)
        parts = spec.keys if whole else ()
        found[column] = Member(spec.field, _struct(parts) or spec.type, parts, spec.heavy)
    return found


def _struct(parts: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{part}" BIGINT' for part in parts)
    return listed and f"STRUCT({listed})"


def struct(name: str) -> str:
    """Return the SQL type of the column of a table."""
    listed = (f'"{column}" {one.type}' for column, one in members(name).items())
    return f"STRUCT({', '.join(listed)})"


@cache
def elsewhere(name: str) -> Mapping[str, str]:
    """Return the fields that no member tells, each with the names that ODD has for it.

    They are the columns that are made of it or of a part of it, or its own name.
    """
    table = TABLES[name]
    told = [one.path for one in members(name).values()]
    made = {
        path: [
            column
            for column, spec in table.columns.items()
            if any(f"{one}.".startswith(f"{path}.") for one in paths_of(spec.source))
        ]
        for path in table.fields
        if not any(f"{path}.".startswith(f"{one}.") for one in told)
    }
    return {path: " ".join(names) or path.removeprefix("$.") for path, names in made.items()}


def is_frame(name: str, path: str) -> bool:
    """Whether a field is nothing but an object whose parts are members."""
    inside = (one.path.startswith(f"{path}.") for one in members(name).values())
    return any(inside) and path not in fact_paths(name)


def as_json(member: Member, column: str) -> str:
    """Return the JSON text that a value of the column was in its record; `column` is SQL."""
    if member.parts:
        parts = ", ',', ".join(f"'\"{part}\":', {part_of(column, part)}" for part in member.parts)
        return f"concat('{{', {parts}, '}}')"
    if member.type in {"VARCHAR", LIST_OF_TEXTS}:
        return f"CAST(to_json({column}) AS VARCHAR)"
    if member.type == "JSON":  # whoever wrote the file: what it says is held to be none yet
        return f"CAST(CAST(CAST({column} AS VARCHAR) AS JSON) AS VARCHAR)"
    if member.type == MOMENT:
        # Infinity has no microseconds; it is no time of a record either.
        return f"coalesce({_moment(f'epoch_us({column})')}, CAST(to_json({column}) AS VARCHAR))"
    return f"CAST({column} AS VARCHAR)"


def part_of(column: str, part: str) -> str:
    """Return the JSON text of a part of a column."""
    return f"coalesce(CAST({column}.\"{part}\" AS VARCHAR), 'null')"


def _moment(micros: str) -> str:
    """Return the JSON text of a time, as Sentry writes it; whole seconds as people do."""
    time = f"make_timestamp({micros})"
    form = "%Y-%m-%dT%H:%M:%S"
    return (
        f"CASE WHEN {micros} % 1000000 <> 0 THEN strftime({time}, '\"{form}.%fZ\"')"
        f" ELSE strftime({time}, '\"{form}Z\"') END"
    )


def as_column(member: Member, json: str) -> str:
    """Return the value of the column for a JSON text, given as SQL, that may be of another type."""
    if member.parts:
        listed = (f"'{part}': TRY_CAST({json} ->> '{part}' AS BIGINT)" for part in member.parts)
        return f"CASE WHEN {json} >= '{{' THEN {{{', '.join(listed)}}} END"
    text = f"CASE WHEN {json} < '#' THEN CAST({json} AS JSON) ->> '$' END"
    made = {
        "VARCHAR": text,
        "BOOLEAN": f"CASE {json} WHEN 'true' THEN true WHEN 'false' THEN false END",
        "BIGINT": f"TRY_CAST({json} AS BIGINT)",
        "JSON": f"CAST({json} AS JSON)",
        MOMENT: f"CASE WHEN NOT {not_moment(text)} THEN TRY_CAST({text} AS {MOMENT}) END",
        LIST_OF_TEXTS: f"CASE WHEN {json} LIKE '[%' THEN"
        f" TRY_CAST(CAST({json} AS JSON) AS VARCHAR[]) END",
    }
    return made[member.type]


def object_of(texts: Mapping[str, str]) -> str:
    """Return SQL for the text of a JSON object: by path, the JSON text of each field.

    What is NULL is left out, and so is an object of which no field is there.
    """
    return f"concat('{{', {_listed(_tree(texts))}, '}}')"


_Tree = dict[str, "str | _Tree"]


def _tree(texts: Mapping[str, str]) -> _Tree:
    whole: _Tree = {}
    for path, text in texts.items():
        *above, name = path.split(".")[1:]
        node = whole
        for part in above:
            node = cast("_Tree", node.setdefault(part, {}))
        node[name] = text
    return whole


def _listed(tree: _Tree) -> str:
    parts = (
        f"'\"{name}\":' || {part}"
        if isinstance(part, str)
        else f"'\"{name}\":{{' || nullif({_listed(part)}, '') || '}}'"
        for name, part in tree.items()
    )
    return f"concat_ws(',', {', '.join(parts)})"
