"""The wall between what people write and what the database runs.

A predicate is parsed by DuckDB itself, its tree is rebuilt node by node from what is allowed,
and only SQL that DuckDB makes from the rebuilt tree is ever run. On the way now() becomes the
scan's as-of time, `$names` become bound parameters, and the columns that are read are noted.
"""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from scanner.base.errors import PolicyError, Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.predicate import syntax
from scanner.engine.predicate.culprit import doubtful
from scanner.engine.predicate.rebuild import Rebuilder
from scanner.engine.predicate.refusal import RefusedError
from scanner.engine.predicate.unreadable import unreadable
from scanner.engine.predicate.weight import MOST_TOGETHER, Cost, beyond
from scanner.model.rule import ParamValue, Predicate
from scanner.policy.language.predicates import code

MAX_LENGTH: Final = 4_000
"""Longest predicate, in characters."""

MAX_NESTING: Final = 64
"""Deepest nesting of brackets; DuckDB's parser is recursive, so this is checked before it."""

_PAIRS: Final = {")": "(", "]": "[", "}": "{"}

_SPLIT: Final = "Make several rules of it, or use `column in $list` with a parameter."
_UNPAIRED: Final = "Take it out, or write the one that belongs to it before."
_WRITE: Final = "Write a SQL condition, such as age_days < 90."

TOO_MUCH: Final = "policies-too-large"
"""Code of the problem that predicates are too large together."""


class Doubtful(msgspec.Struct, frozen=True):
    """A part of a predicate that may be run by itself, and the parameters that it binds."""

    sql: str
    params: frozenset[str]


class Checked(msgspec.Struct, frozen=True):
    """A predicate that may be run: SQL with bound parameters, and the columns it reads.

    `doubtful` are the parts in which a text has to become another value.
    """

    sql: str
    params: dict[str, ParamValue]
    columns: tuple[str, ...]
    uses_as_of: bool
    doubtful: tuple[Doubtful, ...] = ()


class GuardError(Exception):
    """A predicate that may not be run; `problem` says what and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Guard:
    """Checks predicates over the tables of the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._template = syntax.template(connection)

    def check(self, predicate: Predicate, table: str, prefix: str) -> Checked:
        """Return the predicate in a form that may be run over `table`. Raises GuardError."""
        (found,) = self.check_all([(predicate, table, prefix)])
        if isinstance(found, GuardError):
            raise found
        return found

    def check_all(self, asked: Sequence[tuple[Predicate, str, str]]) -> list[Checked | GuardError]:
        """Check many predicates with two calls of the database; answers are in their order.

        Each comes with the table that it is about and the prefix of its parameters: bound ones are
        named prefix + name, so that many rules fit in one statement. Raises PolicyError where all
        together cost too much, whatever each of them does.
        """
        statements = [_statement(predicate.text) for predicate, _, _ in asked]
        answers = syntax.serialize(self._connection, statements)
        spent = Cost()
        rebuilt = [
            self._rebuild(*one, answer, spent) for one, answer in zip(asked, answers, strict=True)
        ]
        sound = [
            (*one, table, doubtful(one[1], TABLES[table].columns, one[0].params))
            for one, (_, table, _) in zip(rebuilt, asked, strict=True)
            if not isinstance(one, GuardError)
        ]
        trees = [
            syntax.settled(syntax.finite(tree), TABLES[table].row) for _, tree, table, _ in sound
        ]
        parts = [part for *_, some in sound for part in some]
        texts = syntax.write(self._connection, [*trees, *parts])
        tried = iter(
            Doubtful(text, frozenset(syntax.parameters(part)))
            for text, part in zip(texts[len(trees) :], parts, strict=True)
        )
        made = iter(
            msgspec.structs.replace(checked, sql=text, doubtful=tuple(islice(tried, len(some))))
            for text, (checked, *_, some) in zip(texts, sound, strict=False)
        )
        return [one if isinstance(one, GuardError) else next(made) for one in rebuilt]

    def tree(self, predicate: Predicate, table: str, prefix: str) -> dict[str, Any]:
        """Return the tree of a predicate that was checked, with its places in the text."""
        (answer,) = syntax.serialize(self._connection, [_statement(predicate.text)])
        rebuilt = self._rebuild(predicate, table, prefix, answer, Cost())
        if isinstance(rebuilt, GuardError):
            raise rebuilt
        return rebuilt[1]

    def _rebuild(
        self, predicate: Predicate, table: str, prefix: str, answer: str, spent: Cost
    ) -> tuple[Checked, dict[str, Any]] | GuardError:
        rebuilder = Rebuilder(TABLES[table].columns, table, predicate.params, prefix)
        try:
            tree = rebuilder.predicate(self._parsed(predicate, answer))
        except RefusedError as refused:
            rebuilder.cost.bytes = 0  # texts that are never built
            return GuardError(
                _problem(predicate, refused.message, refused.code, refused.offset, refused.hint)
            )
        except GuardError as error:
            return error
        finally:
            # What is refused has cost something too.
            spent.add(rebuilder.cost)
            _check_total(predicate, spent)
        columns = tuple(rebuilder.columns)
        return Checked("", rebuilder.params, columns, rebuilder.uses_as_of), tree

    def _parsed(self, predicate: Predicate, answer: str) -> dict[str, Any]:
        """Return the tree of the predicate's one expression. Raises GuardError."""
        if len(predicate.text) > MAX_LENGTH:
            message = f"is longer than {MAX_LENGTH} characters"
            raise GuardError(_problem(predicate, message, "predicate-too-long", hint=_SPLIT))
        if _is_blank(predicate.text):
            raise GuardError(_problem(predicate, "is empty", "sql-syntax", hint=_WRITE))
        if _nesting(predicate.text) > MAX_NESTING:
            raise _too_deep(predicate)
        try:
            tree = json.loads(answer)
        except RecursionError:
            raise _too_deep(predicate) from None
        if tree["error"]:
            message = f"is not a SQL expression: {tree['error_message']}"
            offset = int(tree.get("position") or 0) - len(syntax.PREFIX)
            place = syntax.character(predicate.text, offset)
            hint = unreadable(predicate.text, place)
            raise GuardError(_problem(predicate, message, "sql-syntax", offset, hint))
        expression = self._single_expression(predicate, tree)
        if (found := _opened_nowhere(predicate.text)) is not None:
            message = f"closes a bracket that it does not open: {predicate.text[found]}"
            offset = len(predicate.text[:found].encode())
            raise GuardError(_problem(predicate, message, "sql-syntax", offset, _UNPAIRED))
        return expression

    def _single_expression(self, predicate: Predicate, answer: dict[str, Any]) -> dict[str, Any]:
        """Refuse everything but one SELECT of one expression, without any other clause."""
        statements = answer["statements"]
        node = statements[0]["node"] if len(statements) == 1 else {}
        chosen = node.get("select_list", [])
        if len(chosen) != 1 or {**node, "select_list": 0} != {**self._template, "select_list": 0}:
            raise GuardError(
                _problem(
                    predicate,
                    "is more than one SQL expression",
                    "not-an-expression",
                    hint="Write a single condition; clauses and further statements are refused.",
                )
            )
        expression: dict[str, Any] = chosen[0]
        return expression


def _statement(text: str) -> str:
    """Return the statement to parse; what is refused unread is not given to the parser."""
    if len(text) > MAX_LENGTH or _nesting(text) > MAX_NESTING:
        return "SELECT 1"
    return syntax.wrapped(text)


def _is_blank(text: str) -> bool:
    """Whether nothing but comments is there: brackets around nothing are a row to DuckDB."""
    return not code(text).strip() and not set("'\"$").intersection(text)


def _nesting(text: str) -> int:
    """Return how deep brackets nest, without parsing; those in strings and comments do not."""
    depth = deepest = 0
    for character in code(text):
        if character in _PAIRS.values():
            depth += 1
            deepest = max(deepest, depth)
        elif character in _PAIRS:
            depth -= 1
    return deepest


def _opened_nowhere(text: str) -> int | None:
    """Return the place of the first bracket that closes none of the text's own, if there is one.

    `a) OR (b` is no expression; but within the brackets that the guard, or a rule of several
    conditions, puts around it, it would be one, and another than it says.
    """
    waiting: list[str] = []
    for place, character in enumerate(code(text)):
        if character in _PAIRS.values():
            waiting.append(character)
        elif character in _PAIRS and (not waiting or waiting.pop() != _PAIRS[character]):
            return place
    return None


def _check_total(predicate: Predicate, spent: Cost) -> None:
    if excess := beyond(spent, MOST_TOGETHER):
        problem = Problem(
            predicate.location,
            f"The predicates up to here are too large together: {excess}",
            TOO_MUCH,
            "Select fewer policies at once, or shorten lists and regular expressions.",
        )
        raise PolicyError([problem])


def _too_deep(predicate: Predicate) -> GuardError:
    message = f"nests more than {MAX_NESTING} deep"
    return GuardError(_problem(predicate, message, "predicate-too-deep", hint=_SPLIT))


def _problem(
    predicate: Predicate, message: str, code: str, offset: int = 0, hint: str = ""
) -> Problem:
    place = predicate.place(syntax.character(predicate.text, offset))
    return Problem(place, f"The predicate {message}", code, hint)
