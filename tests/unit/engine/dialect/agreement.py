"""Judging the same rows with DuckDB and with another database, and what differs."""

import os
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scanner.base.errors import Location, PolicyError
from scanner.engine.database import Connection
from scanner.engine.dialect.translate import translate
from scanner.engine.dialect.words.write import Words
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import Prepared, prepare
from scanner.model.rule import Rule
from scanner.policy.checks import CHECKS as CHECKS_BY_NAME
from scanner.policy.checks import get_check
from scanner.policy.files.locate import shipped_policies
from scanner.policy.load import load_policies
from tests.unit.engine.dialect.worlds import FRAMED, ONCE_DIFFERENT, PREDICATES, ROWS, rows_of
from tests.unit.engine.support import AS_OF, database, rule

Ask = Callable[[str, Sequence[Mapping[str, Any]], Sequence[str]], list[tuple[int, ...]]]
"""Gives the values of expressions for each row of a table, in the order of the rows."""

SEED = int(os.environ.get("TEST_AGREEMENT_SEED", "11"))
"""What random predicates and rows are drawn with: a run that passed passes again."""

AT_ONCE = 120
"""Predicates of a round, which are asked with one statement."""

AGAINST = 80
"""Rows of a round: they cost next to nothing beside the predicates."""


class Agreement:
    """Counts what was compared with another database, and keeps what differs.

    `predicates` counts different ones, `rows` all rows, `pairs` a predicate and a row each.
    """

    def __init__(self, words: Words, ask: Ask) -> None:
        self._words = words
        self._ask = ask
        self._known: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.differences: dict[str, str] = {}

    def compare(self, rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> None:
        table = rules[0].resource
        numbered = [{"id": f"{n:06}", **row} for n, row in enumerate(rows)]
        with database(numbered, table) as connection:
            sound = self._sound(connection, [_placed(one, n) for n, one in enumerate(rules, 1)])
            said = self._said(connection, sound)
            if not said:
                return
            found = evaluate(connection, [one for one, _ in said], AS_OF)
            chosen = ", ".join(f"{one.verdicts}.{one.column}" for one in found)
            joins = " ".join(
                f"JOIN {name} ON {name}.number = t.rowid"
                for name in dict.fromkeys(one.verdicts for one in found)
            )
            ours = connection.execute(
                f'SELECT {chosen} FROM "{table}" AS t {joins} ORDER BY t.id'
            ).fetchall()
        theirs = self._answers(table, numbered, said)
        known = {one.rule.id for one, _ in said} - self._known
        self._known |= known
        self.counts.update(predicates=len(known), rows=len(rows), pairs=len(said) * len(rows))
        for row, mine, other in zip(numbered, ours, theirs, strict=True):
            for (one, sql), left, right in zip(said, mine, other, strict=True):
                if left != right:
                    told = f"{sql}\n{left} is not {right}: {row}"
                    self.differences[one.rule.requirement.text] = told

    def _answers(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        said: Sequence[tuple[Prepared, str]],
    ) -> list[tuple[int, ...]]:
        """Ask everything at once; what the database does not take is looked for by halves."""
        try:
            return self._ask(table, rows, [sql for _, sql in said])
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is a difference
            if len(said) > 1:
                half = len(said) // 2
                parts = [self._answers(table, rows, some) for some in (said[:half], said[half:])]
                return [left + right for left, right in zip(*parts, strict=True)]
            one, sql = said[0]
            self.differences[one.rule.requirement.text] = f"{sql}\n{error}"
            return [(-1,) for _ in rows]

    def _sound(self, connection: Connection, rules: Sequence[Rule]) -> list[Prepared]:
        try:
            return list(prepare(connection, rules)) if rules else []
        except PolicyError as error:
            wrong = _files(error)
            self.counts["invalid"] += len(wrong)
            rest = [one for one in rules if one.location.file not in wrong]
            assert len(rest) == len(rules) - len(wrong)
            return self._sound(connection, rest)

    def _said(
        self, connection: Connection, sound: Sequence[Prepared]
    ) -> list[tuple[Prepared, str]]:
        if not sound:
            return []
        try:
            return list(zip(sound, translate(connection, sound, AS_OF, self._words), strict=True))
        except PolicyError as error:
            wrong = _files(error)
            self.counts["refused"] += len(wrong)
            self.refused.update(problem.message for problem in error.problems)
            rest = [one for one in sound if one.rule.location.file not in wrong]
            assert len(rest) == len(sound) - len(wrong)
            return self._said(connection, rest)


def _placed(one: Rule, number: int) -> Rule:
    """Return the rule in a file of its own, by which a refusal tells which one it is about."""
    place = Location(f"{number}.yaml", 1, 1)

    def moved(part: Any) -> Any:
        return part and msgspec.structs.replace(part, location=place)

    parts = {"requirement": moved(one.requirement), "where": moved(one.where)}
    return msgspec.structs.replace(one, location=place, **parts)


def _files(error: PolicyError) -> set[str]:
    return {problem.location.file for problem in error.problems}


CHECKS = """
policy: every-check
version: 1.0.0
title: Every check
rules:
{rules}
"""


def rules_of_checks(folder: Path) -> tuple[Rule, ...]:
    """Every built-in check with the arguments of its documentation, on every table that has it."""
    made = [
        f"  - {{id: {name.replace('_', '-')}-{number}, title: T, severity: low, resource: {table},"
        f" {get_check(name).example}}}"
        for name in CHECKS_BY_NAME
        for number, table in enumerate(get_check(name).resources)
    ]
    path = folder / "checks.yaml"
    path.write_text(CHECKS.format(rules="\n".join(made)), "utf-8")
    return load_policies([str(path)], {})[0].rules


def shipped_rules() -> list[Rule]:
    """Every rule of every shipped policy."""
    return [
        rule
        for name in shipped_policies()
        for policy in load_policies([name], {})
        for rule in policy.rules
    ]


def compare_random(agreement: Agreement, rounds: int) -> None:
    """Compare random predicates over random rows, a round so many times."""
    for predicates, rows in _rounds(rounds, _drawn(rounds * AT_ONCE, PREDICATES)):
        _compare(agreement, predicates, rows)


def compare_once_different(agreement: Agreement) -> None:
    """Compare what has been different before, also over lists that are empty or not there."""
    teams = [
        {"project_teams": teams, "name": name}
        for teams in ([], ["web"], None)
        for name in ("web", None)
    ]
    _compare(agreement, ONCE_DIFFERENT, teams + _drawn(40, ROWS))


def compare_windows(agreement: Agreement, rounds: int) -> None:
    """Compare some of the windows over every frame and order, a round so many times."""
    windows = random.Random(SEED).sample(FRAMED, len(FRAMED))  # noqa: S311 - chooses tests
    for predicates, rows in _rounds(rounds, windows):
        _compare(agreement, predicates, rows)


def _rounds(number: int, predicates: list[str]) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """Give some predicates and some random rows each, so many times, or till none is left."""
    number = min(number, -(-len(predicates) // AT_ONCE))
    rows = _drawn(number * AGAINST, ROWS)
    for n in range(number):
        yield predicates[n * AT_ONCE :][:AT_ONCE], rows[n * AGAINST :][:AGAINST]


def _compare(agreement: Agreement, predicates: list[str], rows: list[dict[str, Any]]) -> None:
    rules = [rule(text, name=f"r{zlib.crc32(text.encode()):08x}") for text in predicates]
    agreement.compare(rules, [{"organization_slug": "acme", **row} for row in rows])


def compare_rules(agreement: Agreement, rules: Sequence[Rule]) -> None:
    """Compare rules over 60 random rows of each of their tables."""
    for table in dict.fromkeys(one.resource for one in rules):
        mine = [one for one in rules if one.resource == table]
        agreement.compare(mine, _drawn(60, rows_of(table)))


Drawn = TypeVar("Drawn")


@cache
def _drawn(number: int, strategy: st.SearchStrategy[Drawn]) -> list[Drawn]:
    """Return so many examples, without the first, which is the simplest that there is.

    They are drawn one by one: of a list as large as a test wants Hypothesis gives but that first.
    It takes as long as to judge them, so tests of all databases get the same ones.
    """
    found: list[Drawn] = []

    @seed(SEED)
    @settings(
        max_examples=number + 1,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(one: Drawn) -> None:
        found.append(one)

    draw()
    assert len(found) > number
    return found[1 : number + 1]
