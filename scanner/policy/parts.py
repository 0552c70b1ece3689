"""The predicates of a rule, each by itself: one mistake in a rule must not hide the others."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from scanner.catalogue import TABLES
from scanner.model.rule import Predicate, Rule


class Role(StrEnum):
    """What a predicate is in its rule; a condition is one of several that `where` consists of."""

    WHERE = "where"
    CONDITION = "condition"
    REQUIREMENT = "requirement"


class RulePredicate(msgspec.Struct, frozen=True):
    """A predicate of a rule that is not sound, and the table that it is about."""

    predicate: Predicate
    resource: str
    role: Role

    @property
    def is_whole(self) -> bool:
        """Whether all of its parameters have a value."""
        return all(value is not None for value in self.predicate.params.values())


def parts_of(rule: Rule) -> list[RulePredicate]:
    """Return the parts of a rule that compiled."""
    return parts(rule.resource, rule.conditions, rule.where, [rule.requirement])


def parts(
    resource: str,
    conditions: Sequence[Predicate],
    where: Predicate | None,
    demands: Sequence[Predicate],
) -> list[RulePredicate]:
    """Return the parts; none where nobody knows the table."""
    if resource not in TABLES:
        return []
    found = [RulePredicate(one, resource, Role.CONDITION) for one in conditions]
    if where is not None and not conditions:
        found.append(RulePredicate(where, resource, Role.WHERE))
    return found + [RulePredicate(one, resource, Role.REQUIREMENT) for one in demands]
