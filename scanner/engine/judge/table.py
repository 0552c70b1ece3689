"""In come the findings of a scan, and what was decided about them; out come files of Parquet."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import _duckdb as duckdb

from scanner.base.text import timestamp
from scanner.engine.database import Connection, literal, reason
from scanner.engine.judge.evaluate import CODES, UNKNOWN, Evaluated
from scanner.engine.judge.findings import ORDER, Findings, bound, rows
from scanner.model.finding import Finding
from scanner.report.parts.flat import COLUMNS
from scanner.triage.decide import Decision

_AT_ONCE: Final = 10_000  # decisions that are handed to the database at a time
_OUTCOMES: Final = ", ".join(f"'{outcome}'" for outcome in CODES)
_DECIDED: Final = {
    "fingerprint": "VARCHAR",
    "disposition": "VARCHAR",
    "waiver": "VARCHAR",
    "first_seen": "TIMESTAMP WITH TIME ZONE",
}
# Where the columns of the table come from that are not called as those of a rule's findings are.
_FROM: Final = {
    "rule_id": "$rule_id",
    "policy": "$rule_policy",
    "severity": "$rule_severity",
    "outcome": f"list_extract([{_OUTCOMES}], f.code + 1)",
    "disposition": "coalesce(d.disposition, 'open')",
    "resource_type": "$rule_resource",
    "resource_id": "nullif(f.id, '')",
    "resource_name": "f.name",
    "waiver": "d.waiver",
    "first_seen": "d.first_seen",
}


def save(findings: Findings, decisions: Mapping[str, Decision], folder: Path) -> list[Path]:
    """Write the findings into files in `folder`, which the database may write to.

    Read one after the other, the files are the table of `flat.COLUMNS` in the order of
    `findings`; `first_seen` is a time with its zone, all else is text. `decisions` are by
    fingerprint. Raises OSError for what the system refuses.
    """
    cursor = findings.connection.cursor()
    files: list[Path] = []
    try:
        _tell(cursor, decisions)
        for one in findings.evaluated:
            unseen = findings.unseen(one.prepared.rule)
            if unseen or one.found:
                files.append(folder / f"{len(files):06}.parquet")
                _copy(cursor, one, unseen, findings.owners, files[-1])
    except duckdb.IOException as error:
        raise OSError(reason(error)) from error
    finally:
        cursor.close()
    return files


def _tell(cursor: Connection, decisions: Mapping[str, Decision]) -> None:
    """Put the decisions into a table of the database."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _DECIDED.items())
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE decided ({columns})")
    lists = ", ".join(f"CAST(unnest(${name}) AS {kind})" for name, kind in _DECIDED.items())
    for some in _some(decisions):
        told = [(key, *decision) for key, decision in some]
        values = zip(*((*one[:3], one[3] and timestamp(one[3])) for one in told), strict=True)
        cursor.execute(
            f"INSERT INTO decided SELECT {lists}",
            dict(zip(_DECIDED, map(list, values), strict=True)),
        )


def _some(decisions: Mapping[str, Decision]) -> Iterator[list[tuple[str, Decision]]]:
    items = iter(decisions.items())
    while some := list(islice(items, _AT_ONCE)):
        yield some


def _copy(
    cursor: Connection,
    one: Evaluated,
    unseen: Sequence[Finding],
    owners: Sequence[str],
    file: Path,
) -> None:
    """Write the findings of one rule: what could not be seen comes before its rows."""
    rule = one.prepared.rule
    sql, params = _unseen(unseen)
    if one.found:
        sql = f"{sql} UNION ALL BY NAME ({rows(one, owners)})"
        params |= bound(one, owners)
    chosen = ", ".join(
        f"CAST({_FROM.get(name, f'f.{name}')} AS {_DECIDED.get(name, 'VARCHAR')}) AS {name}"
        for name in COLUMNS
    )
    order = ", ".join(f"f.{term}" for term in ORDER.split(", "))
    cursor.execute(
        f"COPY (SELECT {chosen} FROM ({sql}) AS f LEFT JOIN decided AS d"
        f" ON d.fingerprint = f.fingerprint ORDER BY f.number NULLS LAST, {order})"
        f" TO {literal(str(file))} (FORMAT parquet, COMPRESSION uncompressed)",
        {
            **params,
            "rule_id": rule.id,
            "rule_policy": rule.policy,
            "rule_severity": rule.severity.value,
            "rule_resource": rule.resource,
        },
    )


def _unseen(findings: Sequence[Finding]) -> tuple[str, dict[str, Any]]:
    """Return a SELECT of findings about what could not be seen, as `rows` has columns, numbered."""
    lists: dict[str, Any] = {
        "organization": [one.resource.organization for one in findings],
        "project": [one.resource.project for one in findings],
        "message": [one.message for one in findings],
        "fingerprint": [one.fingerprint for one in findings],
        "number": list(range(len(findings))),
    }
    kinds = {"number": "BIGINT"}
    columns = ", ".join(
        f"unnest(CAST($unseen_{name} AS {kinds.get(name, 'VARCHAR')}[])) AS {name}"
        for name in lists
    )
    sql = (
        f"SELECT {UNKNOWN} AS code, '' AS id, NULL AS name, NULL AS url, '{{}}' AS evidence,"
        f" NULL AS owner, {columns}"
    )
    return sql, {f"unseen_{name}": values for name, values in lists.items()}
