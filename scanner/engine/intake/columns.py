"""Which columns of a table are loaded: those that something reads."""

import re
from functools import cache

from scanner.catalogue import OWN, TABLES

_WORD = re.compile(r"\w+")


def kept(name: str, read: frozenset[str], *, whole: bool = False) -> tuple[str, ...]:
    """Return the columns of a table that are loaded where those in `read` are read.

    Of keys, which may be a million, these and what findings and coverage tell of a row; of all
    other tables, and of keys where the `whole` table is asked for, all but heavy ones.
    """
    columns = TABLES[name].columns
    if whole or name != OWN[name].keys:
        return tuple(c for c, spec in columns.items() if not spec.heavy or c in read)
    always = _always(name)
    return tuple(column for column in columns if column in read or column in always)


@cache
def _always(name: str) -> frozenset[str]:
    """Return the columns that the engine reads by itself."""
    table = TABLES[name]
    told = {"id", "name", "url", "owner", "project_id"}
    for place in (table.organization, table.project, table.project_key):
        told.update(_WORD.findall(place))
    counted = (dict(spec.counts) for one in TABLES.values() for spec in one.columns.values())
    return frozenset(told.union(*(counts.get(name, ()) for counts in counted)))
