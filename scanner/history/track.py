"""What became of findings since the run before: in come the facts of both, out come changes.

A run closes only what it looked at. What it did not, since its policies have not the rule, its
scope not the place, or there was a gap, is carried on as unseen; triage.fixed decides that, as it
does for baselines. What came or went with a change of a rule is told apart from what came or went
with the keys. A finding whose place is told otherwise than it was is the same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from scanner.model.finding import Identity, KnownFinding, is_same
from scanner.model.history import Fate, Sla, TrackedFinding
from scanner.model.rule import Rule
from scanner.triage.decide import PLAIN, Decision, DecisionLog
from scanner.triage.fingerprint import fingerprint
from scanner.triage.fixed import fixed
from scanner.triage.interface import Facts, Sight

REMEMBERED: Final = timedelta(days=90)
"""How long a fixed finding is carried on; one that comes back later counts as new."""

UNSEEN: Final = timedelta(days=400)
"""How long one is carried on that no run looks at any more."""

_ENDED: Final = frozenset({Fate.FIXED, Fate.RELEASED, Fate.GONE})


class Before(msgspec.Struct, frozen=True):
    """What the run before knew: findings by fingerprint, and what every rule ever run demanded."""

    findings: Mapping[str, TrackedFinding]
    demands: Mapping[str, str]


def track(  # noqa: PLR0913, PLR0917 - two runs, and what holds for both
    rules: Sequence[Rule],
    facts: Facts,
    sight: Sight,
    decisions: Mapping[str, Decision],
    before: Before | None,
    as_of: datetime,
    sla: Sla,
) -> list[TrackedFinding]:
    """Return every finding that the line knows, those of this run first, by rule."""
    tracker = _Tracker(before, as_of, sla)
    for rule in rules:
        tracker.begin(rule)
        for identity in facts.identities(rule, ()):
            tracker.add(rule, identity, decisions)
    tracker.join(is_one_server=sight.is_one_server)
    return [*tracker.present, *tracker.absent({r.id: r.resource for r in rules}, facts, sight)]


def are_here(
    findings: Iterable[TrackedFinding], rules: Iterable[Rule], facts: Facts, sight: Sight
) -> bool:
    """Whether most resources that another run had findings on are here: they moved together.

    An id is of its server, so on several of them nothing can be told.
    """
    tables = {rule.id: rule.resource for rule in rules}
    found = [one for one in findings if one.fate.is_present and one.rule in tables]
    resources = {(tables[one.rule], one.id) for one in found}
    return sight.is_one_server and len(resources) < 2 * len(_existing(found, tables, facts))


class _Tracker:
    """Gathers what is there, and then what is not."""

    def __init__(self, before: Before | None, as_of: datetime, sla: Sla) -> None:
        self._known = before.findings if before else {}
        self._demands = before.demands if before else None
        self._as_of = as_of
        self._sla = sla
        self._redefined: set[str] = set()
        self._log = DecisionLog(seen=set())
        self.present: list[TrackedFinding] = []

    def begin(self, rule: Rule) -> None:
        """Note whether a rule demands what it did."""
        if self._demands is not None and self._demands.get(rule.id) != rule.demand:
            self._redefined.add(rule.id)

    def add(self, rule: Rule, identity: Identity, decisions: Mapping[str, Decision]) -> None:
        """Take a finding of this run."""
        name = fingerprint(rule.id, identity.organization, identity.project, identity.id)
        known = self._still_known(name)
        decision = decisions.get(name, PLAIN)
        fate = self._came(rule.id, known)
        began = min(decision.first_seen or self._as_of, self._as_of)
        first_seen = min(known.first_seen, began) if known else began
        # A baseline may know a finding longer than the history does.
        opened = first_seen if known is None else known.opened
        if known is not None and fate is not Fate.STILL:
            opened = self._as_of  # it went meanwhile, with its rule if not by itself
        allowed = self._sla.get(rule.severity)
        self._log.seen.add(name)
        slug, key = identity.slug, identity.project
        self.present.append(
            TrackedFinding(
                rule=rule.id,
                severity=rule.severity,
                outcome=identity.outcome,
                type=rule.resource,
                organization=identity.organization,
                project=slug,
                project_id=key if key != slug else None,
                id=identity.id,
                name=identity.name,
                fingerprint=name,
                first_seen=first_seen,
                fate=fate,
                opened=opened,
                last_seen=self._as_of,
                disposition=decision.disposition,
                waiver=decision.waiver,
                owner=identity.owner,
                fixed_at=known.fixed_at if known else None,
                reopened=(known.reopened if known else 0) + (fate is Fate.REOPENED),
                due=opened + allowed if allowed is not None else None,
            )
        )

    def join(self, *, is_one_server: bool) -> None:
        """Let findings take over what is known of them at places where they are no more."""
        away: dict[tuple[str, str], list[TrackedFinding]] = {}
        for name, one in self._known.items():
            if name not in self._log.seen and not self._is_forgotten(one):
                away.setdefault((one.rule, one.id), []).append(one)
        for number, here in enumerate(self.present if away else ()):
            for one in away.get((here.rule, here.id), ()):
                if one.fingerprint not in self._log.seen and is_same(
                    one.organization, here.organization, is_one_server=is_one_server
                ):
                    self._log.seen.add(one.fingerprint)
                    self.present[number] = self._joined(self.present[number], one)

    def _joined(self, here: TrackedFinding, away: TrackedFinding) -> TrackedFinding:
        """Return a finding with what is known of it elsewhere, where that is more."""
        first_seen = min(here.first_seen, away.first_seen)
        fate = self._came(here.rule, away)
        if here.fate is Fate.STILL and (fate is not Fate.STILL or here.opened <= away.opened):
            return msgspec.structs.replace(here, first_seen=first_seen)
        opened = away.opened if fate is Fate.STILL else self._as_of
        allowed = self._sla.get(here.severity)
        return msgspec.structs.replace(
            here,
            first_seen=first_seen,
            fate=fate,
            opened=opened,
            fixed_at=away.fixed_at,
            reopened=away.reopened + (fate is Fate.REOPENED),
            due=opened + allowed if allowed is not None else None,
        )

    def _still_known(self, name: str) -> TrackedFinding | None:
        """Return what the line knows of a finding, whether or not a run came in between."""
        known = self._known.get(name)
        return None if known is None or self._is_forgotten(known) else known

    def _is_forgotten(self, known: TrackedFinding) -> bool:
        """Whether what ended did so too long ago, or with its key, which never comes back."""
        # What was released may have been fixed once before, and was found since.
        ended = max(known.fixed_at or known.last_seen, known.last_seen)
        return known.fate in _ENDED and (known.is_removed or self._as_of - ended > REMEMBERED)

    def _came(self, rule: str, known: TrackedFinding | None) -> Fate:
        """Tell how a finding that is there came to be there."""
        if known is not None and (known.fate.is_present or known.fate is Fate.UNSEEN):
            return Fate.STILL
        if rule in self._redefined:
            return Fate.DEMANDED
        return Fate.NEW if known is None or known.fixed_at is None else Fate.REOPENED

    def absent(
        self, tables: Mapping[str, str], facts: Facts, sight: Sight
    ) -> Iterable[TrackedFinding]:
        """Give what the run before knew and this one did not find."""
        missing = [one for name, one in self._known.items() if name not in self._log.seen]
        asked = [one for one in missing if one.fate not in _ENDED]
        gone = {one.fingerprint: one for one in fixed(asked, tables, facts, sight, self._log)}
        there = _existing(gone.values(), tables, facts)
        for one in missing:
            if one.fate in _ENDED:
                changed = (
                    None
                    if self._is_forgotten(one)
                    else msgspec.structs.replace(one, fate=Fate.GONE)
                )
            elif one.fingerprint not in gone:
                changed = self._unseen(one)
            elif one.rule in self._redefined:
                changed = msgspec.structs.replace(one, fate=Fate.RELEASED)
            else:
                is_removed = (tables[one.rule], one.id) not in there
                changed = msgspec.structs.replace(
                    one, fate=Fate.FIXED, fixed_at=self._as_of, is_removed=is_removed
                )
            if changed is not None:
                yield changed

    def _unseen(self, one: TrackedFinding) -> TrackedFinding | None:
        is_old = self._as_of - one.last_seen > UNSEEN
        return None if is_old else msgspec.structs.replace(one, fate=Fate.UNSEEN)


def _existing(
    findings: Iterable[KnownFinding], tables: Mapping[str, str], facts: Facts
) -> set[tuple[str, str]]:
    """Return table and id of those resources of findings that are there."""
    ids: dict[str, set[str]] = {}
    for one in findings:
        ids.setdefault(tables[one.rule], set()).add(one.id)
    return {
        (table, found)
        for table, some in ids.items()
        for found, _ in facts.existing(table, frozenset(some))
    }
