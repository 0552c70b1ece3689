"""Holding many rules against the rows of many cases at once, as a scan would each by itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from scanner.authoring.cases.rows import CASE, fill
from scanner.engine.database import Connection
from scanner.engine.judge.evaluate import CODES, Evaluated, evaluate
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.prepare import AT_ONCE, Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node
from scanner.model.outcome import Outcome
from scanner.policy.files.case_reader import Case


class Ask(msgspec.Struct, frozen=True):
    """A prepared rule, to be held against the rows of the cases with these numbers.

    The ids of the rules of all that is asked at once must differ.
    """

    prepared: Prepared
    cases: tuple[int, ...]


class RowAnswer(msgspec.Struct, frozen=True):
    """What came of one row."""

    outcome: Outcome
    message: str | None = None


Answers = dict[tuple[int, str], RowAnswer]
"""Answers by the case's number and the row's id."""


class Bench:
    """A database in which the rows of different cases never see one another."""

    def __init__(self, connection: Connection, cases: Mapping[int, Case]) -> None:
        self._connection = connection
        self._cases = cases
        self._filled: tuple[int, ...] = ()
        self._held: frozenset[int] = frozenset()

    def ask(self, asked: Sequence[Ask], *, messages: bool = False) -> list[Answers]:
        """Return the answers to each; `messages` also gives those of rows that fail."""
        found: list[Answers] = [{} for _ in asked]
        apart = self._apart([one.prepared for one in asked])
        for numbers, batch in _batches(asked, self._cases):
            self._fill(numbers)
            as_of = self._cases[numbers[0]].as_of
            evaluated = evaluate(self._connection, [apart[place] for place in batch], as_of)
            wanted = [[n for n in asked[place].cases if n in self._held] for place in batch]
            answers = self._answers(evaluated, wanted, messages=messages)
            for place, result, mine in zip(batch, evaluated, wanted, strict=True):
                if not result.error:
                    found[place] |= answers[result.prepared.rule.id]
                    continue
                # An error may have come from rows of another case.
                for number in mine:
                    found[place] |= self.alone(asked[place].prepared, number)
                self._fill(numbers)
        return found

    def alone(self, prepared: Prepared, number: int) -> Answers:
        """Hold a rule against one case with nothing else around, with all messages."""
        self._fill((number,))
        as_of = self._cases[number].as_of
        (result,) = evaluate(self._connection, [prepared], as_of)
        rows = self._connection.execute(
            f'SELECT t.id, CAST(v."{result.column}" AS INTEGER) FROM {result.verdicts} AS v'
            f' JOIN "{prepared.rule.resource}" AS t ON t.rowid = v.number'
        ).fetchall()
        messages = {
            finding.resource.id: finding.message
            for finding in Findings(self._connection, [result], {})
        }
        return {
            (number, str(key)): RowAnswer(CODES[code], messages.get(str(key))) for key, code in rows
        }

    def _fill(self, numbers: tuple[int, ...]) -> None:
        if numbers != self._filled:
            fill(self._connection, [(number, self._cases[number]) for number in numbers])
            self._filled = numbers
            self._held = frozenset(numbers)

    def _answers(
        self, evaluated: Sequence[Evaluated], wanted: Sequence[list[int]], *, messages: bool
    ) -> dict[str, Answers]:
        """Read the verdicts on the cases that each rule is wanted for, by the rule's id."""
        found: dict[str, Answers] = {}
        tables: dict[tuple[str, str], list[tuple[Evaluated, list[int]]]] = {}
        for one, numbers in zip(evaluated, wanted, strict=True):
            key = (one.verdicts, one.prepared.rule.resource)
            tables.setdefault(key, []).append((one, numbers))
        for (verdicts, table), results in tables.items():
            rows = self._rows(verdicts, table, [one for one, _ in results], messages=messages)
            for place, (one, numbers) in enumerate(results):
                found[one.prepared.rule.id] = {
                    (number, row[1]): _answer(row[2 + place], row[2 + len(results) + place])
                    for number in numbers
                    for row in rows.get(number, ())
                }
        return found

    def _rows(
        self, verdicts: str, table: str, results: Sequence[Evaluated], *, messages: bool
    ) -> dict[int, list[tuple[Any, ...]]]:
        """Return, by case, a row's case, id, codes by result, and messages by result."""
        codes = [f'CAST(v."{one.column}" AS INTEGER)' for one in results]
        texts = [one.prepared.message if messages else "NULL" for one in results]
        bound: dict[str, str] = {}
        for one in results if messages else ():
            bound |= one.prepared.message_params
        found = self._connection.execute(
            f'SELECT t."{CASE}", t.id, {", ".join([*codes, *texts])} FROM {verdicts} AS v'
            f' JOIN "{table}" AS t ON t.rowid = v.number',
            bound,
        )
        rows: dict[int, list[tuple[Any, ...]]] = {}
        for row in found.fetchall():
            rows.setdefault(row[0], []).append(row)
        return rows

    def _apart(self, prepared: Sequence[Prepared]) -> list[Prepared]:
        """Let every window end where the case ends."""
        parts = [
            (place, field, checked)
            for place, one in enumerate(prepared)
            for field, checked in one.checks.items()
            if " OVER " in checked.sql
        ]
        found = syntax.parse(self._connection, [checked.sql for _, _, checked in parts])
        texts = syntax.write(self._connection, [syntax.rewritten(tree, _divided) for tree in found])
        made = list(prepared)
        for (place, field, checked), text in zip(parts, texts, strict=True):
            divided = {field: msgspec.structs.replace(checked, sql=text)}
            made[place] = msgspec.structs.replace(made[place], **divided)
        return made


def _answer(code: int, message: str | None) -> RowAnswer:
    outcome = CODES[code]
    return RowAnswer(outcome, message if outcome is Outcome.FAIL else None)


def _divided(made: Node) -> Node:
    if made.get("class") != "WINDOW":
        return made
    return {**made, "partitions": [syntax.column(CASE), *made["partitions"]]}


def _batches(
    asked: Sequence[Ask], cases: Mapping[int, Case]
) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """Give batches of what is asked, each with cases of one as-of time."""
    moments = sorted({cases[number].as_of for one in asked for number in one.cases})
    for moment in moments:
        mine = [
            (place, [number for number in one.cases if cases[number].as_of == moment])
            for place, one in enumerate(asked)
        ]
        mine = sorted((pair for pair in mine if pair[1]), key=lambda pair: pair[1])
        for start in range(0, len(mine), AT_ONCE):
            batch = mine[start : start + AT_ONCE]
            numbers = tuple(sorted({number for _, some in batch for number in some}))
            yield numbers, [place for place, _ in batch]
