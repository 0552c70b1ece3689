"""Triage of a scan: what is tolerated is read before it, and decided when outcomes are known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.model.coverage import Gap
from scanner.model.finding import Finding, KnownFinding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.owner import OwnerShare
from scanner.model.rule import Policy, Rule
from scanner.model.run import RuleResult
from scanner.model.waiver import Waiver, WaiverUse
from scanner.triage import notes
from scanner.triage.baseline import read_baseline
from scanner.triage.decide import Candidate, Decider, Decision, DecisionLog, Share
from scanner.triage.fixed import fixed
from scanner.triage.interface import Facts, Sight, TriageRequest
from scanner.triage.owners import read_owners, shares
from scanner.triage.waivers import check_waivers, read_waivers

if TYPE_CHECKING:
    from scanner.base.errors import Problem
    from scanner.base.yamlfile import YamlFile


_AT_ONCE: Final = 10_000
"""Ids that the database is asked for at a time: PostgreSQL takes some 65,000 values."""


class Triaged(msgspec.Struct, frozen=True):
    """What triage decided.

    `tallies` are by rule id and count findings on rows; a rule that is not in it has only open
    ones. `refusals` are why the scan must end as a wrong configuration. `shares` count the findings
    on rows, `owners` are theirs of them.
    """

    decisions: Mapping[str, Decision] = {}
    tallies: Mapping[str, Mapping[tuple[Outcome, Disposition], int]] = {}
    waivers: tuple[WaiverUse, ...] = ()
    fixed: tuple[KnownFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    owners: tuple[OwnerShare, ...] = ()
    shares: Mapping[Share, int] = {}

    def result(
        self,
        rule: Rule,
        counts: Mapping[Outcome, int],
        gaps: Mapping[str, Sequence[Gap]],
        overdue: Mapping[str, Mapping[Outcome, int]] | None,
    ) -> RuleResult:
        """Return how a rule fared: its outcomes on rows, and the gaps of its table."""
        unseen = len(gaps[rule.resource])
        tally = {
            (outcome, Disposition.OPEN): counts.get(outcome, 0)
            for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)
        }
        if rule.id in self.tallies:
            tally = dict.fromkeys(tally, 0) | dict(self.tallies[rule.id])
        # What was not seen is neither waived nor known: it is always open.
        tally[Outcome.UNKNOWN, Disposition.OPEN] += unseen
        return RuleResult(
            rule=rule,
            passed=counts.get(Outcome.PASS, 0),
            not_applicable=counts.get(Outcome.NOT_APPLICABLE, 0),
            unseen=unseen,
            tally=tally,
            overdue=None if overdue is None else overdue.get(rule.id, {}),
        )

    def dispose(self, findings: Iterable[Finding]) -> Iterable[Finding]:
        """Return the findings with what was decided about them, as often iterable as before."""
        return _Disposed(findings, self.decisions) if self.decisions else findings


class Triage:
    """What a scan tolerates; `waivers` are the sound ones, `problems` those of their file.

    `owners` is the file that says who must act, None where there is none.

    `predicates` are the waivers' conditions in the form of rules, one a table, so that they are
    guarded and evaluated exactly as rules are; a resource that passes one is matched.
    """

    def __init__(
        self, request: TriageRequest, policies: Sequence[Policy], draft: "YamlFile | None" = None
    ) -> None:
        """Read the files, or `draft` for the waivers.

        Raises PolicyError for a file that cannot be read as what it is.
        """
        self._request = request
        self._rules = [rule for policy in policies for rule in policy.rules]
        self.waivers: tuple[Waiver, ...] = ()
        self.problems: tuple[Problem, ...] = ()
        if draft is not None:
            read = check_waivers(draft, policies, request.term_days)
            self.waivers, self.problems = read.waivers, read.problems
        elif request.waivers is not None:
            read = read_waivers(request.waivers, policies, request.term_days)
            self.waivers, self.problems = read.waivers, read.problems
        self.owners = None if request.owners is None else read_owners(request.owners).owners
        self._baseline: dict[str, KnownFinding] = {}
        if request.baseline is not None:
            self._baseline = read_baseline(request.baseline)
        self._known_rules = {known.rule for known in self._baseline.values()}
        self._places: dict[tuple[str, str], int] = {}
        predicates: list[Rule] = []
        for waiver in self.waivers:
            for table in self._tables(waiver) if waiver.where else ():
                self._places[waiver.id, table] = len(predicates)
                predicates.append(_as_rule(waiver, table))
        self.predicates = tuple(predicates)

    def decide(
        self, facts: Facts, sight: Sight, as_of: datetime, *, shared: bool = False
    ) -> Triaged:
        """Decide about every finding; `shared`: somebody wants to know the shares."""
        ledger = DecisionLog()
        for rule in self._rules:
            decider = self.decider(rule, as_of, ledger)
            if decider is not None:
                for identity in facts.identities(rule, decider.predicates):
                    decider.add(identity)
            elif shared or self.owners is not None:
                for place, number in facts.spread(rule).items():
                    ledger.shares[*place, rule.id, Disposition.OPEN] += number
        there = self._there(facts)
        uses = tuple(self._use(one, facts, there, sight, as_of, ledger) for one in self.waivers)
        tables = {rule.id: rule.resource for rule in self._rules}
        gone = fixed(self._baseline.values(), tables, facts, sight, ledger)
        useless = notes.unused(uses)
        strict = self._request.strict_waivers
        told = [*notes.deadlines(uses), *(() if strict else useless)]
        if self._request.baseline is not None:
            told += notes.baseline(self._request.baseline, len(gone), ledger)
        return Triaged(
            decisions=ledger.decisions,
            tallies=ledger.tallies,
            waivers=uses,
            fixed=gone,
            warnings=tuple(told),
            refusals=useless if strict else (),
            owners=() if self.owners is None else shares(self.owners, ledger.shares),
            shares=ledger.shares,
        )

    def decider(self, rule: Rule, moment: datetime, ledger: DecisionLog) -> Decider | None:
        """Return what decides about the rule's findings at a moment; None where all are open."""
        candidates = [
            Candidate(
                one,
                one.state(moment, self._request.notice_days),
                self._places.get((one.id, rule.resource)),
            )
            for one in self.waivers
            if one.concerns(rule)
        ]
        if not candidates and rule.id not in self._known_rules:
            return None
        return Decider(rule, candidates, self._baseline, ledger)

    def _tables(self, waiver: Waiver) -> list[str]:
        concerned = (rule.resource for rule in self._rules if waiver.concerns(rule))
        return list(dict.fromkeys(concerned))

    def _there(self, facts: Facts) -> dict[str, set[str]]:
        """Return, by table, the ids of waivers that rows have; a look for each would add up."""
        asked: dict[str, set[str]] = {}
        for waiver in self.waivers:
            for table in self._tables(waiver) if waiver.ids else ():
                asked.setdefault(table, set()).update(waiver.ids)
        there: dict[str, set[str]] = {}
        for table, ids in asked.items():
            ordered = sorted(ids)
            parts = (ordered[n : n + _AT_ONCE] for n in range(0, len(ordered), _AT_ONCE))
            there[table] = {
                key for part in parts for key, _ in facts.existing(table, frozenset(part))
            }
        return there

    def _use(  # noqa: PLR0913, PLR0917 - what a waiver came to follows from all of it
        self,
        waiver: Waiver,
        facts: Facts,
        there: Mapping[str, set[str]],
        sight: Sight,
        as_of: datetime,
        ledger: DecisionLog,
    ) -> WaiverUse:
        tables = self._tables(waiver)
        resources = 0
        for table in tables:
            place = self._places.get((waiver.id, table))
            if place is None:
                resources += len(waiver.ids & there[table])
            else:
                resources += facts.matches(place)
        return WaiverUse(
            waiver=waiver,
            state=waiver.state(as_of, self._request.notice_days),
            days_left=waiver.days_left(as_of),
            resources=resources,
            findings=ledger.matched[waiver.id],
            decided=ledger.decided[waiver.id],
            is_seen_whole=all(sight.is_whole(table) for table in tables),
        )


class _Disposed:
    """The findings of a scan, each with what was decided about it."""

    def __init__(self, findings: Iterable[Finding], decisions: Mapping[str, Decision]) -> None:
        self._findings = findings
        self._decisions = decisions

    def __iter__(self) -> Iterator[Finding]:
        for finding in self._findings:
            decision = self._decisions.get(finding.fingerprint)
            if decision is None:
                yield finding
            else:
                yield msgspec.structs.replace(
                    finding,
                    disposition=decision.disposition,
                    waiver=decision.waiver,
                    first_seen=decision.first_seen,
                    due=decision.due,
                )


def _as_rule(waiver: Waiver, table: str) -> Rule:
    if waiver.where is None:
        raise ValueError(waiver.id)
    return Rule(
        # No rule can have this id: a colon is not allowed in one.
        id=f"waiver:{waiver.id}:{table}",
        policy="waivers",
        title="waiver",
        severity=Severity.LOW,
        resource=table,
        requirement=waiver.where,
        location=waiver.location,
    )
