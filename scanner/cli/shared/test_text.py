"""What `keypolicy test` prints: differences, gaps and survivors, every line made harmless."""

import json
from typing import Final

from msgspec import UNSET

from scanner.authoring.cases.coverage import Coverage
from scanner.authoring.cases.fixes import fix_words
from scanner.authoring.cases.mutate import Mutation, Survivor
from scanner.authoring.cases.run import Failure, Tested
from scanner.authoring.lint.owners import TestedOwners
from scanner.base.text import ELLIPSIS, clean, fit, plural

_WIDEST: Final = 160


def failures(tested: Tested) -> list[str]:
    """Return a difference for each expectation that does not hold."""
    return [clean(line) for failure in tested.failures for line in _failure(failure)]


def summary(tested: Tested) -> str:
    """Return how the policy's cases went, in a line."""
    name = clean(tested.policy.name)
    if not tested.cases:
        return f"{name}: no test cases; write some in {clean(tested.target.tests_shown)}"
    seen = f"{name}: {plural(len(tested.cases), 'case')}, {plural(tested.expectations, 'outcome')}"
    if not tested.failures:
        return f"{seen}, all as expected"
    return f"{seen}, {len(tested.failures)} not as expected"


def wrong_owners(tested: TestedOwners) -> list[str]:
    """Return a difference for each resource that is somebody else's than expected."""
    lines = []
    for one in tested.wrong:
        lines.append(f"{one.case.location}: {one.title}")
        lines += [f"  - {one.case.owner or 'nobody'}", f"  + {one.owner or 'nobody'}"]
    return [clean(line) for line in lines]


def owners_summary(tested: TestedOwners) -> str:
    """Return how the cases of a file of owners went, in a line."""
    name = clean(tested.file)
    if not tested.answers:
        return f"{name}: no test cases; write some under `cases:`"
    seen = f"{name}: {plural(len(tested.answers), 'case')}"
    if not tested.wrong:
        return f"{seen}, all as expected"
    return f"{seen}, {len(tested.wrong)} not as expected"


def coverage(found: Coverage) -> list[str]:
    """Return what no case shows."""
    lines = [
        f"{rule.location}: rule {rule.rule} has no case that is"
        f" {_or([_WORDS.get(outcome.value, outcome.value) for outcome in rule.missing])}"
        for rule in found.rules
        if rule.missing
    ]
    lines += [f"{at}: no case varies the parameter {name}" for name, at in found.never_varied]
    whole = sum(not rule.missing for rule in found.rules)
    lines.append(
        f"  coverage: {whole} of {plural(len(found.rules), 'rule')} shown in every outcome"
    )
    return [clean(line) for line in lines]


def mutation(found: Mutation) -> list[str]:
    """Return the mutants that no case noticed."""
    lines = [line for change in found.survivors for line in _change(change)]
    lines += [f"  rule {rule} has no case, so nothing was tried" for rule in found.untested]
    lines.append(
        f"  mutation: {plural(found.made, 'mutant')}, {found.killed} noticed,"
        f" {found.equivalent} the same as another, {len(found.survivors)} survived"
    )
    return [clean(line) for line in lines]


def _failure(failure: Failure) -> list[str]:
    expected, answer = failure.expectation, failure.answer
    lines = [
        f"{expected.location}: {failure.case.name}",
        f"  rule {expected.rule} on row {expected.row}",
    ]
    if expected.outcome is answer.outcome:
        lines.append(f"    {expected.outcome}")
    else:
        lines += [f"  - {expected.outcome}", f"  + {answer.outcome}"]
    if expected.message is not None and expected.message != answer.message:
        lines.append(f"  - message: {expected.message}")
        lines.append(f"  + message: {answer.message}" if answer.message else "  + no message")
    if failure.fix is not None:
        wanted = None if expected.fix is UNSET else expected.fix
        lines += [f"  - fix: {fix_words(wanted)}", f"  + fix: {failure.fix}"]
    row = {key: value for key, value in failure.row.items() if key != "id"}
    lines.append(f"    row: {fit(json.dumps(row, ensure_ascii=False), _WIDEST)}")
    return lines


def _change(change: Survivor) -> list[str]:
    before, after = _apart(change.before, change.after)
    return [
        f"{change.location}: no case notices this change of rule {change.rule}: {change.what}",
        f"  - {before}",
        f"  + {after}",
        f"    in {fit(' '.join(change.sql.split()), _WIDEST)}",
    ]


def _apart(before: str, after: str) -> tuple[str, str]:
    """Cut two long texts to where they begin to differ."""
    before, after = " ".join(before.split()), " ".join(after.split())
    pairs = enumerate(zip(before, after, strict=False))
    place = next((n for n, (one, other) in pairs if one != other), 0)
    start = max(place - _WIDEST // 3, 0) if max(len(before), len(after)) > _WIDEST else 0
    lead = ELLIPSIS if start else ""
    return fit(lead + before[start:], _WIDEST), fit(lead + after[start:], _WIDEST)


_WORDS: Final = {"pass": "a pass", "fail": "a fail", "not_applicable": "not applicable"}


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
