"""Approved exceptions from a rule: who allows what, why, and until when."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from scanner.base.errors import Location
from scanner.model.rule import Predicate, Rule

_DAY: Final = timedelta(days=1)


class WaiverState(StrEnum):
    """Where a waiver stands at a moment."""

    PENDING = "pending"  # it does not hold yet
    ACTIVE = "active"
    EXPIRING = "expiring"  # it holds, but its end is near
    LAPSED = "lapsed"  # its end has passed: what it covered is open again

    @property
    def holds(self) -> bool:
        """Whether a waiver in this state covers anything."""
        return self in {WaiverState.ACTIVE, WaiverState.EXPIRING}


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """One approved exception.

    It is about `rules` (empty: all of `policy`), and where `policy` is given only about that
    policy's. It covers the resources with one of `ids`, or those for which `where` is TRUE.
    `location` is its place in the file.
    """

    id: str
    rules: tuple[str, ...] = ()
    policy: str | None = None
    ids: frozenset[str] = frozenset()
    where: Predicate | None = None
    reason: str
    owner: str
    approved_by: str
    created: date
    expires: date
    ticket: str = ""
    location: Location

    def concerns(self, rule: Rule) -> bool:
        """Whether the waiver is about this rule."""
        return self.policy in {None, *rule.policies} and (not self.rules or rule.id in self.rules)

    def days_left(self, moment: datetime) -> int:
        """Whole days between the moment's day and the last one, in UTC: 0 on the last day."""
        return (self.expires - moment.astimezone(UTC).date()).days

    def state(self, moment: datetime, notice: int) -> WaiverState:
        """Tell where the waiver stands; `notice` is in days.

        It holds through the whole of its last day in UTC. It begins a day before `created`, so
        that one written where the day has already changed holds at once.
        """
        left = self.days_left(moment)
        if left < 0:
            return WaiverState.LAPSED
        if moment.astimezone(UTC).date() < self.created - _DAY:
            return WaiverState.PENDING
        return WaiverState.EXPIRING if left <= notice else WaiverState.ACTIVE


class WaiverUse(msgspec.Struct, frozen=True):
    """What a waiver came to in a scan.

    `resources` are those that it matches in the tables of its rules, `findings` those of its
    rules on them, whether or not the waiver holds. `decided` are the findings that carry its id:
    with overlapping waivers a finding belongs to one. `is_seen_whole` tells that the scan looked
    at everything that the waiver can be about, so that nothing found means nothing there.
    """

    waiver: Waiver
    state: WaiverState
    days_left: int
    resources: int
    findings: int
    decided: int
    is_seen_whole: bool

    @property
    def is_unused(self) -> bool:
        """Whether the waiver could go: it should cover something, and there is nothing."""
        return self.state is not WaiverState.PENDING and self.is_seen_whole and self.findings == 0
