"""What triage asks of evaluated rules, without messages and evidence: see triage.interface."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.owners import OWNER
from scanner.engine.judge.evaluate import CODES, FOUND, PASS, Evaluated
from scanner.model.finding import Identity, Place
from scanner.model.outcome import Outcome
from scanner.model.rule import Rule

BATCH: Final = 10_000
"""Findings that are taken out of the database at a time."""


class EvaluatedFacts:
    """Findings without message and evidence, and which rows the predicates of waivers select."""

    def __init__(
        self,
        connection: Connection,
        evaluated: Sequence[Evaluated],
        predicates: Sequence[Evaluated],
        existing: Callable[[str, frozenset[str]], list[tuple[str, Place]]] | None = None,
    ) -> None:
        """`existing` looks rows up where the database does not hold all of them."""
        self._existing = existing
        self._connection = connection
        self._evaluated = {one.prepared.rule.id: one for one in evaluated}
        self._predicates = predicates

    def identities(self, rule: Rule, predicates: Sequence[int]) -> Iterator[Identity]:
        """Give the rule's findings on rows; `matched` is in the order of the predicates."""
        one = self._evaluated[rule.id]
        if not one.found:
            return
        cursor = self._connection.cursor()
        cursor.execute(_statement(one, [self._predicates[place] for place in predicates]))
        while batch := cursor.fetchmany(BATCH):
            for code, *identity in batch:
                yield Identity(CODES[code], *identity)
        cursor.close()

    def spread(self, rule: Rule) -> dict[tuple[str | None, str | None], int]:
        """Count the rule's findings on rows by the owner and the organization of the row."""
        one = self._evaluated[rule.id]
        organization = TABLES[rule.resource].organization
        found = self._connection.execute(
            f"SELECT t.{OWNER}, t.{organization}, count(*) FROM {one.verdicts} AS v"
            f' JOIN "{rule.resource}" AS t ON t.rowid = v.number'
            f" WHERE v.{one.column} IN {FOUND}"
            " GROUP BY ALL ORDER BY ALL"
        )
        return {(owner, slug): number for owner, slug, number in found.fetchall()}

    def matches(self, predicate: int) -> int:
        """Count the rows for which the predicate is TRUE."""
        return self._predicates[predicate].counts.get(Outcome.PASS, 0)

    def existing(self, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        """Give the table's rows that have one of the ids: the id, and where the row is."""
        if self._existing is not None:
            return self._existing(table, ids)
        found = self._connection.execute(
            f'SELECT DISTINCT id, {_place(table)} FROM "{table}" AS t'
            " WHERE id IN (SELECT unnest(CAST($ids AS VARCHAR[])))",
            {"ids": sorted(ids)},
        )
        return [(str(key), Place(*place)) for key, *place in found.fetchall()]

    def places(self, table: str) -> list[Place]:
        """Give the places in which the table has rows, each once."""
        found = self._connection.execute(f'SELECT DISTINCT {_place(table)} FROM "{table}" AS t')
        return [Place(*place) for place in found.fetchall()]


def _place(table: str) -> str:
    spec = TABLES[table]
    return f"t.{spec.organization}, {spec.project_key}, {spec.project}"


def _statement(one: Evaluated, predicates: Sequence[Evaluated]) -> str:
    resource = one.prepared.rule.resource
    table = TABLES[resource]
    # Predicates have a table of verdicts of their own where the common statement failed.
    joined = dict.fromkeys(p.verdicts for p in predicates if p.verdicts != one.verdicts)
    alias = {one.verdicts: "v"} | {name: f"p{number}" for number, name in enumerate(joined)}
    joins = "".join(f" JOIN {name} AS {alias[name]} USING (number)" for name in joined)
    matched = ", ".join(f"{alias[p.verdicts]}.{p.column} = {PASS}" for p in predicates)
    return (
        f"SELECT CAST(v.{one.column} AS INTEGER), t.{table.organization}, {table.project_key},"
        f" t.id, CAST([{matched}] AS BOOLEAN[]), {table.project}, t.name, t.{OWNER}"
        f' FROM {one.verdicts} AS v{joins} JOIN "{resource}" AS t ON t.rowid = v.number'
        f" WHERE v.{one.column} IN {FOUND}"
    )
