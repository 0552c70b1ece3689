"""Records with one id: equal ones are one, different ones contradict each other."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_text
from scanner.engine.database import Connection
from scanner.inventory.rows.facts import FILE
from scanner.inventory.rows.normalize import BAD
from scanner.model.coverage import Gap
from scanner.model.inventory import RawInput

_LONGEST_ID: Final = 80

Files = Mapping[int, RawInput]
"""Inputs by the number that their rows have in FILE."""


def _identity(name: str) -> str:
    """Return what tells the records of a table apart, as SQL."""
    table = TABLES[name]
    return "id" if table.unique else f"{table.organization}, id"


def count(connection: Connection, name: str) -> list[tuple[int, int, int, int]]:
    """Return for each FILE how many rows it has, and bad ones; last how many differ, of all."""
    sql = (
        f"SELECT {FILE}, count(*), count(*) FILTER ({BAD}),"
        f' (SELECT count(DISTINCT ({_identity(name)})) FROM "{name}") FROM "{name}" GROUP BY ALL'
    )
    return connection.execute(sql).fetchall()


def contradictions(connection: Connection, name: str, files: Files, *, live: bool) -> list[Gap]:
    """Find different records with one id; `live`: the inputs were fetched for this scan.

    Raises InventoryFileError for the first, as which one is true cannot be known. Of a server
    they are the gaps that are returned: its list changed while it was read.
    """
    table = TABLES[name]
    facts = ", ".join(f"'{c}': \"{c}\"" for c, spec in table.columns.items() if not spec.derived)
    mine = f"OVER (PARTITION BY {_identity(name)})"
    rows = connection.execute(
        f"SELECT CAST(({_identity(name)}) AS VARCHAR) AS same, id, {table.organization},"
        f" {table.project}, {FILE}, CAST(to_json({{{facts}}}) AS VARCHAR) AS facts"
        f' FROM "{name}" QUALIFY min(facts) {mine} <> max(facts) {mine}'
        f" ORDER BY same, {FILE}, rowid"
    )
    found = []
    for _, same in groupby(iter(rows.fetchone, None), itemgetter(0)):
        first, *others = ((row, _canonical(json.loads(row[-1]))) for row in same)
        for other in others:
            if other[1] == first[1]:
                continue
            (one, left), (two, right) = first, other
            differing = ", ".join(c for c in table.columns if left.get(c) != right.get(c))
            number = redact_text(one[1])[:_LONGEST_ID]
            if live:
                reason = (
                    f"The server gave the {table.title} {number} twice, with different {differing}:"
                    " its list changed while it was read. Fetch again."
                )
                found.append(Gap(reason, one[2], one[3]))
                break
            raise InventoryFileError(
                f"the {table.title} {number} comes twice, with different {differing}: in"
                f" {_place(one, files)} and in {_place(two, files)}",
                where=files[one[4]].label,
                remedy="Leave out the file that is out of date, or fetch both again.",
            )
    return found


def collapse(connection: Connection, name: str) -> None:
    """Keep one of several records with the same id, the same one in every run."""
    connection.execute(
        f'CREATE OR REPLACE TABLE "{name}" AS SELECT t.* FROM "{name}" AS t QUALIFY'
        f" row_number() OVER (PARTITION BY {_identity(name)} ORDER BY CAST(t AS VARCHAR)) = 1"
    )


def _canonical(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value without the order of fields and lists, which tells nothing here.

    Servers give lists such as features in another order each time.
    """
    if isinstance(value, dict):
        return {name: _canonical(part) for name, part in sorted(value.items())}
    if isinstance(value, list):
        return sorted(map(_canonical, value), key=repr)
    return value


def _place(row: Sequence[Any], files: Files) -> str:
    where = "/".join(redact_text(slug) for slug in row[2:4] if slug)
    label = files[row[4]].label
    return f"{label} ({where})" if where else label
