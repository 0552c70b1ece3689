"""Findings as a stream out of the database."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.owners import OWNER
from scanner.engine.judge.evaluate import CODES, ERROR, FAIL, UNKNOWN, Evaluated
from scanner.model.coverage import Gap
from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.triage.fingerprint import beginning, fingerprint, fingerprint_sql

BATCH: Final = 4_000
"""Findings that are taken out of the database at a time."""

FEW: Final = 1_000
"""Up to so many findings are kept in memory instead of being asked for again."""

ISO_UTC: Final = "'%Y-%m-%dT%H:%M:%S.%fZ'"
"""How times are written, as a SQL text: RFC 3339."""

_OWNERS: Final = "shown_owners"
_BEGUN: Final = "fingerprint_begun"
_NO_EVIDENCE: Final = msgspec.Raw(b"{}")


class Findings:
    """Every finding of a scan; each iteration is a new stream in the same order.

    Severity (worst first), then the order of the rules, then organization, project and id.
    Parts of a table that could not be seen come before its rows.
    """

    def __init__(
        self,
        connection: Connection,
        evaluated: Sequence[Evaluated],
        gaps: dict[str, tuple[Gap, ...]],
        owners: Sequence[str] = (),
    ) -> None:
        """With `owners`, give only theirs, and what could not be seen."""
        self._owners = list(owners)
        self._connection = connection
        self._evaluated = sorted(
            evaluated, key=lambda one: -one.prepared.rule.severity.rank
        )  # the sort is stable: rules of one severity stay in policy order
        self._gaps = gaps
        self._few: tuple[Finding, ...] | None = None

    def __iter__(self) -> Iterator[Finding]:
        """Stream the findings; a few are kept, since each report asks for them again."""
        total = sum(
            one.counts.get(CODES[code], 0)
            for one in self._evaluated
            for code in (FAIL, UNKNOWN, ERROR)
        )
        if total > FEW:
            return self._stream()
        if self._few is None:
            self._few = tuple(self._stream())
        return iter(self._few)

    def first(self, rule: Rule, most: int) -> Iterator[Finding]:
        """Give the first findings of one rule: no more of them is sorted than is asked for."""
        for one in self._evaluated:
            if one.prepared.rule.id == rule.id and one.prepared.rule.policy == rule.policy:
                yield from islice(self._of(one, f" LIMIT {most:d}"), most)

    def _stream(self) -> Iterator[Finding]:
        for one in self._evaluated:
            yield from self._of(one)

    def _of(self, one: Evaluated, limit: str = "") -> Iterator[Finding]:
        rule = one.prepared.rule
        for gap in self._gaps.get(rule.resource, ()):
            yield self._unseen(rule, gap)
        if any(one.counts.get(CODES[code]) for code in (FAIL, UNKNOWN, ERROR)):
            yield from self._rows(one, limit)

    def _rows(self, one: Evaluated, limit: str) -> Iterator[Finding]:
        rule = one.prepared.rule
        # A cursor of its own: several streams may be open, and the tables are shared.
        cursor = self._connection.cursor()
        params: dict[str, Any] = {**one.prepared.message_params, _BEGUN: beginning(rule.id)}
        if self._owners:
            params[_OWNERS] = self._owners
        cursor.execute(_statement(one, bool(self._owners)) + limit, params)
        while batch := cursor.fetchmany(BATCH):
            for code, key, organization, project, project_key, name, url, *texts in batch:
                outcome = CODES[code]
                message, facts, lacking, owner, named = texts
                yield Finding(
                    rule_id=rule.id,
                    policy=rule.policy,
                    severity=rule.severity,
                    outcome=outcome,
                    disposition=Disposition.OPEN,
                    message=message
                    if outcome is Outcome.FAIL
                    else _undecided(one, outcome, name or key, facts, lacking),
                    resource=Resource(
                        rule.resource, key, name, organization, project, url, project_key
                    ),
                    evidence=msgspec.Raw(facts.encode()),
                    fingerprint=named,
                    owner=owner,
                )
        cursor.close()

    def _unseen(self, rule: Rule, gap: Gap) -> Finding:
        return Finding(
            rule_id=rule.id,
            policy=rule.policy,
            severity=rule.severity,
            outcome=Outcome.UNKNOWN,
            disposition=Disposition.OPEN,
            message=f"Not seen: {gap.reason}",
            resource=Resource(rule.resource, "", None, gap.organization, gap.project, None),
            evidence=_NO_EVIDENCE,
            fingerprint=fingerprint(rule.id, gap.organization, gap.project, ""),
        )


def _statement(one: Evaluated, is_narrowed: bool) -> str:  # noqa: FBT001 - one of two forms
    prepared = one.prepared
    table = TABLES[prepared.rule.resource]
    columns = [f"CAST(v.{one.column} AS INTEGER)", "t.id"]
    columns += [f"t.{table.organization}", table.project, table.project_key, "t.name", "t.url"]
    columns += [prepared.message, evidence(prepared.rule.resource, prepared.columns)]
    columns += [f"CAST({prepared.lacking or 'NULL'} AS VARCHAR)", f"t.{OWNER}"]
    columns.append(
        fingerprint_sql(f"${_BEGUN}", f"t.{table.organization}", table.project_key, "t.id")
    )
    only = f" AND list_contains(${_OWNERS}, t.{OWNER})" if is_narrowed else ""
    return (
        f'SELECT {", ".join(columns)} FROM {one.verdicts} AS v JOIN "{prepared.rule.resource}" AS t'
        f" ON t.rowid = v.number WHERE v.{one.column} IN ({FAIL}, {UNKNOWN}, {ERROR}){only}"
        f" ORDER BY t.{table.organization} NULLS FIRST, {table.project} NULLS FIRST, t.id"
    )


def evidence(resource: str, columns: Sequence[str]) -> str:
    """Return a SQL text expression: a JSON object of these columns of row `t`.

    Times are RFC 3339 in UTC.
    """
    parts = []
    for name in columns:
        if TABLES[resource].columns[name].type.startswith("TIMESTAMP"):
            parts.append(f"'{name}', strftime(timezone('UTC', t.\"{name}\"), {ISO_UTC})")
        else:
            parts.append(f"'{name}', t.\"{name}\"")
    return f"CAST(json_object({', '.join(parts)}) AS VARCHAR)"


def _undecided(one: Evaluated, outcome: Outcome, name: str, facts: str, lacking: str | None) -> str:
    """Say why the rule came to no verdict on a resource."""
    if outcome is Outcome.ERROR:
        return f"{name}: could not be evaluated ({one.error})"
    if lacking:
        return f"{name}: cannot tell, rows beside it may be missing ({lacking})"
    known: dict[str, Any] = msgspec.json.decode(facts)
    missing = ", ".join(column for column, value in known.items() if value is None)
    why = f"no value for {missing}" if missing else "the facts do not decide it"
    return f"{name}: cannot tell, {why}"
