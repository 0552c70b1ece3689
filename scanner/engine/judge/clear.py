"""Where a rule found nothing, as a stream out of the database."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from typing import Final

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.evaluate import NOT_APPLICABLE, PASS, Evaluated, worst_first
from scanner.engine.judge.findings import BATCH
from scanner.model.run import Clear

_AT_ONCE: Final = 10
"""Rules whose rows are counted in one pass: to plan it takes longer with the square of them."""

_NUMBERS: Final = count()


class ClearPlaces:
    """The places (organization and project) in which every row passed or a rule is not about any.

    Each iteration is a new stream: rules worst first as in the findings, then organization and
    project.
    """

    def __init__(
        self,
        connection: Connection,
        evaluated: Sequence[Evaluated],
        judged: Callable[[Sequence[Evaluated]], str] | None = None,
    ) -> None:
        """`judged` gives a SELECT of organization, project and number, of all rows of a table.

        After them come the rows' codes for rules of the same verdicts: `c0`, `c1` and so on.
        """
        self._connection = connection
        self._judged = judged or _judged
        self._evaluated = worst_first(evaluated)

    def __iter__(self) -> Iterator[Clear]:
        ahead = defaultdict[str, list[Evaluated]](list)
        for one in self._evaluated:
            ahead[one.verdicts].append(one)
        waiting = {verdicts: iter(rules) for verdicts, rules in ahead.items()}
        counted: dict[str, tuple[str, int]] = {}
        # A cursor of its own: several streams may be open, and the tables are shared.
        cursor = self._connection.cursor()
        for one in self._evaluated:
            rule = one.prepared.rule
            if rule.id not in counted:
                some = list(islice(waiting[one.verdicts], _AT_ONCE))
                table = _count(cursor, self._judged(some), len(some))
                counted |= {o.prepared.rule.id: (table, n) for n, o in enumerate(some)}
            table, number = counted.pop(rule.id)
            cursor.execute(
                f"SELECT organization, project, p{number}, n{number} FROM {table}"
                f" WHERE p{number} + n{number} = rows ORDER BY place"
            )
            while batch := cursor.fetchmany(BATCH):
                for place in batch:  # organization, project, and how many
                    yield Clear(rule.policy, rule.id, *place)
            if all(name != table for name, _ in counted.values()):
                cursor.execute(f"DROP TABLE {table}")
        cursor.close()


def _count(connection: Connection, judged: str, rules: int) -> str:
    """Count what the rules come to in each place; return the table that it is kept in."""
    table = f"clear_{next(_NUMBERS)}"
    counts = "".join(
        f", {_rows(f'c{n} = {PASS}')} AS p{n}, {_rows(f'c{n} = {NOT_APPLICABLE}')} AS n{n}"
        for n in range(rules)
    )
    order = "organization NULLS FIRST, project NULLS FIRST"
    connection.execute(
        f"CREATE TABLE {table} AS SELECT organization, project, {_rows('true')} AS rows{counts},"
        f" row_number() OVER (ORDER BY {order}) AS place"
        f" FROM ({judged}) GROUP BY organization, project"
    )
    return table


def _rows(condition: str) -> str:
    return f"CAST(coalesce(sum(number) FILTER ({condition}), 0) AS BIGINT)"


def _judged(rules: Sequence[Evaluated]) -> str:
    verdicts, resource = rules[0].verdicts, rules[0].prepared.rule.resource
    table = TABLES[resource]
    codes = "".join(f", v.{one.column} AS c{n}" for n, one in enumerate(rules))
    return (
        f"SELECT t.{table.organization} AS organization, {table.project} AS project,"
        f' 1 AS number{codes} FROM {verdicts} AS v JOIN "{resource}" AS t ON t.rowid = v.number'
    )
