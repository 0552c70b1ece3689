"""Predicates whose rules are not sound: what is wrong with each, and all of it, not the first."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from scanner.authoring.lint.verdicts import constant_verdicts, is_literal
from scanner.base.errors import Location, PolicyError, Problem
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared, examine
from scanner.engine.predicate.guard import Guard, GuardError
from scanner.model.outcome import Severity
from scanner.model.rule import Predicate, Rule
from scanner.policy.language.predicates import parameters_in
from scanner.policy.parts import Role, RulePredicate

_MOST: Final = 20
_NAME: Final = re.compile(r'"[^"]+"|[\w.]+')

_STAND_INS: Final = {"unknown-column": "null", "forbidden-function": "abs"}
"""What is written over a name that was told, so that the guard gets to the next one."""

_NO_VALUE: Final = "null"
_WHATEVER_IT_IS: Final = frozenset({"unknown-column", "forbidden-function", "sql-syntax"})
"""What is wrong with a predicate whatever the values of its parameters are."""


def faulty_parts(connection: Connection, parts: Sequence[RulePredicate]) -> list[Problem]:
    """Return what is wrong with the predicates, each taken by itself."""
    if not parts:
        return []  # as of most policies, for which the database need not be asked
    distinct = {(one.predicate.location, one.predicate.text, one.resource): one for one in parts}
    guard = Guard(connection)
    asked = [part for one in distinct.values() if (part := _with_values(one)) is not None]
    try:
        answers = guard.check_all([(one.predicate, one.resource, "") for one in asked])
    except PolicyError as error:
        return error.problems  # they are too large together, so that nothing else is known
    found: list[Problem] = []
    sound: list[Rule] = []
    for part, answer in zip(asked, answers, strict=True):
        if isinstance(answer, GuardError):
            told = refusals(guard, part.predicate, part.resource)
            found += [one for one in told if one.code in _WHATEVER_IT_IS or part.is_whole]
        elif part.is_whole:
            sound.append(_alone(part))
    prepared, problems = examine(connection, sound)
    return found + problems + _verdicts(connection, prepared)


def _with_values(part: RulePredicate) -> RulePredicate | None:
    """Return the part with NULL for parameters without a value, all places as they were.

    None where that does not fit.
    """
    predicate = part.predicate
    text = predicate.text
    for name, offset in parameters_in(text):
        if predicate.params.get(name) is None:
            end = offset + 1 + len(name)
            if end - offset < len(_NO_VALUE):
                return None
            text = text[:offset] + _NO_VALUE.ljust(end - offset) + text[end:]
    return msgspec.structs.replace(part, predicate=msgspec.structs.replace(predicate, text=text))


def _alone(part: RulePredicate) -> Rule:
    """Return a rule of nothing but the part; of `where` only whether it can be true matters."""
    predicate = part.predicate
    return Rule(
        id=part.role,
        policy="",
        title="",
        severity=Severity.LOW,
        resource=part.resource,
        requirement=predicate,
        location=predicate.location,
        where=predicate if part.role is Role.WHERE else None,
    )


def _verdicts(connection: Connection, sound: Sequence[Prepared]) -> list[Problem]:
    """Return what is settled beforehand of the author's own `where` and `require`."""
    judged = [
        one
        for one in sound
        if one.rule.id != Role.CONDITION
        and not one.rule.requirement.is_made
        and not is_literal(one)  # FALSE forbids what `where` selects, which is not known here
    ]
    errors, _ = constant_verdicts(connection, judged)
    wheres = {one.rule.location for one in judged if one.rule.where is not None}
    return [one for one in errors if one.code == "never-applies" or one.location not in wheres]


def refusals(guard: Guard, predicate: Predicate, table: str) -> list[Problem]:
    """Return what the guard refuses in the predicate."""
    found: list[Problem] = []
    while len(found) < _MOST:
        try:
            guard.check(predicate, table, "")
        except GuardError as error:
            if found and error.problem.code == "sql-syntax":
                break  # what was written over is no name, but an operator of letters
            if found and error.problem.location == found[-1].location:
                break  # nor is its stand-in allowed there: abs() is no window
            found.append(error.problem)
        else:
            break
        text = _written_over(predicate, found[-1])
        if text is None:
            break
        predicate = msgspec.structs.replace(predicate, text=text)
    return found


def _written_over(predicate: Predicate, problem: Problem) -> str | None:
    """Return the text with a name that the guard knows in place of the one that it refused.

    The text keeps its length, so that all places stay as they are.
    """
    stand_in = _STAND_INS.get(problem.code)
    start = offset_in(problem.location, predicate)
    name = None if start is None else _NAME.match(predicate.text, start)
    if stand_in is None or name is None or len(name[0]) < len(stand_in):
        return None
    new = stand_in.ljust(len(name[0]))
    return predicate.text[: name.start()] + new + predicate.text[name.end() :]


def offset_in(location: Location, predicate: Predicate) -> int | None:
    """Return the character of the predicate that `location` means; None if it is elsewhere."""
    row = location.line - predicate.location.line
    lines = predicate.text.split("\n")
    if not 0 <= row < len(lines):
        return None
    column = location.column - predicate.location.column
    if not 0 <= column <= len(lines[row]):
        return None
    return sum(len(line) + 1 for line in lines[:row]) + column
