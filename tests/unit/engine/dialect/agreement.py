"""Judging the same rows with DuckDB and with another database, and what differs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scanner.base.errors import PolicyError
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
from tests.unit.engine.dialect.worlds import PREDICATES, ROWS, rows_of
from tests.unit.engine.support import AS_OF, database, rule

Ask = Callable[[str, Sequence[Mapping[str, Any]], Sequence[str]], list[tuple[int, ...]]]
"""Gives the values of expressions for each row of a table, in the order of the rows."""


class Agreement:
    """Counts what was compared with another database, and keeps what differs."""

    def __init__(self, words: Words, ask: Ask) -> None:
        self._words = words
        self._ask = ask
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.differences: dict[str, str] = {}

    def compare(self, rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> None:
        table = rules[0].resource
        numbered = [{"id": f"{n:06}", **row} for n, row in enumerate(rows)]
        with database(numbered, table) as connection:
            sound = self._sound(connection, rules)
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
        self.counts.update(predicates=len(said), rows=len(rows), pairs=len(said) * len(rows))
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
        try:
            return self._ask(table, rows, [sql for _, sql in said])
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is a difference
            if len(said) > 1:
                each = [self._answers(table, rows, [one]) for one in said]
                return [tuple(code for (code,) in row) for row in zip(*each, strict=True)]
            one, sql = said[0]
            self.differences[one.rule.requirement.text] = f"{sql}\n{error}"
            return [(-1,) for _ in rows]

    def _sound(self, connection: Connection, rules: Sequence[Rule]) -> list[Prepared]:
        try:
            return list(prepare(connection, rules))
        except PolicyError:
            if len(rules) == 1:
                self.counts["invalid"] += 1
                return []
            return [one for rule in rules for one in self._sound(connection, [rule])]

    def _said(
        self, connection: Connection, sound: Sequence[Prepared]
    ) -> list[tuple[Prepared, str]]:
        if not sound:
            return []
        try:
            return list(zip(sound, translate(connection, sound, AS_OF, self._words), strict=True))
        except PolicyError as error:
            if len(sound) == 1:
                self.counts["refused"] += 1
                self.refused[error.problems[0].message] += 1
                return []
            return [said for one in sound for said in self._said(connection, [one])]


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
    """Compare 40 random predicates over 40 random rows, so many times."""

    @_rounds(rounds)
    @given(st.lists(PREDICATES, min_size=40, max_size=40), st.lists(ROWS, min_size=40, max_size=40))
    def compare(predicates: list[str], rows: list[dict[str, Any]]) -> None:
        rules = [rule(text, name=f"r{n}") for n, text in enumerate(predicates)]
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


def _rounds(number: int) -> settings:
    return settings(
        max_examples=number,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
