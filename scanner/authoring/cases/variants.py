"""The rules as the cases see them: compiled with each case's parameters, each variant once."""

from collections.abc import Mapping, Sequence

import msgspec

from scanner.base.errors import Problem
from scanner.model.rule import Remedy, Rule
from scanner.policy.compile import Compiler
from scanner.policy.files.case_reader import Case
from scanner.policy.merge import MergedPolicy


class Variant(msgspec.Struct, frozen=True):
    """A rule with certain values of its parameters, and the numbers of the cases that use it.

    Fixes are by the case's number: what they say is no part of what the rule demands.
    """

    rule: Rule
    cases: tuple[int, ...]
    fixes: dict[int, Remedy | None] = {}

    def rule_in(self, case: int) -> Rule:
        """Return the rule with the fix that it has in a case."""
        return msgspec.structs.replace(self.rule, fix=self.fixes.get(case))


def variants(
    policy: MergedPolicy, cases: Mapping[int, Case], given: Mapping[str, str]
) -> tuple[list[Variant], list[Problem]]:
    """Return every variant that the cases need, and what is wrong with their parameters.

    `given` are parameters for all cases; those of a case win.
    """
    problems: list[Problem] = []
    found: dict[str, tuple[Rule, dict[int, Remedy | None]]] = {}
    known = {name: text for name, text in given.items() if name in policy.parameters}
    for params, numbers in _by_params(cases, known):
        wanted = {e.rule for number in numbers for e in cases[number].expectations}
        compiler = Compiler(params)
        rules = [rule for rule in policy.rules if rule.id in wanted]
        compiled = compiler.compile(msgspec.structs.replace(policy, rules=rules, rejected=[]))
        compiler.finish()
        problems += compiler.problems
        users: dict[str, list[int]] = {}
        for number in numbers:
            for rule_id in dict.fromkeys(e.rule for e in cases[number].expectations):
                users.setdefault(rule_id, []).append(number)
        for rule in compiled.rules:
            key = repr((rule.id, rule.where, rule.requirement))
            found.setdefault(key, (rule, {}))[1].update(dict.fromkeys(users[rule.id], rule.fix))
    made = [Variant(rule, tuple(sorted(fixes)), fixes) for rule, fixes in found.values()]
    return made, list(dict.fromkeys(problems))


def numbered(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules with ids that differ, as several variants of one have the same."""
    return [msgspec.structs.replace(rule, id=str(n)) for n, rule in enumerate(rules)]


def _by_params(
    cases: Mapping[int, Case], given: Mapping[str, str]
) -> list[tuple[dict[str, str], list[int]]]:
    groups: dict[tuple[tuple[str, str], ...], tuple[dict[str, str], list[int]]] = {}
    for number, case in cases.items():
        params = {**given, **case.params}
        key = tuple(sorted(params.items()))
        groups.setdefault(key, (params, []))[1].append(number)
    return list(groups.values())
