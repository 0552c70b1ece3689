"""Which outcomes of which rules no test case shows, and which parameters no case varies."""

import msgspec

from scanner.authoring.cases.run import Tested
from scanner.base.errors import Location
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node
from scanner.model.outcome import Outcome
from scanner.policy.merge import MergedPolicy, MergedRule


class RuleCoverage(msgspec.Struct, frozen=True):
    """A rule with the outcomes that cases expect of it, and those that none does."""

    rule: str
    location: Location
    seen: tuple[Outcome, ...]
    missing: tuple[Outcome, ...]


class Coverage(msgspec.Struct, frozen=True):
    """What the cases of a policy show. `never_varied` are parameters with their places."""

    rules: tuple[RuleCoverage, ...]
    never_varied: tuple[tuple[str, Location], ...]

    @property
    def gaps(self) -> int:
        """How many things are missing."""
        return sum(len(rule.missing) for rule in self.rules) + len(self.never_varied)


def coverage(connection: Connection, tested: Tested) -> Coverage:
    """Return what the cases show of the rules that the policy's own file has a say in."""
    policy = tested.policy
    seen: dict[str, dict[Outcome, None]] = {}
    for case in tested.cases.values():
        for expectation in case.expectations:
            seen.setdefault(expectation.rule, {})[expectation.outcome] = None
    decided = _always_decided(connection, tested.prepared, tested)
    rules = []
    for rule in own_say(policy):
        found = tuple(seen.get(rule.id, ()))
        missing = tuple(one for one in _wanted(rule, decided) if one not in found)
        location = rule.home.source.at((*rule.home.path, "id"))
        rules.append(RuleCoverage(rule.id, location, found, missing))
    varied = {name for case in tested.cases.values() for name in case.params}
    return Coverage(tuple(rules), _never_varied(policy, varied))


def own_say(policy: MergedPolicy) -> list[MergedRule]:
    """Return the rules written in the policy's own file, and those whose `where` is.

    What is taken over as it is has its cases beside the policy that it comes from.
    """
    own = policy.sources[0]
    return [
        rule
        for rule in policy.rules
        if rule.home.source is own or rule.place("where").source is own
    ]


def _wanted(rule: MergedRule, decided: set[str]) -> list[Outcome]:
    wanted = [Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN]
    requirement = rule.document.require
    if isinstance(requirement, str) and requirement.strip().lower() == "false":
        wanted.remove(Outcome.PASS)
    if rule.id in decided:
        wanted.remove(Outcome.UNKNOWN)
    if isinstance(rule.where, str):
        wanted.append(Outcome.NOT_APPLICABLE)
    return wanted


def _never_varied(policy: MergedPolicy, varied: set[str]) -> tuple[tuple[str, Location], ...]:
    """Return the parameters that the file declares, that its rules use, and that no case sets."""
    own = policy.sources[0]
    declared = own.fields.get("params")
    used = {name for rule in own_say(policy) for name in rule.used}
    return tuple(
        (name, own.at_key(("params", name)))
        for name in (declared if isinstance(declared, dict) else {})
        if name in used and name not in varied
    )


def _always_decided(connection: Connection, prepared: list[Prepared], tested: Tested) -> set[str]:
    """Return the rules that are never unknown, whatever is missing."""
    pairs = [
        (variant.rule.id, checked)
        for variant, one in zip(tested.variants, prepared, strict=True)
        for checked in one.checks.values()
    ]
    found = syntax.parse(connection, [checked.sql for _, checked in pairs])
    undecided = {
        rule for (rule, _), tree in zip(pairs, found, strict=True) if not _never_null(tree)
    }
    return {rule for rule, _ in pairs} - undecided


def _never_null(node: Node) -> bool:
    """Whether the value cannot be NULL, as far as its form tells."""
    children = node.get("children", [])
    match node["class"], node["type"]:
        case "CONSTANT", _:
            decided = bool(node["literal"]["kind"] != "NULL_LITERAL")
        case "OPERATOR", "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL":
            decided = True
        case ("CONJUNCTION", _) | ("OPERATOR", "OPERATOR_NOT"):
            decided = all(_never_null(child) for child in children)
        case "OPERATOR", "OPERATOR_COALESCE":
            decided = any(_never_null(child) for child in children)
        case "COMPARISON", "COMPARE_DISTINCT_FROM" | "COMPARE_NOT_DISTINCT_FROM":
            decided = True
        case _:
            decided = False
    return decided
