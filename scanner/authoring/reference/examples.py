"""Examples of what passes and fails a rule, taken from its test cases."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from scanner.base.text import timestamp
from scanner.model.outcome import Outcome
from scanner.model.rule import Rule
from scanner.policy.files.case_reader import Case, Cell, Expectation

_SHOWN: Final = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE)
_NAMELESS: Final = re.compile(r"(?:pass|fail|unknown|not_applicable)-[0-9]+")
_WINDOW: Final = re.compile(r"\bOVER\s*\(", re.IGNORECASE)


class Example(msgspec.Struct, frozen=True):
    """A row with the outcome that the rule comes to at `as_of`; columns left out are NULL."""

    outcome: str
    as_of: str
    row: dict[str, Cell]


def examples(rule: Rule, cases: Sequence[Case]) -> list[Example]:
    """Return one row for each outcome; all rows of a case where rows depend on one another."""
    usual = [case for case in cases if not case.params] or cases
    if _WINDOW.search(rule.requirement.text):
        return _whole_case(rule, usual)
    found: dict[Outcome, Example] = {}
    for case in usual:
        for expected in case.expectations:
            if expected.rule == rule.id:
                found.setdefault(expected.outcome, _example(case, expected))
    return [found[outcome] for outcome in _SHOWN if outcome in found]


def _whole_case(rule: Rule, cases: Sequence[Case]) -> list[Example]:
    for case in cases:
        mine = [expected for expected in case.expectations if expected.rule == rule.id]
        outcomes = {expected.outcome for expected in mine}
        if {Outcome.PASS, Outcome.FAIL} <= outcomes:
            return [_example(case, expected) for expected in mine]
    return []


def _example(case: Case, expected: Expectation) -> Example:
    row = next(row for row in case.rows[expected.table] if row.get("id") == expected.row)
    shown = {
        name: cell
        for name, cell in row.items()
        if name != "id" or not _NAMELESS.fullmatch(str(cell))
    }
    return Example(str(expected.outcome), timestamp(case.as_of), shown)
