"""Records with one id: equal ones are one, different ones contradict each other.

So do projects of one organization that share a slug: at no moment does a server have two of them.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from scanner.base.errors import InventoryFileError, UsageError
from scanner.base.text import plural
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
    """Return for each FILE its rows and bad rows, and how many different ids the table has."""
    sql = (
        f"SELECT {FILE}, count(*), count(*) FILTER ({BAD}),"
        f' (SELECT count(DISTINCT ({_identity(name)})) FROM "{name}") FROM "{name}" GROUP BY ALL'
    )
    return connection.execute(sql).fetchall()


def settled(
    connection: Connection, name: str, files: Files, *, live: bool, twice: int
) -> list[Gap]:
    """Keep one of each group of equal records, of which `twice` are too many; return the gaps.

    A gap is a record that contradicts another one with its id: where they were fetched for this
    scan (`live`), the server's list changed while it was read. In files nobody can know which one
    is true: raises InventoryFileError for the first such pair.
    """
    gaps = namesakes(connection, name, files, live=live)
    if twice:
        gaps += contradictions(connection, name, files, live=live)
        collapse(connection, name)
    return gaps


def contradictions(connection: Connection, name: str, files: Files, *, live: bool) -> list[Gap]:
    """Find different records with one id; see `settled`."""
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


def namesakes(connection: Connection, name: str, files: Files, *, live: bool) -> list[Gap]:
    """Find projects of one organization with one slug and several ids; see `settled`."""
    table = TABLES[name]
    if table.place != "project":
        return []
    rows = connection.execute(
        f"SELECT {table.organization} AS home, {table.project} AS slug, min(id), max(id),"
        f' arg_min({FILE}, id), arg_max({FILE}, id) FROM "{name}"'
        " WHERE home IS NOT NULL AND slug IS NOT NULL"
        " GROUP BY ALL HAVING min(id) <> max(id) ORDER BY ALL"
    ).fetchall()
    gaps = []
    for home, slug, one, two, first, second in rows:
        what, where = redact_text(f"{table.title} {slug}"), redact_text(home)
        told = f"the {what} of {where} has two ids, {redact_text(one)} and {redact_text(two)}"
        if not live:
            raise InventoryFileError(
                f"{told}: in {files[first].label} and in {files[second].label}",
                where=files[first].label,
                remedy="Leave out the file that is out of date, or fetch both again.",
            )
        sentence = f"{told[0].upper()}{told[1:]}: its list changed while it was read. Fetch again."
        gaps.append(Gap(sentence, home, slug))
    return gaps


def check_organization(connection: Connection, filled: Sequence[str], files: Files) -> None:
    """Refuse the name of an organization for rows whose projects are listed in another one."""
    for number, raw in files.items():
        table = TABLES.get(raw.kind or "")
        if raw.organization is None or table is None or table.joined not in filled:
            continue
        listed = TABLES[table.joined]
        found = connection.execute(
            f"SELECT count(*), min(p.{listed.organization})"
            f' FROM "{raw.kind}" AS k JOIN "{table.joined}" AS p ON p.id = k.project_id'
            f" WHERE k.{FILE} = $number AND p.{listed.organization} <> k.{table.organization}"
            f' AND NOT EXISTS (SELECT 1 FROM "{table.joined}" AS o WHERE o.id = k.project_id'
            f" AND o.{listed.organization} = k.{table.organization})",
            {"number": number},
        ).fetchone()
        if found and found[0]:
            home = redact_text(found[1])
            raise UsageError(
                f"holds {plural(found[0], table.title)} of {home}, as the list of projects has it,"
                f" but --org names {raw.organization!r}",
                where=raw.label,
                remedy=f"Give --org {home}, or leave out the list that is not about these keys.",
            )


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
