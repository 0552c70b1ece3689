"""The fields that the catalogue's columns are made of: reading and filling in its sources.

`<$.path>` stands for the text of a field of the API's record, `<type $.path>` for its JSON type.
"""

import re
from collections.abc import Callable
from typing import Final

from scanner.catalogue import Table

_REFERENCE: Final = re.compile(r"<(type )?(\$[\w.]+)>")

Sql = Callable[[str], str]
"""From the path of a field to SQL."""


def paths_of(source: str) -> tuple[str, ...]:
    """Return the paths of the fields that a source names."""
    return tuple(path for _, path in _REFERENCE.findall(source))


def texts_of(source: str) -> tuple[str, ...]:
    """Return the paths of the fields whose texts a source takes, not only their types."""
    return tuple(path for kind, path in _REFERENCE.findall(source) if not kind)


def filled(source: str, text: Sql, kind: Sql) -> str:
    """Return the source as SQL; `text` and `kind` give the text and the JSON type of a field."""
    return _REFERENCE.sub(lambda found: (kind if found[1] else text)(found[2]), source)


def joining(table: Table, text: Sql, kind: Sql) -> str:
    """Return the join, if any, with the table that the records of this one are joined to."""
    if not table.joined:
        return ""
    return f" LEFT JOIN {table.joined} AS joined ON {filled(table.join, text, kind)}"
