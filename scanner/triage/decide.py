"""Deciding about the findings of one rule: waived, baselined or open."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import compress
from typing import Final, NamedTuple

import msgspec

from scanner.model.finding import Identity, KnownFinding, is_same
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Rule
from scanner.model.waiver import Waiver, WaiverState
from scanner.triage.fingerprint import fingerprint

BADNESS: Final = {Outcome.UNKNOWN: 0, Outcome.ERROR: 1, Outcome.FAIL: 2}
"""Which outcome is worse than which: what is known to be wrong is worse than what is not known."""


def is_worse(severity: Severity, outcome: Outcome, known: KnownFinding) -> bool:
    """Whether a finding is worse than it was known to be."""
    return severity.rank > known.severity.rank or BADNESS[outcome] > BADNESS[known.outcome]


class Decision(NamedTuple):
    """What was decided about a finding, and by what; `due` is told by a history alone."""

    disposition: Disposition
    waiver: str | None = None
    first_seen: datetime | None = None
    due: datetime | None = None


class Candidate(NamedTuple):
    """A waiver that may cover findings of a rule; `predicate` is the place of its predicate."""

    waiver: Waiver
    state: WaiverState
    predicate: int | None


Share = tuple[str | None, str | None, str, Disposition]
"""What findings are counted by: owner, organization, rule, and what was decided."""


class DecisionLog(msgspec.Struct):
    """What has been decided so far.

    `decisions` are by fingerprint, those about plain open findings left out. `matched` and
    `decided` count findings by waiver, `seen` are the baseline's that are still there. `displaced`
    are findings that it has not, on resources of which it has the rule's: the organizations, by
    rule and id. `renamed` tells kind, old name and new one of what it calls otherwise. `shares`
    count findings, where somebody wants to know.
    """

    decisions: dict[str, Decision] = {}
    tallies: dict[str, Counter[tuple[Outcome, Disposition]]] = {}
    matched: Counter[str] = msgspec.field(default_factory=Counter)
    decided: Counter[str] = msgspec.field(default_factory=Counter)
    seen: set[str] = set()
    displaced: dict[tuple[str, str], set[str | None]] = {}
    renamed: set[tuple[str, str, str]] = set()
    worsened: int = 0
    shares: Counter[Share] = msgspec.field(default_factory=Counter)

    def is_displaced(self, known: KnownFinding, *, is_one_server: bool) -> bool:
        """Whether the finding is there under another fingerprint."""
        return any(
            is_same(known.organization, organization, is_one_server=is_one_server)
            for organization in self.displaced.get((known.rule, known.id), ())
        )


class Decider:
    """Decides about the findings of one rule.

    A waiver that holds comes first: of several the one that expires last, then the first by id.
    One that has lapsed leaves a finding open, even where the baseline has it: its owner agreed to
    an end. Then comes the baseline, unless the finding got worse.
    """

    def __init__(
        self,
        rule: Rule,
        candidates: Sequence[Candidate],
        baseline: Mapping[str, KnownFinding],
        ledger: DecisionLog,
    ) -> None:
        self._rule = rule
        self._baseline = baseline
        self._ledger = ledger
        self._tally: Counter[tuple[Outcome, Disposition]] = Counter()
        ledger.tallies[rule.id] = self._tally
        ordered = sorted(candidates, key=_precedence)
        self._by_predicate = [one for one in ordered if one.predicate is not None]
        self._by_id: dict[str, list[Candidate]] = {}
        for one in ordered:
            for resource in one.waiver.ids:
                self._by_id.setdefault(resource, []).append(one)
        self.predicates = [one.predicate for one in self._by_predicate if one.predicate is not None]

    def add(self, identity: Identity) -> None:
        """Decide about one finding and write it down."""
        name = self._name(identity)
        candidates = self._covering(identity)
        known = self._baseline.get(name)
        decision = self._decide(identity.outcome, candidates, known)
        self._tally[identity.outcome, decision.disposition] += 1
        share = identity.owner, identity.organization, self._rule.id, decision.disposition
        self._ledger.shares[share] += 1
        self._ledger.matched.update(one.waiver.id for one in candidates)
        if known is not None:
            self._ledger.seen.add(name)
            self._note_names(identity, known)
        elif identity.id in self._known_ids:
            place = self._rule.id, identity.id
            self._ledger.displaced.setdefault(place, set()).add(identity.organization)
        if decision.waiver is not None:
            self._ledger.decided[decision.waiver] += 1
        if decision != PLAIN:
            self._ledger.decisions[name] = decision

    @cached_property
    def _known_ids(self) -> set[str]:
        # Only where a finding is written down: a forecast has a decider for each end of a waiver.
        return {one.id for one in self._baseline.values() if one.rule == self._rule.id}

    def decide(self, identity: Identity) -> Decision:
        """Return the decision about a finding, which is not one to be written down."""
        known = self._baseline.get(self._name(identity))
        return self._decide(identity.outcome, self._covering(identity), known)

    def _name(self, identity: Identity) -> str:
        return fingerprint(self._rule.id, identity.organization, identity.project, identity.id)

    def _covering(self, identity: Identity) -> list[Candidate]:
        candidates = self._by_id.get(identity.id, [])
        if not any(identity.matched):
            return candidates
        told = compress(self._by_predicate, identity.matched)
        return sorted([*candidates, *told], key=_precedence)

    def _note_names(self, identity: Identity, known: KnownFinding) -> None:
        """Remember where the file's words are not those that the reader of a report knows."""
        for kind, old, new in (
            (known.type, known.name, identity.name),
            ("project", known.project, identity.slug),
        ):
            if old != new:
                self._ledger.renamed.add((kind, old or "", new or ""))

    def _decide(
        self, outcome: Outcome, candidates: Sequence[Candidate], known: KnownFinding | None
    ) -> Decision:
        first_seen = known.first_seen if known else None
        for one in candidates:
            if one.state.holds:
                return Decision(Disposition.WAIVED, one.waiver.id, first_seen)
        for one in candidates:
            if one.state is WaiverState.LAPSED:
                return Decision(Disposition.OPEN, one.waiver.id, first_seen)
        if known is None:
            return PLAIN
        if is_worse(self._rule.severity, outcome, known):
            self._ledger.worsened += 1
            return Decision(Disposition.OPEN, None, first_seen)
        return Decision(Disposition.BASELINED, None, first_seen)


PLAIN: Final = Decision(Disposition.OPEN)
"""What is decided where nothing tolerates a finding, or ever did."""


def _precedence(one: Candidate) -> tuple[int, str]:
    return -one.waiver.expires.toordinal(), one.waiver.id
