"""Running the test cases of policies on the engine that scans."""

from collections.abc import Mapping, Sequence

import msgspec

from scanner.authoring.cases.bench import Answers, Ask, Bench, RowAnswer
from scanner.authoring.cases.fixes import other_fix
from scanner.authoring.cases.rows import completed
from scanner.authoring.cases.variants import Variant, numbered, variants
from scanner.authoring.diagnostics import Diagnostic, diagnostics
from scanner.authoring.lint.policies import listing_of
from scanner.authoring.select import Target, choose
from scanner.base.errors import PolicyError
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared, prepare
from scanner.policy.files.case_reader import Case, Cell, Expectation
from scanner.policy.files.cases import load_cases
from scanner.policy.merge import MergedPolicy


class Failure(msgspec.Struct, frozen=True):
    """An expectation that does not hold: what came instead, and the row as the engine saw it.

    `fix` is what a plan would do instead of what was expected, None where that is the same.
    """

    expectation: Expectation
    case: Case
    answer: RowAnswer
    row: dict[str, Cell]
    fix: str | None = None


class Tested(msgspec.Struct, frozen=True):
    """A policy with its cases by number, and what they came to; no cases if there is no file."""

    target: Target
    policy: MergedPolicy
    cases: dict[int, Case]
    variants: list[Variant]
    prepared: list[Prepared]
    failures: list[Failure]
    has_file: bool

    @property
    def expectations(self) -> int:
        """How many (rule, row) pairs the cases are about."""
        return sum(len(case.expectations) for case in self.cases.values())


class TestRun(msgspec.Struct, frozen=True):
    """All policies that were tested. Where there are problems, nothing was run."""

    problems: list[Diagnostic]
    tested: list[Tested]
    bench: Bench

    __test__ = False  # pytest would take it for a test

    @property
    def failed(self) -> bool:
        """Whether a case failed."""
        return any(one.failures for one in self.tested)


class _Loaded(msgspec.Struct, frozen=True):
    target: Target
    policy: MergedPolicy
    cases: dict[int, Case]
    variants: list[Variant]


def run_cases(connection: Connection, refs: Sequence[str], params: Mapping[str, str]) -> TestRun:
    """Test policies by name, file or folder. Raises UsageError for what names nothing.

    `connection` comes from rows.open_tables.
    """
    selection = choose(refs, dict(params))
    problems = list(selection.orphans)
    loaded: list[_Loaded] = []
    numbers = 0
    for target in selection.targets:
        # A parameter without a value may get one in every case.
        broken = [p for p in target.inspection.problems if p.code != "unset-param"]
        problems += broken
        if target.merged is None or broken:
            continue
        try:
            cases = _cases(target, target.merged, numbers)
        except PolicyError as error:
            problems += error.problems
            continue
        numbers += len(cases)
        made, wrong = variants(target.merged, cases, params)
        problems += wrong
        loaded.append(_Loaded(target, target.merged, cases, made))
    rules = [variant.rule for one in loaded for variant in one.variants]
    try:
        prepared = list(prepare(connection, numbered(rules)))
    except PolicyError as error:
        problems += error.problems
        prepared = []
    bench = Bench(connection, {n: case for one in loaded for n, case in one.cases.items()})
    if problems:
        listing = listing_of(selection.targets)
        exact = [listing.exact(problem) for problem in problems]
        return TestRun(diagnostics(exact, [], listing), [], bench)
    return TestRun([], _tested(bench, loaded, prepared), bench)


def _cases(target: Target, policy: MergedPolicy, numbers: int) -> dict[int, Case]:
    if not target.has_tests:
        return {}
    found = load_cases(target.tests, target.tests_shown, policy)
    return dict(enumerate(found, start=numbers))


def _tested(bench: Bench, loaded: Sequence[_Loaded], prepared: list[Prepared]) -> list[Tested]:
    every = [variant for one in loaded for variant in one.variants]
    asked = [Ask(one, variant.cases) for one, variant in zip(prepared, every, strict=True)]
    with_messages = any(
        expectation.message is not None
        for one in loaded
        for case in one.cases.values()
        for expectation in case.expectations
    )
    answers = bench.ask(asked, messages=with_messages)
    tested: list[Tested] = []
    place = 0
    for one in loaded:
        end = place + len(one.variants)
        failures: list[Failure] = []
        for variant, ready, given in zip(
            one.variants, prepared[place:end], answers[place:end], strict=True
        ):
            failures += _failures(bench, one.cases, variant, ready, given)
        tested.append(
            Tested(
                target=one.target,
                policy=one.policy,
                cases=one.cases,
                variants=one.variants,
                prepared=prepared[place:end],
                failures=sorted(failures, key=lambda failure: failure.expectation.location),
                has_file=one.target.has_tests,
            )
        )
        place = end
    return tested


def _failures(
    bench: Bench, cases: Mapping[int, Case], variant: Variant, prepared: Prepared, given: Answers
) -> list[Failure]:
    failures: list[Failure] = []
    for number in variant.cases:
        case = cases[number]
        for expectation in case.expectations:
            if expectation.rule != variant.rule.id:
                continue
            answer = given[number, expectation.row]
            if expectation.message is not None and answer.message is None:
                # Only findings have a message; those about unclear rows are made one by one.
                answer = bench.alone(prepared, number)[number, expectation.row]
            row = _row(case, expectation)
            fix = other_fix(variant.rule_in(number), expectation, answer.outcome, row)
            if fix is not None or not holds(expectation, answer):
                failures.append(Failure(expectation, case, answer, row, fix))
    return failures


def holds(expectation: Expectation, answer: RowAnswer) -> bool:
    """Whether the answer is what was expected, its message too where one was."""
    same = answer.outcome is expectation.outcome
    return same and expectation.message in (None, answer.message)


def _row(case: Case, expectation: Expectation) -> dict[str, Cell]:
    rows = case.rows[expectation.table]
    row = next(row for row in rows if row["id"] == expectation.row)
    return completed(expectation.table, row, case.as_of)
