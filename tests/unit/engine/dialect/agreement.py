"""Judging the same rows with DuckDB and with another database, and what differs."""

import os
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from tests.unit.engine.dialect.worlds import FRAMED, PREDICATES, ROWS, rows_of
from tests.unit.engine.support import AS_OF, database, rule

Ask = Callable[[str, Sequence[Mapping[str, Any]], Sequence[str]], list[tuple[int, ...]]]
"""Gives the values of expressions for each row of a table, in the order of the rows."""

SEED = int(os.environ.get("TEST_AGREEMENT_SEED", "11"))
"""What random predicates and rows are drawn with: a run that passed passes again."""

AT_ONCE = 100
"""Predicates of a round, which are asked with one statement."""


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
            chosen = ", ".join(f"v{n}.{one.column}" for n, one in enumerate(found))
            joins = " ".join(
                f"JOIN {one.verdicts} AS v{n} ON v{n}.number = t.rowid"
                for n, one in enumerate(found)
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
            wrong = _lines(error)
            self.counts["invalid"] += len(wrong)
            rest = [one for one in rules if one.location.line not in wrong]
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
            wrong = _lines(error)
            self.counts["refused"] += len(wrong)
            self.refused.update(problem.message for problem in error.problems)
            rest = [one for one in sound if one.rule.location.line not in wrong]
            assert len(rest) == len(sound) - len(wrong)
            return self._said(connection, rest)


def _placed(one: Rule, line: int) -> Rule:
    """Return the rule with a line of its own, by which a refusal tells which one it is about."""
    place = Location("p.yaml", line, 1)

    def moved(part: Any) -> Any:
        return part and msgspec.structs.replace(part, location=place)

    parts = {"requirement": moved(one.requirement), "where": moved(one.where)}
    return msgspec.structs.replace(one, location=place, **parts)


def _lines(error: PolicyError) -> set[int]:
    return {problem.location.line for problem in error.problems}


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
    """Compare 100 random predicates over 40 random rows, so many times."""
    predicates = st.lists(PREDICATES, min_size=AT_ONCE, max_size=AT_ONCE, unique=True)
    _compare(agreement, predicates, rounds)


def compare_windows(agreement: Agreement) -> None:
    """Compare each window over each frame and order, over 40 random rows."""
    for start in range(0, len(FRAMED), 4 * AT_ONCE):
        _compare(agreement, st.just(FRAMED[start : start + 4 * AT_ONCE]), 1)


def _compare(
    agreement: Agreement, predicates: st.SearchStrategy[list[str]], rounds: int
) -> None:
    @_rounds(rounds)
    @given(predicates, st.lists(ROWS, min_size=40, max_size=40))
    def compare(predicates: list[str], rows: list[dict[str, Any]]) -> None:
        rules = [rule(text, name=f"r{zlib.crc32(text.encode()):08x}") for text in predicates]
        agreement.compare(rules, [{"organization_slug": "acme", **row} for row in rows])

    compare()


def compare_rules(agreement: Agreement, rules: Sequence[Rule], rounds: int) -> None:
    """Compare rules over random rows of their tables."""
    for table in dict.fromkeys(one.resource for one in rules):
        _compare_table(agreement, table, [one for one in rules if one.resource == table], rounds)


def _compare_table(agreement: Agreement, table: str, rules: Sequence[Rule], rounds: int) -> None:
    @_rounds(rounds)
    @given(st.lists(rows_of(table), min_size=60, max_size=60))
    def compare(rows: list[dict[str, Any]]) -> None:
        agreement.compare(rules, rows)

    compare()


def _rounds(number: int) -> Callable[[Any], Any]:
    """Return what runs a property so many times, besides the simplest of all examples."""
    of = settings(
        max_examples=number + 1,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(SEED)(of(test))
