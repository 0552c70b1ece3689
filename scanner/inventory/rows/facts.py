"""What of a record counts as a fact: the text of a row that its digest is made of."""

from functools import cache
from typing import Final

from scanner.catalogue import TABLES
from scanner.inventory.rows.fields import ToSql, paths_of

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


def facts(name: str, json: ToSql) -> str:
    """Return a SQL text expression: the facts of a row, whatever their order in its record.

    `json` gives the JSON text of a field. What is missing is told from null, and both from any
    value: JSON texts hold no control characters as they are, and places say their length first.
    """
    places = (f"strlen({at}) || ':', {at}" for at in ("organization", "project"))
    parts = (*places, *map(json, fact_paths(name)))
    return f"concat('{name}', {', '.join(f'chr(31), {part}' for part in parts)})"
