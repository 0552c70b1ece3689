"""Everything that can be said of policies and their test cases without any data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.authoring.diagnostics import Diagnostic, diagnostics
from scanner.authoring.lint.advice import advice, empty_columns, own_rules
from scanner.authoring.lint.doubts import doubts
from scanner.authoring.lint.fixes import vain_fixes
from scanner.authoring.lint.listing import Listing
from scanner.authoring.lint.owners import lint_owners
from scanner.authoring.lint.quoted import quoted
from scanner.authoring.lint.refusals import faulty_parts
from scanner.authoring.lint.swallow import swallowed
from scanner.authoring.lint.verdicts import constant_verdicts
from scanner.authoring.select import Selection, Target, choose
from scanner.base.errors import PolicyError, Problem
from scanner.base.yamlfile import CASES, POLICY
from scanner.catalogue import TABLES
from scanner.engine.database import Connection, connect
from scanner.engine.judge.prepare import Prepared, examine
from scanner.engine.predicate.guard import TOO_MUCH
from scanner.model.rule import Predicate, Rule
from scanner.policy.files.case_reader import Case
from scanner.policy.files.cases import load_cases
from scanner.policy.files.locate import without_owners
from scanner.policy.language.values import ValueType
from scanner.policy.merge import MergedPolicy
from scanner.policy.parts import RulePredicate, parts_of
from scanner.policy.together import together

_HIDING_USE: Final = frozenset(
    {"unknown-param", "bad-name", "sql-syntax", "forbidden-function", "bad-duration", "bad-rate"}
)
"""Mistakes through which a parameter seems unused: $maxage, ${max_age}, $max-age."""


class Lint(msgspec.Struct, frozen=True):
    """What lint found in so many policies with so many rules, and in files of owners."""

    diagnostics: list[Diagnostic]
    policies: int
    rules: int
    owners: int = 0

    @property
    def errors(self) -> int:
        """How many of the diagnostics are errors."""
        return sum(one.is_error for one in self.diagnostics)

    @property
    def warnings(self) -> int:
        """How many are warnings."""
        return len(self.diagnostics) - self.errors


def lint(refs: Sequence[str], params: Mapping[str, str]) -> Lint:
    """Look into policies by name, file or folder, and into files of owners.

    Raises UsageError for what names nothing.
    """
    owners, refs = without_owners(refs)
    selection = choose(refs, dict(params))
    linter = _Linter(selection)
    with connect() as connection:
        linter.run(connection)
    listing = listing_of(selection.targets)
    merged = [target.merged for target in selection.targets if target.merged]
    found = diagnostics(
        [listing.exact(problem) for problem in linter.errors],
        [listing.exact(problem) for problem in linter.warnings],
        listing,
    )
    rules = sum(len(policy.rules) for policy in merged)
    return Lint([*found, *lint_owners(owners)], len(selection.targets), rules, len(owners))


def listing_of(targets: Sequence[Target]) -> Listing:
    """Return the lines of the policies and of their test cases."""
    listing = Listing()
    for target in targets:
        listing.add(target.file.shown, target.file.path, POLICY)
        listing.add(target.tests_shown, target.tests, CASES)
        if target.merged is not None:
            listing.add_sources(target.merged.sources)
            listing.add_predicates(_written(target.merged))
    return listing


def _written(policy: MergedPolicy) -> Iterator[Predicate]:
    """Give the predicates as they are written, those that did not compile included."""
    for rule in (*policy.rules, *policy.rejected):
        texts = [(rule.document.where, rule.place("where"))]
        texts += [(one.text, one.place) for one in rule.conditions if one.is_met]
        texts.append((rule.document.require, rule.place("require")))
        for text, place in texts:
            if text is not UNSET:
                yield Predicate(text, {}, place.source.at_text(place.path))


class _Linter:
    """Collects errors and warnings of the selected policies."""

    def __init__(self, selection: Selection) -> None:
        self._targets = selection.targets
        self.errors: list[Problem] = list(selection.orphans)
        self.warnings: list[Problem] = []

    def run(self, connection: Connection) -> None:
        """Look into everything."""
        for target in self._targets:
            self.errors += target.inspection.problems
            if target.merged is not None:
                self.warnings += [*advice(target.merged), *quoted(target.merged)]
                self._cases(target, target.merged)
        compiled, clashes = together(
            [policy for target in self._targets for policy in target.inspection.policies]
        )
        self.errors += clashes
        rules = [rule for one in compiled for rule in one.rules]
        sound, problems = examine(connection, rules)
        problems += faulty_parts(connection, self._parts(rules, sound, problems))
        errors, warnings = constant_verdicts(connection, sound)
        vain, idle = vain_fixes(connection, sound)
        wrong, doubtful = doubts(connection, sound, self._rates())
        self.errors += [*problems, *errors, *vain, *wrong]
        self.warnings += [*warnings, *idle, *doubtful]
        self.warnings += [*_empty(sound), *swallowed(connection, sound)]
        self._forget_consequences()

    def _parts(
        self, rules: Sequence[Rule], sound: Sequence[Prepared], problems: Sequence[Problem]
    ) -> list[RulePredicate]:
        """Return the predicates of the rules that are not sound."""
        found = [part for target in self._targets for part in target.inspection.parts]
        if any(problem.code == TOO_MUCH for problem in problems):
            return found  # of a rule nothing is known
        known = {id(one.rule) for one in sound}
        return found + [part for rule in rules if id(rule) not in known for part in parts_of(rule)]

    def _forget_consequences(self) -> None:
        """Leave out parameters that a mistake keeps from being used: it is told already."""
        files = {one.location.file for one in self.errors if one.code in _HIDING_USE}
        self.warnings = [
            one
            for one in self.warnings
            if one.code != "unused-param" or one.location.file not in files
        ]

    def _rates(self) -> dict[str, frozenset[str]]:
        """Return the parameters of each rule that are rates."""
        return {
            rule.id: frozenset(
                name for name, one in rule.parameters.items() if one.slot.type is ValueType.RATE
            )
            for target in self._targets
            if target.merged is not None
            for rule in target.merged.rules
        }

    def _cases(self, target: Target, policy: MergedPolicy) -> None:
        if not target.has_tests:
            if own_rules(policy):
                hint = f"Write some in {target.tests_shown}; `keypolicy test` runs them."
                message = "there are no test cases"
                self.warnings.append(Problem(policy.location, message, "missing-tests", hint))
            return
        try:
            cases = load_cases(target.tests, target.tests_shown, policy)
        except PolicyError as error:
            # What a case misses because it is broken is told once, in the policy.
            consequences = ("unknown-rule", "unknown-param") if target.inspection.problems else ()
            self.errors += [one for one in error.problems if one.code not in consequences]
        else:
            self.warnings += _untested(policy, cases, target.tests_shown)


def _untested(policy: MergedPolicy, cases: Sequence[Case], tests: str) -> list[Problem]:
    tested = {expectation.rule for case in cases for expectation in case.expectations}
    return [
        rule.home.source.problem(
            (*rule.home.path, "id"),
            f"no test case is about rule `{rule.id}`",
            "missing-tests",
            hint=f"Add rows that pass, fail and are unknown to {tests}.",
        )
        for rule in own_rules(policy)
        if rule.id not in tested
    ]


def _empty(sound: Sequence[Prepared]) -> list[Problem]:
    problems: list[Problem] = []
    for one in sound:
        for part, checked in one.checks.items():
            predicate: Predicate = getattr(one.rule, part)
            for name in empty_columns(one.rule.resource, checked.columns):
                message = f"`{name}` never has a value"
                hint = f"{TABLES[one.rule.resource].columns[name].doc}."
                offset = max(predicate.text.lower().find(name), 0)
                place = predicate.place(offset)
                problems.append(Problem(place, message, "empty-column", hint))
    return problems
