"""What a fix would make of a row: a rule and a test case's row go in, fields to set come out."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from scanner.model.outcome import Outcome
from scanner.model.rule import Rule
from scanner.policy.actions import get_action, state_reader
from scanner.policy.actions.interface import NotPossibleError, Situation
from scanner.policy.files.case_reader import Expectation


def proposed(rule: Rule, outcome: Outcome, row: Mapping[str, Any]) -> dict[str, Any] | str | None:
    """Return the fields that a plan would set, as `fixes` of a case has them.

    None is for a key that it would delete; a text says why it would do nothing.
    """
    if rule.fix is None:
        return "the rule has no fix"
    if outcome is not Outcome.FAIL:
        return f"nothing: the row is {outcome}"
    action, reader = get_action(rule.fix.action), state_reader(rule.resource)
    state = reader.state(row) if reader else {}
    lacking = [field for field in action.needs if field not in state]
    if lacking:
        return f"nothing: the row does not tell {' and '.join(lacking)}"
    situation = Situation(
        organization=str(row.get("organization_slug") or ""),
        project=str(row.get("project_slug") or ""),
        state=state,
    )
    try:
        return action.propose(action.arguments(**rule.fix.arguments), situation).after
    except NotPossibleError as error:
        return f"nothing: {error.reason}"


def other_fix(
    rule: Rule, expectation: Expectation, outcome: Outcome, row: Mapping[str, Any]
) -> str | None:
    """Return what is proposed, in words, where another fix was expected; None if it is the same."""
    if expectation.fix is UNSET:
        return None
    made = proposed(rule, outcome, row)
    return None if made == expectation.fix else fix_words(made)


def fix_words(made: dict[str, Any] | str | None) -> str:
    """Say what a plan would do."""
    if isinstance(made, str):
        return made
    return "deleted" if made is None else msgspec.json.encode(made, order="sorted").decode()
