"""Prepared rules go in; fixes after which a rule would fail all the same come out as problems."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scanner.base.errors import Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.guard import Checked
from scanner.model.moment import read_moment
from scanner.policy.actions import get_action, state_reader
from scanner.policy.actions.interface import NotPossibleError, Situation

_MOMENT = "2026-01-01T00:00:00Z"


def vain_fixes(
    connection: Connection, sound: Sequence[Prepared]
) -> tuple[list[Problem], list[Problem]]:
    """Return errors for fixes that can never make their rule pass, and warnings for idle ones.

    Only what is plain is told: where a key's other columns might decide, a fix is left alone.
    """
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for one in sound:
        columns = _made(one)
        if one.rule.fix is None or columns is None:
            continue
        fix = one.rule.fix
        if not columns.keys() & set(one.columns):
            message = f"`{fix.action}` changes nothing that the rule reads"
            hint = f"The rule reads {', '.join(one.columns)}."
            warnings.append(Problem(fix.location, message, "fix-without-effect", hint))
        elif _fails_surely(connection, one, columns):
            message = f"after `{fix.action}` the rule fails all the same"
            hint = "Give it arguments that the rule lets pass, or take the fix out."
            errors.append(Problem(fix.location, message, "fix-never-passes", hint))
    return errors, warnings


def _made(one: Prepared) -> Mapping[str, Any] | None:
    """Return the columns that the fix makes, None where they depend on the key."""
    fix, reader = one.rule.fix, state_reader(one.rule.resource)
    if fix is None or reader is None:
        return None
    action = get_action(fix.action)
    arguments = action.arguments(**fix.arguments)
    made = []
    for word in ("one", "two"):
        state = {**reader.blank, **{f: word for f, v in reader.blank.items() if v == ""}}
        try:
            situation = Situation(organization=word, project=word, state=state)
            made.append(action.propose(arguments, situation).after)
        except NotPossibleError:
            return None
    after, other = made
    return None if after is None or after != other else reader.row(after)


def _fails_surely(connection: Connection, one: Prepared, columns: Mapping[str, Any]) -> bool:
    """Whether the changed row is still the rule's business, and fails, whatever else is in it."""
    if one.where is not None:
        reads = set(one.where.columns)
        if reads & columns.keys() and not reads <= columns.keys():
            return False
        if reads <= columns.keys() and _value(connection, one, one.where, columns) is not True:
            return False
    # A check is NULL where what it lacks would decide; of an author's own SQL that is not known.
    if not one.rule.check and not set(one.requirement.columns) <= columns.keys():
        return False
    return _value(connection, one, one.requirement, columns) is False


def _value(
    connection: Connection, one: Prepared, predicate: Checked, columns: Mapping[str, Any]
) -> bool | None:
    """Evaluate a predicate on a row of which only these columns have a value."""
    table = TABLES[one.rule.resource].columns
    values = {f"fix_{name}": _plain(columns.get(name)) for name in predicate.columns}
    chosen = ", ".join(
        f'CAST($fix_{name} AS {table[name].type}) AS "{name}"' for name in predicate.columns
    )
    clock = {AS_OF: read_moment(_MOMENT)} if predicate.uses_as_of else {}
    row = connection.execute(
        f"SELECT CAST(TRY({predicate.sql}) AS BOOLEAN) FROM (SELECT {chosen or '1'}) AS t",
        {**predicate.params, **clock, **values},
    ).fetchone()
    return None if row is None else row[0]


def _plain(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value
