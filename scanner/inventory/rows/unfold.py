"""From records to the columns of a file that has some; what they cannot give back stays a text."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from scanner.catalogue import TABLES
from scanner.inventory.rows.fields import texts_of
from scanner.inventory.rows.members import (
    MOMENT,
    NULLS,
    ODD,
    Member,
    as_column,
    as_json,
    elsewhere,
    is_frame,
    members,
    object_of,
    struct,
)

_PLACES: Final = "kind, organization, project"


class _Cell(NamedTuple):
    """A member of a row, and what its JSON text, value, and whether that is exact are called.

    `source` is what the value is made of.
    """

    column: str
    member: Member
    json: str
    value: str
    exact: str
    source: str

    @property
    def kept(self) -> str:
        """The value, where it is that of the record; a time may be written in another way."""
        if self.member.type == MOMENT:
            return self.value
        text = as_json(self.member, self.value)
        return f"CASE WHEN {text} = {self.source} THEN {self.value} END"

    @property
    def odd(self) -> str:
        """The condition for what is not exact."""
        return f"{self.json} <> 'null' AND {self.exact} IS NOT TRUE"


def unfolded(name: str) -> str:
    """Return the SELECT of the rows of a table in such a file, from a relation `raw`.

    `raw` has kind, organization, project and record (JSON), which must have no name twice.
    """
    mine, others = members(name), elsewhere(name)
    paths = [*(one.path for one in mine.values()), *others]
    number = {path: index for index, path in enumerate(paths, start=1)}
    texts = ", ".join(f"CAST(j[{n}] AS VARCHAR) AS f{n}" for n in number.values())
    cells = [
        _Cell(column, one, f"f{n}", f"v{n}", f"e{n}", _source(name, column, number))
        for column, one in mine.items()
        for n in (number[one.path],)
    ]
    made = ", ".join(f"{_value(name, cell)} AS {cell.value}" for cell in cells)
    left = [(names, _is_left(name, path, f"f{number[path]}")) for path, names in others.items()]
    exact = ", ".join(f"{_exact(cell, left)} AS {cell.exact}" for cell in cells)
    packed = ", ".join(f"'{cell.column}': {cell.kept}" for cell in cells)
    nulls = _named((cell.column, f"{cell.json} = 'null'") for cell in cells)
    odd = _named([*((cell.column, cell.odd) for cell in cells), *left])
    taken = object_of(
        {cell.member.path: f"CASE WHEN {cell.exact} THEN 'null' END" for cell in cells}
    )
    listed = ", ".join(f"'{path}'" for path in paths)
    return (
        f'SELECT {_PLACES}, CAST({{{packed}}} AS {struct(name)}) AS "{name}", {nulls} AS {NULLS},'
        f" {odd} AS {ODD}, CAST(json_merge_patch(record, {taken}) AS VARCHAR) AS record"
        f" FROM (SELECT *, {exact} FROM (SELECT *, {made} FROM"
        f" (SELECT {_PLACES}, record, {texts} FROM"
        f" (SELECT *, json_extract(record, [{listed}]) AS j FROM raw))))"
    )


def _exact(cell: _Cell, left: Iterable[tuple[str, str]]) -> str:
    """Return whether the value tells all that the column is made of: what is odd stays whole."""
    others = [condition for names, condition in left if cell.column in names.split()]
    same = f"{as_json(cell.member, cell.value)} = {cell.json}"
    if cell.member.type == "JSON":  # putting it back into the record would drop a null
        same += f" AND NOT contains({cell.json}, 'null')"
    return f"{same} AND ({' OR '.join(others)}) IS NOT TRUE" if others else same


def _source(name: str, column: str, number: Mapping[str, int]) -> str:
    """Return the JSON text that a member is made of: where its field is missing, of another one."""
    paths = (members(name)[column].path, *texts_of(TABLES[name].columns[column].source))
    texts = (f"f{number[path]}" for path in dict.fromkeys(paths) if path in number)
    return f"coalesce({', '.join(texts)})"


def _value(name: str, cell: _Cell) -> str:
    """Return the value of a member; a list where an object belongs is none."""
    value = as_column(cell.member, cell.source)
    if cell.member.type != "JSON":
        return value
    first = {"OBJECT": "{", "ARRAY": "["}
    signs = [first[kind] for kind in TABLES[name].fields[cell.member.path].types if kind in first]
    tests = " OR ".join(f"starts_with({cell.source}, '{sign}')" for sign in signs)
    return f"CASE WHEN {tests} THEN {value} END"


def _is_left(name: str, path: str, json: str) -> str:
    """Return the condition for a field that no member tells: an object of members is told by them.

    Whether it is there at all, or null, is no fact then.
    """
    if is_frame(name, path):
        return f"{json} IS NOT NULL AND {json} <> 'null' AND NOT starts_with({json}, '{{')"
    return f"{json} IS NOT NULL"


def _named(conditions: Iterable[tuple[str, str]]) -> str:
    """Return the names of those conditions that hold, NULL where none does."""
    parts = (f"CASE WHEN {condition} THEN '{name}' END" for name, condition in conditions)
    return f"nullif(concat_ws(' ', {', '.join(parts)}), '')"
