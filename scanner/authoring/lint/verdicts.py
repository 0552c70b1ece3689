"""Predicates that can never be true, or never false: rules that decide nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from scanner.authoring import trees
from scanner.authoring.lint.conditions import Way, both, possible
from scanner.authoring.lint.fold import Folder, is_constant
from scanner.authoring.lint.truth import Reasoner
from scanner.base.errors import Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import ParamValue, Predicate

_LOOK: Final = "Look for conditions that exclude one another, and for `or` that should be `and`."


class _Part(msgspec.Struct, frozen=True):
    """A predicate with the ways in which it can be TRUE and FALSE."""

    predicate: Predicate
    tree: Node
    true: tuple[Way, ...]
    false: tuple[Way, ...]

    @property
    def is_literal(self) -> bool:
        """Whether the author wrote nothing but TRUE or FALSE."""
        return self.predicate.text.strip().lower() in {"true", "false"}


def constant_verdicts(
    connection: Connection, sound: Sequence[Prepared]
) -> tuple[list[Problem], list[Problem]]:
    """Return errors and warnings about predicates whose outcome is settled beforehand."""
    parts = _parts(connection, sound)
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for one in sound:
        requirement = next(parts)
        where = next(parts) if one.where else None
        found = _where_errors(where) if where else []
        found = found or _requirement_errors(requirement, has_where=where is not None)
        errors += found
        if not found and where is not None:
            together, advice = _joint(where, requirement)
            errors += together
            warnings += advice
            warnings += _where_warnings(where)
        if not found:
            warnings += _same_for_all(requirement)
    return errors, warnings


def _parts(connection: Connection, sound: Sequence[Prepared]) -> Iterator[_Part]:
    asked = []
    for one in sound:
        asked.append((one.rule.requirement, one.requirement, one.rule.resource))
        if one.rule.where and one.where:
            asked.append((one.rule.where, one.where, one.rule.resource))
    found = syntax.parse(connection, [checked.sql for _, checked, _ in asked])
    params: dict[str, ParamValue] = {}
    for _, checked, _ in asked:
        params |= checked.params
    folder = Folder(connection, params)
    folder.prepare([node for tree in found for node in _constants(tree)])
    for (predicate, _, table), tree in zip(asked, found, strict=True):
        reasoner = Reasoner(TABLES[table].columns, folder)
        true, false = (reasoner.ways(tree, to_be=to_be) for to_be in (True, False))
        yield _Part(predicate, tree, true, false)


def _constants(tree: Node) -> list[Node]:
    """Return the parts that read no row."""
    return [node for _, node in trees.walk(tree) if is_constant(node)]


def _where_errors(where: _Part) -> list[Problem]:
    if possible(where.true):
        return []
    message = "`where` is never true, so the rule is about nothing"
    return [Problem(where.predicate.location, message, "never-applies", _LOOK)]


def _requirement_errors(requirement: _Part, *, has_where: bool) -> list[Problem]:
    passes, fails = possible(requirement.true), possible(requirement.false)
    location = requirement.predicate.location
    if passes and fails:
        return []
    if not passes and not fails:
        message = "the requirement is neither true nor false for any row: always unknown"
        hint = "A comparison with NULL is NULL; write IS NULL or IS NOT NULL."
        return [Problem(location, message, "always-unknown", hint)]
    if not fails:
        message = "the requirement can never be false, so nothing can fail"
        return [Problem(location, message, "never-fails", _LOOK)]
    if requirement.is_literal and has_where:
        return []  # the way to say that what `where` selects is forbidden
    message = "the requirement can never be true, so nothing can pass"
    hint = "To forbid what `where` selects, write require: 'false'."
    return [Problem(location, message, "never-passes", hint if has_where else _LOOK)]


def _joint(where: _Part, requirement: _Part) -> tuple[list[Problem], list[Problem]]:
    location = requirement.predicate.location
    if not possible(both(where.true, requirement.false)):
        message = "the requirement can never be false where `where` is true, so nothing can fail"
        hint = "`where` already leaves out what would fail."
        return [Problem(location, message, "never-fails", hint)], []
    if not possible(both(where.true, requirement.true)) and not requirement.is_literal:
        message = "the requirement can never be true where `where` is true, so nothing can pass"
        hint = "To forbid what `where` selects, write require: 'false'."
        return [], [Problem(location, message, "never-passes", hint)]
    return [], []


def _where_warnings(where: _Part) -> list[Problem]:
    if not is_constant(where.tree):
        return []
    message = "`where` reads no column, so it is the same for every row"
    return [Problem(where.predicate.location, message, "no-column", "Take it out.")]


def _same_for_all(requirement: _Part) -> list[Problem]:
    if not is_constant(requirement.tree) or requirement.is_literal:
        return []
    message = "the requirement reads no column, so it is the same for every row"
    hint = "Compare a column of the row."
    return [Problem(requirement.predicate.location, message, "no-column", hint)]
