"""What comes back of all rows: how many of a place have the same codes, kept in a table here."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from scanner.engine.database import Connection
from scanner.engine.intake.scope import projects_of
from scanner.engine.judge.evaluate import CODES, ERROR, FAIL, PASS, UNKNOWN
from scanner.engine.remote.interface import CodeGroup
from scanner.engine.remote.local import insert
from scanner.model.history import GroupTally
from scanner.model.outcome import Outcome

_AT_ONCE: Final = 20_000
"""Groups that are put into the table at a time."""

_COLUMNS: Final = {
    "organization": "VARCHAR",
    "project": "VARCHAR",
    "codes": "VARCHAR",
    "number": "BIGINT",
}


def take(
    connection: Connection, table: str, groups: Iterator[CodeGroup]
) -> tuple[int, tuple[int, ...]]:
    """Keep the groups; return the number of rows, and the sums of their digests."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TABLE {_name(table)} ({columns})")
    total, sums = 0, (0, 0, 0, 0)
    while some := list(islice(groups, _AT_ONCE)):
        total += sum(one.number for one in some)
        one, two, three, four = (sum(group.sums[n] for group in some) for n in range(4))
        sums = sums[0] + one, sums[1] + two, sums[2] + three, sums[3] + four
        rows = [{name: getattr(group, name) for name in _COLUMNS} for group in some]
        insert(connection, _name(table), _COLUMNS, rows)
    return total, sums


def tallies(connection: Connection, table: str, rules: int) -> list[dict[Outcome, int]]:
    """Return how many rows have each outcome, for each rule."""
    found: list[Counter[int]] = [Counter() for _ in range(rules)]
    sql = f"SELECT codes, CAST(sum(number) AS BIGINT) FROM {_name(table)} GROUP BY codes"
    for codes, number in connection.execute(sql).fetchall():
        for tally, code in zip(found, codes, strict=True):
            tally[int(code)] += number
    return [{CODES[code]: rows for code, rows in sorted(one.items())} for one in found]


def by_organization(
    connection: Connection, table: str, places: Sequence[int]
) -> dict[str, GroupTally]:
    """Return how the rules at these places among the codes fare; what tells none has none."""
    found: dict[str, Counter[int]] = {}
    sql = (
        f"SELECT organization, codes, CAST(sum(number) AS BIGINT) FROM {_name(table)}"
        " WHERE organization IS NOT NULL GROUP BY organization, codes"
    )
    for organization, codes, number in connection.execute(sql).fetchall():
        counts = found.setdefault(organization, Counter())
        for place in places:
            counts[int(codes[place])] += number
    return {
        organization: GroupTally(counts[PASS], counts[FAIL], counts[UNKNOWN] + counts[ERROR])
        for organization, counts in found.items()
    }


def projects(connection: Connection, tables: Sequence[str]) -> dict[str, int]:
    """Return the organizations of all rows, each with the number of its projects."""
    rows = (f"SELECT organization, project FROM {_name(table)}" for table in tables)
    return projects_of(connection, rows)


def judged(table: str, places: Sequence[int]) -> str:
    """Return a SELECT of how many rows of a place have which codes, as ClearPlaces has it."""
    codes = "".join(
        f", CAST(substring(codes, {place + 1}, 1) AS TINYINT) AS c{number}"
        for number, place in enumerate(places)
    )
    return f"SELECT organization, project, number{codes} FROM {_name(table)}"


def _name(table: str) -> str:
    return f"groups_{table}"
