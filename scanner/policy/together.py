"""Several policies of one scan: rules that they inherit alike are one, others must differ in id."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

import msgspec

from scanner.base.errors import Location, Problem
from scanner.model.rule import Policy, Predicate, Rule

_NOWHERE: Final = Location("")


def together(policies: Sequence[Policy]) -> tuple[tuple[Policy, ...], list[Problem]]:
    """Return the policies, each rule in the first that has it, and what they cannot share.

    Two policies share a rule that comes from one place and demands and says the same in both: it
    knows of all of them, so that nothing depends on which is named first. A rule that one of them
    changed is refused: two thresholds under one id would be two findings with one fingerprint.
    """
    problems: list[Problem] = []
    names: dict[str, Policy] = {}
    owners: dict[str, Rule] = {}
    shared: dict[str, list[str]] = {}
    made = []
    for policy in policies:
        first = names.setdefault(policy.name, policy)
        if first is not policy and policy.name:
            message = f"policy `{policy.name}` is already in {first.location}"
            problems.append(
                Problem(policy.location, message, "duplicate-policy", "Use another name.")
            )
        rules = []
        for rule in policy.rules:
            owner = owners.setdefault(rule.id, rule)
            if owner is rule:
                rules.append(rule)
            elif _is_same(owner, rule):
                shared.setdefault(rule.id, []).append(policy.name)
            else:
                problems.append(_clash(owner, rule))
        demanded = policy.rules if len(rules) < len(policy.rules) else ()
        made.append(msgspec.structs.replace(policy, rules=tuple(rules), demanded=demanded))
    return tuple(_telling(one, shared) for one in made), problems


def _telling(policy: Policy, shared: Mapping[str, Sequence[str]]) -> Policy:
    """Return the policy with rules that tell by which others they are shared."""
    rules = tuple(
        msgspec.structs.replace(rule, shared=tuple(shared[rule.id])) if rule.id in shared else rule
        for rule in policy.rules
    )
    return msgspec.structs.replace(policy, rules=rules)


def _clash(owner: Rule, rule: Rule) -> Problem:
    hint = "Use another id, or select only one of the policies."
    message = f"rule `{rule.id}` is in policy {owner.policy} and in {rule.policy}"
    if _home(owner) == _home(rule):
        message += ", which do not ask the same of it"
        hint = "Change it in a policy that both extend, or select only one of them."
    return Problem(rule.written, message, "duplicate-rule", hint)


def _is_same(one: Rule, other: Rule) -> bool:
    return _home(one) == _home(other) and _bare(one) == _bare(other)


def _home(rule: Rule) -> tuple[str, int, int]:
    # One file may be called by several paths; what it says is compared besides.
    place = rule.location
    return PurePath(place.file).name, place.line, place.column


def _bare(rule: Rule) -> Rule:
    """Return the rule without what depends on the policy that it stands in."""
    return msgspec.structs.replace(
        rule,
        policy="",
        location=_NOWHERE,
        brought=None,
        where=_unplaced(rule.where) if rule.where else None,
        conditions=(),
        requirement=_unplaced(rule.requirement),
        fix=msgspec.structs.replace(rule.fix, location=_NOWHERE) if rule.fix else None,
    )


def _unplaced(predicate: Predicate) -> Predicate:
    return msgspec.structs.replace(predicate, location=_NOWHERE)
