"""Where a rule found nothing, as a stream out of the database."""

from collections.abc import Callable, Iterator, Sequence

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.evaluate import NOT_APPLICABLE, PASS, Evaluated
from scanner.engine.judge.findings import BATCH
from scanner.model.run import Clear


class ClearPlaces:
    """The places (organization and project) in which every row passed or a rule is not about any.

    Each iteration is a new stream: rules worst first as in the findings, then organization and
    project.
    """

    def __init__(
        self,
        connection: Connection,
        evaluated: Sequence[Evaluated],
        judged: Callable[[Evaluated], str] | None = None,
    ) -> None:
        """`judged` gives a SELECT of organization, project, code and number, of all rows."""
        self._connection = connection
        self._judged = judged or _judged
        self._evaluated = sorted(evaluated, key=lambda one: -one.prepared.rule.severity.rank)

    def __iter__(self) -> Iterator[Clear]:
        for one in self._evaluated:
            rule = one.prepared.rule
            # A cursor of its own: several streams may be open, and the tables are shared.
            cursor = self._connection.cursor()
            cursor.execute(_statement(self._judged(one)))
            while batch := cursor.fetchmany(BATCH):
                for place in batch:  # organization, project, and how many
                    yield Clear(rule.policy, rule.id, *place)
            cursor.close()


def _statement(judged: str) -> str:
    return (
        f"SELECT organization, project, CAST({_rows(PASS)} AS BIGINT),"
        f" CAST({_rows(NOT_APPLICABLE)} AS BIGINT) FROM ({judged}) GROUP BY organization, project"
        f" HAVING bool_and(code IN ({PASS}, {NOT_APPLICABLE}))"
        " ORDER BY organization NULLS FIRST, project NULLS FIRST"
    )


def _rows(code: int) -> str:
    return f"coalesce(sum(number) FILTER (code = {code}), 0)"


def _judged(one: Evaluated) -> str:
    resource = one.prepared.rule.resource
    table = TABLES[resource]
    return (
        f"SELECT t.{table.organization} AS organization, {table.project} AS project,"
        f' v.{one.column} AS code, 1 AS number FROM {one.verdicts} AS v JOIN "{resource}" AS t'
        " ON t.rowid = v.number"
    )
