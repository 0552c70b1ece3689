"""The outcome of a rule for one row of an inventory, and how it came about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from scanner.authoring.explain.rule import prefix
from scanner.base.errors import UsageError
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.evaluate import CODES, evaluate
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import prepare
from scanner.engine.judge.trace import Step, trace
from scanner.engine.predicate.guard import Guard
from scanner.model.finding import Resource
from scanner.model.outcome import Outcome
from scanner.model.rule import Rule

_LISTED: Final = 5


class Traced(msgspec.Struct, frozen=True):
    """A part of a predicate with its value; `cause` says that it decided, and how."""

    kind: str
    sql: str
    type: str
    value: str | None
    error: str
    role: str
    reached: bool
    cause: str
    children: tuple["Traced", ...]


class RowVerdict(msgspec.Struct, frozen=True):
    """The outcome for one row. `message` is the finding's, empty where there is none."""

    id: str
    name: str | None
    organization: str | None
    project: str | None
    as_of: datetime
    outcome: Outcome
    message: str
    where: Traced | None
    requirement: Traced


def judge(
    connection: Connection, rule: Rule, key: str, as_of: datetime, unseen: Unseen | None = None
) -> RowVerdict:
    """Evaluate the rule for the row with this id, or the only one that `key` can mean.

    The tables are filled; `unseen` is what they may lack. Raises UsageError where no row, or more
    than one, is meant.
    """
    number, identity = _find(connection, rule.resource, key)
    (prepared,) = prepare(connection, [rule])
    (evaluated,) = evaluate(connection, [prepared], as_of, unseen)
    found = connection.execute(
        f"SELECT CAST({evaluated.column} AS INTEGER) FROM {evaluated.verdicts}"
        f" WHERE number = {number}"
    ).fetchone()
    outcome = CODES[found[0]] if found else Outcome.ERROR
    message = ""
    if outcome not in {Outcome.PASS, Outcome.NOT_APPLICABLE}:
        findings = Findings(connection, [evaluated], {})
        wanted = (one for one in findings if _identity(one.resource) == identity)
        message = next((one.message for one in wanted), "")
    guard = Guard(connection)
    where = None
    if rule.where:
        checked = guard.check(rule.where, rule.resource, prefix(rule.where))
        where = marked(trace(connection, checked, rule.resource, number, as_of))
    checked = guard.check(rule.requirement, rule.resource, prefix(rule.requirement))
    step = trace(connection, checked, rule.resource, number, as_of)
    # Where the row is none of the rule's business, or may not be, nothing in it decides.
    counts = where is None or where.value == "true"
    requirement = marked(step) if counts else _traced(step, {})
    return RowVerdict(*identity, as_of, outcome, message, where, requirement)


RowIdentity = tuple[str, str | None, str | None, str | None]
"""Id, name, organization and project of a row."""


def _find(connection: Connection, resource: str, key: str) -> tuple[int, RowIdentity]:
    """Return the rowid and the identity of the row that is meant. Raises UsageError.

    An id comes before the start of one, that before a name, that before a project's slug, and that
    before an organization's.
    """
    table = TABLES[resource]
    found = connection.execute(
        f"SELECT rowid, id, name, {table.organization}, {table.project}, CASE WHEN id = $key THEN 0"
        f" WHEN starts_with(id, $key) THEN 1 WHEN name = $key THEN 2"
        f" WHEN {table.project} = $key THEN 3 ELSE 4 END AS way"
        f' FROM "{resource}"'
        f" WHERE starts_with(id, $key) OR name = $key OR {table.project} = $key"
        f" OR {table.organization} = $key"
        f" ORDER BY way, id, {table.organization} NULLS FIRST",
        {"key": key},
    ).fetchall()
    rows = [row for row in found if row[5] == found[0][5]]
    if len(rows) == 1 and key:
        return int(rows[0][0]), (rows[0][1], rows[0][2], rows[0][3], rows[0][4])
    if not rows:
        count = connection.execute(f'SELECT count(*) FROM "{resource}"').fetchone() or (0,)
        raise UsageError(
            f"no {table.title} has an id that begins with {key!r}, or that name, project or"
            f" organization; the inventory has {count[0]}",
            where="--key",
            remedy=f'`keypolicy query "select id, name from {resource}"` lists them.',
        )
    listed = ", ".join(f"{row[1]} ({_called(row)})" for row in rows[:_LISTED])
    more = ", ..." if len(rows) > _LISTED else ""
    raise UsageError(
        f"{key!r} stands for {len(rows)} of {resource}: {listed}{more}",
        where="--key",
        remedy="Write the id of one, or narrow the inventory with --org or --project.",
    )


def _called(row: Sequence[str | None]) -> str:
    """Return the name of a row and where it is, as far as that is known."""
    place = "/".join(part for part in row[3:5] if part)
    return ", ".join(part for part in (row[2], place) if part) or "nothing more is known of it"


def _identity(resource: Resource) -> RowIdentity:
    return resource.id, resource.name, resource.organization, resource.project


def marked(step: Step) -> Traced:
    """Return the step with what decided it marked."""
    return _traced(step, _causes(step))


def _traced(step: Step, causes: dict[int, str]) -> Traced:
    return Traced(
        kind=step.kind,
        sql=step.sql,
        type=step.type,
        value=step.value,
        error=step.error,
        role=step.role,
        reached=step.reached,
        cause=causes.get(id(step), ""),
        children=tuple(_traced(child, causes) for child in step.children),
    )


def _causes(step: Step) -> dict[int, str]:
    """Say, by id(), which parts decided that the whole is an error, NULL or FALSE."""
    reached = [child for child in step.children if child.reached]
    if step.error:
        return _deeper([child for child in reached if child.error]) or {id(step): "fails"}
    if step.kind == "CASE":
        return _case(step, reached)
    if step.value is None:
        deeper = _deeper([child for child in reached if child.is_null])
        return deeper or {id(step): _missing(step)}
    if step.value != "false":
        return {}
    if step.kind == "CONJUNCTION":
        return _deeper([child for child in reached if child.value == "false"])
    return {id(step): "decides"}


def _case(step: Step, reached: list[Step]) -> dict[int, str]:
    """Blame the branch that was taken, or the condition that led to it."""
    if step.value not in {None, "false"}:
        return {}
    branch = [child for child in reached if child.role != "when"]
    if deeper := _deeper(branch):
        return deeper
    chosen = [child for child in reached if child.role == "when" and child.value == "true"]
    if chosen:
        return {id(chosen[0]): "decides"}
    return _deeper([child for child in reached if child.is_null])


def _deeper(steps: list[Step]) -> dict[int, str]:
    return {key: why for step in steps for key, why in _causes(step).items()}


def _missing(step: Step) -> str:
    return "no value" if step.kind == "COLUMN_REF" else "comes to NULL"
