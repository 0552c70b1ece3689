"""Rules enter; those whose predicates can never be true, or never false, leave as problems."""

from collections.abc import Sequence
from typing import Final

from scanner.authoring.constants import constants, is_constant
from scanner.authoring.lint.ranks import Possible, possibilities
from scanner.base.errors import Location, Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.model.rule import Predicate

_LOOK: Final = (
    "Look for conditions that exclude one another, for `or` that should be `and`, and for bounds or"
    " patterns that all values keep, or none."
)
_ALL_TAKEN: Final = "If the cases before are meant to take all rows, nothing is wrong. " + _LOOK
_FORBID: Final = "To forbid what `where` selects, write require: 'false'."


def is_literal(one: Prepared) -> bool:
    """Whether the author wrote nothing but TRUE or FALSE as the requirement."""
    return one.rule.requirement.text.strip().lower() in {"true", "false"}


def constant_verdicts(
    connection: Connection, sound: Sequence[Prepared]
) -> tuple[list[Problem], list[Problem]]:
    """Return errors and warnings about predicates whose outcome is settled beforehand."""
    wheres = syntax.parse(connection, [one.where.sql if one.where else "true" for one in sound])
    requirements = syntax.parse(connection, [one.requirement.sql for one in sound])
    checks = [checked for one in sound for checked in one.checks.values()]
    params = {name: value for checked in checks for name, value in checked.params.items()}
    known = constants(connection, [*wheres, *requirements], params)
    tables = [TABLES[one.rule.resource].columns for one in sound]
    asked = list(zip(tables, wheres, requirements, strict=True))
    errors: list[Problem] = []
    warnings: list[Problem] = []
    found = possibilities(connection, asked, known)
    for one, can, (_, where, requirement) in zip(sound, found, asked, strict=True):
        if one.rule.conditions and not can.applies:
            warnings.append(_no_row_left(one))
            continue
        if wrong := _errors(one, can):
            errors.append(wrong)
            continue
        warnings += _joint_warnings(one, can)
        if one.rule.where and is_constant(where):
            warnings.append(_no_column(one.rule.where, "`where`", "Take it out."))
        if is_constant(requirement) and not is_literal(one):
            hint = "Compare a column of the row."
            warnings.append(_no_column(one.rule.requirement, "the requirement", hint))
    return errors, warnings


def _no_row_left(one: Prepared) -> Problem:
    """Cases may be meant to take all rows; then the rule that they were made of has none."""
    message = f"`where` and the cases leave no row for `{one.rule.id}`, so it is about nothing"
    return Problem(one.rule.conditions[-1].location, message, "never-applies", _ALL_TAKEN)


def _errors(one: Prepared, can: Possible) -> Problem | None:
    where, location = one.rule.where, one.rule.requirement.location
    if where and not can.applies:
        message = "`where` is never true, so the rule is about nothing"
        return Problem(where.location, message, "never-applies", _LOOK)
    if not can.true and not can.false:
        message = "the requirement is neither true nor false for any row: always unknown"
        hint = "A comparison with NULL is NULL; write IS NULL or IS NOT NULL."
        return Problem(location, message, "always-unknown", hint)
    if not can.false:
        message = "the requirement can never be false, so nothing can fail"
        return Problem(location, message, "never-fails", _LOOK)
    # FALSE is the way to say that what `where` selects is forbidden.
    if not can.true and not (where and is_literal(one)):
        message = "the requirement can never be true, so nothing can pass"
        return Problem(location, message, "never-passes", _FORBID if where else _LOOK)
    if not can.fails:
        message = "the requirement can never be false where `where` is true, so nothing can fail"
        hint = "`where` already leaves out what would fail."
        return Problem(_changed(one), message, "never-fails", hint)
    return None


def _joint_warnings(one: Prepared, can: Possible) -> list[Problem]:
    if can.passes or is_literal(one):
        return []
    message = "the requirement can never be true where `where` is true, so nothing can pass"
    return [Problem(_changed(one), message, "never-passes", _FORBID)]


def _changed(one: Prepared) -> Location:
    """Return the place of a rule's `where` if an override in another file brought it."""
    where, requirement = one.rule.where, one.rule.requirement.location
    is_theirs = where is not None and where.location.file != one.rule.location.file
    return where.location if where and is_theirs else requirement


def _no_column(predicate: Predicate, what: str, hint: str) -> Problem:
    message = f"{what} reads no column, so it is the same for every row"
    return Problem(predicate.location, message, "no-column", hint)
