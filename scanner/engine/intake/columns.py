"""Which columns of tables are loaded: those that something reads."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from scanner.catalogue import COUNTED, OWN, TABLES
from scanner.inventory.rows.facts import ROW

_WORD: Final = re.compile(r"\w+")
_TO_JOIN: Final = {table.joined for table in TABLES.values()}
_ORDER: Final = tuple(sorted(TABLES, key=lambda name: name not in _TO_JOIN))
"""What others are joined to comes first."""

_JOINED: Final = re.compile(r"\bjoined\.(\w+)")


def kept(
    read: Mapping[str, frozenset[str]], *, whole: bool = False, digested: bool = False
) -> dict[str, tuple[str, ...]]:
    """Return the columns to load, by table, in the order in which tables are to be loaded.

    They are those that are `read`, those of other tables that these are made of, and those that
    findings and coverage always tell. With `whole`, all columns but heavy ones are loaded; with
    `digested`, also ROW.
    """
    chosen = {name: set(_light(name) if whole else _always(name)) for name in TABLES}
    for name, columns in read.items():
        chosen[name] |= columns
    for name, counted in COUNTED.items():
        if counted & chosen[name]:  # all of a table are counted at once
            chosen[name] |= counted
            for column in counted:
                for other, columns in TABLES[name].columns[column].counts:
                    chosen[other] |= columns
    for name, table in TABLES.items():
        sources = [table.join, *(table.columns[column].source for column in chosen[name])]
        if table.joined:
            chosen[table.joined] |= set(_JOINED.findall(" ".join(sources)))
    more = {ROW} if digested else set()
    return {name: _ordered(name, chosen[name] | more) for name in _ORDER}


def with_facts(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns, and all others in which two records can differ."""
    specs = TABLES[name].columns
    facts = (column for column, spec in specs.items() if not spec.heavy and not spec.derived)
    return _ordered(name, {*columns, *facts})


def _ordered(name: str, columns: set[str]) -> tuple[str, ...]:
    return tuple(column for column in (*TABLES[name].columns, ROW) if column in columns)


def _light(name: str) -> frozenset[str]:
    return frozenset(column for column, spec in TABLES[name].columns.items() if not spec.heavy)


@cache
def _always(name: str) -> frozenset[str]:
    """Return the columns that the engine reads by itself."""
    table = TABLES[name]
    told = {"id", "name", "url", "owner", "project_id"}
    teams = OWN[name].teams if name == OWN[name].projects else ""
    for sql in (table.organization, table.project, table.project_key, teams):
        told.update(_WORD.findall(sql))
    return frozenset(told & table.columns.keys())
