"""From rules to statements: every predicate guarded, bound and type-checked before any data."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import _duckdb as duckdb
import msgspec

from scanner.base.errors import PolicyError, Problem
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.counts import with_counted
from scanner.engine.judge.messages import compile_message, problems
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.culprit import IMPOSSIBLE, culprit, doubtful
from scanner.engine.predicate.guard import Checked, Doubtful, Guard, GuardError
from scanner.engine.predicate.syntax import Node, parameters, write
from scanner.model.inventory import Needs
from scanner.model.rule import Predicate, Rule
from scanner.policy.language.predicates import code

Bound = tuple[Predicate, str, str, Checked]
"""A predicate, its table, its prefix, and the form in which it may be run."""


_NOTHING: Final[Mapping[str, frozenset[str]]] = {}

AT_ONCE: Final = 50
"""Rules in one statement: what DuckDB needs to plan and to run one grows faster than its width."""


class Prepared(msgspec.Struct, frozen=True):
    """A rule whose predicates may be run. `message` is a SQL text expression over row `t`.

    So is `lacking`: why rows that a window of the rule would see may be missing, NULL where none
    may; empty where that is so for every row.
    """

    rule: Rule
    where: Checked | None
    requirement: Checked
    message: str
    message_params: dict[str, str]
    lacking: str = ""

    @property
    def checks(self) -> dict[str, Checked]:
        """The predicates that there are, by their field here and in the rule."""
        where = {"where": self.where} if self.where else {}
        return {**where, "requirement": self.requirement}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the predicates read, in the order in which they are named."""
        read = (name for checked in self.checks.values() for name in checked.columns)
        return tuple(dict.fromkeys(read))

    @property
    def loaded(self) -> frozenset[str]:
        """All columns that the rule needs, those in its message included."""
        shown = {
            name for name in TABLES[self.rule.resource].columns if f't."{name}"' in self.message
        }
        return frozenset(self.columns) | shown


def prepare(connection: Connection, rules: Sequence[Rule]) -> tuple[Prepared, ...]:
    """Guard and bind every rule against the (still empty) tables.

    Raises PolicyError with the problems of all rules.
    """
    prepared, found = _examined(connection, rules)
    if found:
        raise PolicyError(sorted(found, key=lambda problem: problem.location))
    return prepared


def examine(
    connection: Connection, rules: Sequence[Rule]
) -> tuple[tuple[Prepared, ...], list[Problem]]:
    """Guard and bind rules; returns the sound ones, and what is wrong with the others."""
    try:
        return _examined(connection, rules)
    except PolicyError as error:  # they are too large together: of none anything is known
        return (), error.problems


def _examined(
    connection: Connection, rules: Sequence[Rule]
) -> tuple[tuple[Prepared, ...], list[Problem]]:
    guard = Guard(connection)
    conditions = {
        (number, str(part)): (predicate, rule.resource, f"c{number}_{part}_")
        for number, rule in enumerate(rules)
        for part, predicate in enumerate(rule.conditions)
    }
    answers = dict(
        zip(conditions, _checked(connection, guard, [*conditions.values()]), strict=True)
    )
    # What is wrong with a condition would be told again of the `where` that it is a part of.
    told = {number for (number, _), answer in answers.items() if isinstance(answer, list)}
    whole = {
        (number, part): (predicate, rule.resource, f"{part}{number}_")
        for number, rule in enumerate(rules)
        for part, predicate in (("w", rule.where), ("r", rule.requirement))
        if predicate is not None and number not in told
    }
    answers |= zip(whole, _checked(connection, guard, [*whole.values()]), strict=True)
    wrong = [[*problems(rule)] for rule in rules]
    for (number, _), answer in answers.items():
        wrong[number] += answer if isinstance(answer, list) else []
    prepared = []
    for number, rule in enumerate(rules):
        where, requirement = answers.get((number, "w")), answers.get((number, "r"))
        if wrong[number] or isinstance(where, list) or not isinstance(requirement, Checked):
            continue
        message, params = compile_message(rule, f"m{number}_")
        prepared.append(Prepared(rule, where, requirement, message, params))
    return tuple(prepared), [problem for one in wrong for problem in one]


def _checked(
    connection: Connection, guard: Guard, asked: Sequence[tuple[Predicate, str, str]]
) -> list[Checked | list[Problem]]:
    """Guard and bind predicates; return each in its sound form, or what is wrong with it."""
    answers = guard.check_all(asked)
    sound = [
        (*one, answer)
        for one, answer in zip(asked, answers, strict=True)
        if isinstance(answer, Checked)
    ]
    wrong = iter(_Binder(connection, guard).problems(sound))
    return [
        [answer.problem] if isinstance(answer, GuardError) else next(wrong) or answer
        for answer in answers
    ]


def needs(prepared: Iterable[Prepared], also: Mapping[str, frozenset[str]] = _NOTHING) -> Needs:
    """Return what the rules read, and what is `also` wanted, for the source to deliver."""
    return with_counted(Needs(columns_read(prepared, also)))


def columns_read(
    prepared: Iterable[Prepared], also: Mapping[str, frozenset[str]] = _NOTHING
) -> dict[str, frozenset[str]]:
    """Return, by table, the columns that the rules read, or that are `also` wanted."""
    read = dict(also)
    for one in prepared:
        read[one.rule.resource] = read.get(one.rule.resource, frozenset()) | one.loaded
    return read


def values(checks: Iterable[Checked], as_of: datetime) -> dict[str, Any]:
    """Return all parameters to bind for these predicates."""
    bound: dict[str, Any] = {}
    for checked in checks:
        bound |= checked.params
        if checked.uses_as_of:
            bound[AS_OF] = as_of
    return bound


_SAMPLES: Final = {
    "VARCHAR": "'some text'", "BIGINT": "1", "INTEGER": "1", "DOUBLE": "1", "BOOLEAN": "true",
    "TIMESTAMP WITH TIME ZONE": "'1970-01-01T00:00:00Z'", "JSON": "'{}'",
    "VARCHAR[]": "['some text']",
}  # fmt: skip
"""A value of each type that columns have."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class _Binder:
    """Lets DuckDB resolve types, and compute what does not depend on any row.

    For that the predicates are evaluated on one row of nothing but NULL: a literal that cannot be
    what it stands for ('ninety' as a number) is refused there, before anything is fetched. A part
    that such a row does not come to is tried by itself, also on a row of values.
    """

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard

    def problems(self, sound: Sequence[Bound]) -> list[list[Problem]]:
        """Return what does not fit, for each of the predicates.

        Many predicates of a table are bound at once, and one by one only to find the culprit.
        """
        found: list[list[Problem]] = [[] for _ in sound]
        for table in dict.fromkeys(table for _, table, _, _ in sound):
            mine = [place for place, one in enumerate(sound) if one[1] == table]
            for start in range(0, len(mine), AT_ONCE):
                places = mine[start : start + AT_ONCE]
                answers = self._together(table, [sound[place] for place in places])
                for place, answer in zip(places, answers, strict=True):
                    found[place] = answer
        return found

    def _together(self, table: str, some: Sequence[Bound]) -> list[list[Problem]]:
        checks = [checked for *_, checked in some]
        try:
            kinds = self._kinds(table, [one.sql for one in checks], _bound(checks))
        except duckdb.Error:
            return [self._problem(one) for one in some]
        parts = [part for checked in checks for part in checked.doubtful]
        is_sound = self._is_sound(table, parts, _bound(checks))
        return [
            [*_kind_problem(one[0], kind), *([] if is_sound else self._literal(one))]
            for one, kind in zip(some, kinds, strict=True)
        ]

    def _literal(self, one: Bound) -> list[Problem]:
        """Return the literal that the database can make nothing of once a row comes to it."""
        predicate, table, prefix, checked = one
        known = _bound([checked])
        if self._is_sound(table, checked.doubtful, known):
            return []

        def kind(node: Node) -> str:
            (text,) = write(self._connection, [node])
            return self._tried(table, [text], {name: known[name] for name in parameters(node)})

        tree = self._guard.tree(predicate, table, prefix)
        for node in doubtful(tree, TABLES[table].columns, checked.params):
            problem = culprit(predicate, table, node, kind)
            # What is refused may be a value of that row, such as a name that is no number.
            if problem.code == IMPOSSIBLE:
                return [problem]
        return []

    def _is_sound(self, table: str, parts: Sequence[Doubtful], known: dict[str, Any]) -> bool:
        if not parts:
            return True
        names = {name for part in parts for name in part.params}
        try:
            self._tried(table, [part.sql for part in parts], {name: known[name] for name in names})
        except duckdb.Error:
            return False
        return True

    def _tried(self, table: str, texts: Sequence[str], bound: dict[str, Any]) -> str:
        """Evaluate expressions on a row of NULL and one of values; return the type of the first."""
        # As texts: DuckDB has intervals that Python has not.
        chosen = ", ".join(f"CAST(({text}) AS VARCHAR)" for text in texts)
        columns = TABLES[table].columns.items()
        rows = " UNION ALL ".join(
            f"SELECT {', '.join(one)}"
            for one in (
                [f'CAST(NULL AS {column.type}) AS "{name}"' for name, column in columns],
                [
                    f'CAST({_SAMPLES[column.type]} AS {column.type}) AS "{name}"'
                    for name, column in columns
                ],
            )
        )
        sql = f'SELECT typeof({texts[0]}), {chosen} FROM ({rows}) AS "{table}"'
        return str(self._connection.execute(sql, bound).fetchall()[0][0])

    def _kinds(self, table: str, texts: Sequence[str], bound: dict[str, Any]) -> list[str]:
        chosen = ", ".join(f"({text})" for text in texts)
        sql = f'SELECT {chosen} FROM (SELECT 1) LEFT JOIN "{table}" ON false'
        return [str(one[1]) for one in self._connection.execute(sql, bound).description]

    def _problem(self, one: Bound) -> list[Problem]:
        predicate, table, prefix, checked = one
        known = _bound([checked])

        def kind(node: Node) -> str:
            (text,) = write(self._connection, [node])
            (found,) = self._kinds(table, [text], {name: known[name] for name in parameters(node)})
            return found

        try:
            (found,) = self._kinds(table, [checked.sql], known)
        except duckdb.Error:
            tree = self._guard.tree(predicate, table, prefix)
            return [culprit(predicate, table, tree, kind)]
        # Together they may be refused where neither is alone: a part that both have is one.
        return [*_kind_problem(predicate, found), *self._literal(one)]


def _bound(checks: Sequence[Checked]) -> dict[str, Any]:
    return values(checks, _EPOCH)


def _kind_problem(predicate: Predicate, kind: str) -> list[Problem]:
    if kind in {"BOOLEAN", "NULL"}:
        return []
    message = f"The predicate is {kind}, not BOOLEAN"
    hint = "Write a condition, for example a comparison."
    if kind == "VARCHAR" and "||" in code(predicate.text):
        hint = "|| joins texts; between conditions write OR."
    return [Problem(predicate.location, message, "not-boolean", hint)]
