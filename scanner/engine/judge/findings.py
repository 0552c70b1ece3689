"""Findings as a stream out of the database."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.owners import OWNER
from scanner.engine.judge.evaluate import CODES, ERROR, FAIL, FOUND, Evaluated, worst_first
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

ORDER: Final = "organization NULLS FIRST, project NULLS FIRST, id"
"""The order of a rule's findings."""

_OWNERS: Final = "shown_owners"
_BEGUN: Final = "fingerprint_begun"
_ERROR: Final = "why_in_error"
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
        self.owners = list(owners)
        self.connection = connection
        self.evaluated = worst_first(evaluated)
        self._gaps = gaps
        self._few: tuple[Finding, ...] | None = None

    def __iter__(self) -> Iterator[Finding]:
        """Stream the findings; a few are kept, since each report asks for them again."""
        if sum(one.found for one in self.evaluated) > FEW:
            return self._stream()
        if self._few is None:
            self._few = tuple(self._stream())
        return iter(self._few)

    def first(self, rule: Rule, most: int) -> Iterator[Finding]:
        """Give the first findings of one rule: no more of them is sorted than is asked for."""
        for one in self.evaluated:
            if one.prepared.rule.key == rule.key:
                yield from islice(self._of(one, f" LIMIT {most:d}"), most)

    def rows(
        self, table: str, columns: Sequence[str], ids: Collection[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return these columns of the rows with one of the ids, or of all, as evidence has them."""
        found = self.connection.cursor().execute(
            f'SELECT t.id, {evidence(table, columns)} FROM "{table}" AS t'
            " WHERE $ids IS NULL OR t.id IN (SELECT unnest(CAST($ids AS VARCHAR[])))",
            {"ids": None if ids is None else sorted(ids)},
        )
        return {str(key): msgspec.json.decode(row) for key, row in found.fetchall()}

    def _stream(self) -> Iterator[Finding]:
        for one in self.evaluated:
            yield from self._of(one)

    def _of(self, one: Evaluated, limit: str = "") -> Iterator[Finding]:
        yield from self.unseen(one.prepared.rule)
        if one.found:
            yield from self._rows(one, limit)

    def _rows(self, one: Evaluated, limit: str) -> Iterator[Finding]:
        sql = f"{rows(one, self.owners)} ORDER BY {ORDER}{limit}"
        return stream(self.connection, one, sql, bound(one, self.owners))

    def unseen(self, rule: Rule) -> list[Finding]:
        """Return the rule's findings about what could not be seen."""
        return [
            Finding(
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
            for gap in self._gaps.get(rule.resource, ())
        ]


def stream(
    connection: Connection, one: Evaluated, sql: str, values: dict[str, Any]
) -> Iterator[Finding]:
    """Give the findings of a rule that a statement made of `rows` comes to, all of them open."""
    rule = one.prepared.rule
    # A cursor of its own: several streams may be open, and the tables are shared.
    cursor = connection.cursor()
    cursor.execute(sql, values)
    while batch := cursor.fetchmany(BATCH):
        for code, key, name, organization, project, url, message, facts, named, owner, of in batch:
            yield Finding(
                rule_id=rule.id,
                policy=rule.policy,
                severity=rule.severity,
                outcome=CODES[code],
                disposition=Disposition.OPEN,
                message=message,
                resource=Resource(rule.resource, key, name, organization, project, url, of),
                evidence=msgspec.Raw(facts.encode()),
                fingerprint=named,
                owner=owner,
            )
    cursor.close()


def rows(one: Evaluated, owners: Sequence[str], table_at: str = "") -> str:
    """Return the SELECT of a rule's findings on rows, to be run with `bound`; it has no order.

    `table_at` is what stands for the rule's table, as SQL, where it is not the table as it is.
    """
    prepared = one.prepared
    table = TABLES[prepared.rule.resource]
    named = fingerprint_sql(f"${_BEGUN}", f"t.{table.organization}", table.project_key, "t.id")
    columns = {
        "code": f"CAST(v.{one.column} AS INTEGER)",
        "id": "t.id",
        "name": "t.name",
        "organization": f"t.{table.organization}",
        "project": table.project,
        "url": "t.url",
        "message": _message(one),
        "evidence": evidence(prepared.rule.resource, prepared.columns),
        "fingerprint": named,
        "owner": f"t.{OWNER}",
        "project_id": table.project_key,
    }
    only = f" AND list_contains(${_OWNERS}, t.{OWNER})" if owners else ""
    return (
        f"SELECT {', '.join(f'{expression} AS {name}' for name, expression in columns.items())}"
        f" FROM {one.verdicts} AS v JOIN {table_at or _quoted(prepared.rule.resource)} AS t"
        f" ON t.rowid = v.number WHERE v.{one.column} IN {FOUND}{only}"
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def bound(one: Evaluated, owners: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of `rows`."""
    only = {_OWNERS: list(owners)} if owners else {}
    begun = beginning(one.prepared.rule.id)
    return {**one.prepared.message_params, _BEGUN: begun, _ERROR: one.error, **only}


def _message(one: Evaluated) -> str:
    """Return a SQL text expression: the rule's message, or why it came to no verdict on a row."""
    prepared = one.prepared
    missing = ", ".join(
        f"CASE WHEN t.\"{name}\" IS NULL THEN '{name}' END" for name in prepared.columns
    )
    return (
        f"CASE v.{one.column} WHEN {FAIL} THEN {prepared.message}"
        f" ELSE concat(coalesce(nullif(t.name, ''), t.id), CASE v.{one.column} WHEN {ERROR}"
        f" THEN concat(': could not be evaluated (', CAST(${_ERROR} AS VARCHAR), ')')"
        " ELSE concat(': cannot tell, ', coalesce("
        f"'rows beside it may be missing (' || nullif({prepared.lacking or 'NULL'}, '') || ')',"
        f"'no value for ' || nullif(concat_ws(', ', {missing or 'NULL'}), ''),"
        " 'the facts do not decide it')) END) END"
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
