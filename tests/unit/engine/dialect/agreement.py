"""Judging the same rows with DuckDB and with another database, and what differs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scanner.base.errors import PolicyError
from scanner.engine.database import Connection
from scanner.engine.dialect.translate import translate
from scanner.engine.dialect.write import Words
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import Prepared, prepare
from scanner.model.rule import Rule
from tests.unit.engine.support import AS_OF, database

Ask = Callable[[str, Sequence[Mapping[str, Any]], Sequence[str]], list[tuple[int, ...]]]
"""Gives the values of expressions for each row of a table, in the order of the rows."""


class Agreement:
    """Counts what was compared with another database, and keeps what differs."""

    def __init__(self, words: Words, ask: Ask) -> None:
        self._words = words
        self._ask = ask
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.differences: list[str] = []

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
        theirs = self._ask(table, numbered, [sql for _, sql in said])
        self.counts.update(predicates=len(said), rows=len(rows), pairs=len(said) * len(rows))
        for row, mine, other in zip(numbered, ours, theirs, strict=True):
            for (one, sql), left, right in zip(said, mine, other, strict=True):
                if left != right:
                    told = f"{one.rule.requirement.text}\n{sql}\n{left} is not {right}: {row}"
                    self.differences.append(told)

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
            return list(
                zip(sound, translate(connection, sound, AS_OF, self._words), strict=True)
            )
        except PolicyError as error:
            if len(sound) == 1:
                self.counts["refused"] += 1
                self.refused[error.problems[0].message] += 1
                return []
            return [said for one in sound for said in self._said(connection, [one])]
