from datetime import UTC, date, datetime
from typing import Any

import pytest

from scanner.base.errors import Location
from scanner.model.finding import Identity, KnownFinding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.waiver import Waiver, WaiverState
from scanner.triage.decide import Candidate, Decider, DecisionLog
from scanner.triage.fingerprint import fingerprint
from tests.unit.engine.support import rule

RULE = rule("true", name="r", severity=Severity.MEDIUM)
NAME = fingerprint("r", "acme", "7", "k")
SEEN = datetime(2026, 1, 1, tzinfo=UTC)


def waiver(name: str, expires: str = "2026-03-10", *ids: str) -> Waiver:
    return Waiver(
        id=name,
        rules=("r",),
        ids=frozenset(ids or ("k",)),
        reason="r",
        owner="o",
        approved_by="a",
        created=date(2026, 1, 1),
        expires=date.fromisoformat(expires),
        location=Location("w.yaml", 2, 5),
    )


def known(
    severity: Severity = Severity.MEDIUM, outcome: Outcome = Outcome.FAIL
) -> dict[str, KnownFinding]:
    one = KnownFinding(
        rule="r",
        severity=severity,
        outcome=outcome,
        type="sentry_key",
        organization="acme",
        project="web",
        project_id="7",
        id="k",
        name=None,
        fingerprint=NAME,
        first_seen=SEEN,
    )
    return {NAME: one}


def decide(
    candidates: list[Candidate],
    baseline: dict[str, KnownFinding] | None = None,
    outcome: Outcome = Outcome.FAIL,
    matched: tuple[bool, ...] = (),
) -> DecisionLog:
    ledger = DecisionLog()
    decider = Decider(RULE, candidates, baseline or {}, ledger)
    decider.add(Identity(outcome, "acme", "7", "k", list(matched)))
    return ledger


def test_a_plain_finding_is_open_and_costs_no_memory() -> None:
    ledger = decide([])
    assert ledger.decisions == {}
    assert ledger.tallies == {"r": {(Outcome.FAIL, Disposition.OPEN): 1}}


@pytest.mark.parametrize(
    ("state", "disposition", "named"),
    [
        (WaiverState.ACTIVE, Disposition.WAIVED, True),
        (WaiverState.EXPIRING, Disposition.WAIVED, True),
        (WaiverState.LAPSED, Disposition.OPEN, True),
        (WaiverState.PENDING, Disposition.BASELINED, False),
    ],
)
def test_a_waiver_comes_before_the_baseline(
    state: WaiverState, disposition: Disposition, *, named: bool
) -> None:
    ledger = decide([Candidate(waiver("w"), state, None)], known())
    decision = ledger.decisions[NAME]
    assert decision.disposition is disposition
    assert decision.waiver == ("w" if named else None)
    assert decision.first_seen == SEEN
    assert ledger.seen == {NAME}
    assert ledger.matched["w"] == 1
    assert ledger.decided["w"] == named


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_waivers_the_longest_decides_then_the_first_by_id(*, turned: bool) -> None:
    candidates = [
        Candidate(waiver("lapsed", "2026-01-02"), WaiverState.LAPSED, None),
        Candidate(waiver("c", "2026-05-01"), WaiverState.ACTIVE, None),
        Candidate(waiver("b", "2026-06-01"), WaiverState.ACTIVE, 1),
        Candidate(waiver("a", "2026-06-01", "other"), WaiverState.ACTIVE, 0),
    ]
    order = candidates[::-1] if turned else candidates
    # The predicates are asked for in the decider's own order: here a, then b.
    ledger = decide(order, matched=(True, True))
    assert ledger.decisions[NAME].waiver == "a"
    assert ledger.decided.total() == 1
    assert ledger.tallies["r"] == {(Outcome.FAIL, Disposition.WAIVED): 1}
    assert decide(order, matched=(False, False)).decisions[NAME].waiver == "b"  # by its id


@pytest.mark.parametrize(
    ("severity", "outcome", "now", "disposition"),
    [
        (Severity.MEDIUM, Outcome.FAIL, Outcome.FAIL, Disposition.BASELINED),
        (Severity.MEDIUM, Outcome.FAIL, Outcome.UNKNOWN, Disposition.BASELINED),
        (Severity.MEDIUM, Outcome.FAIL, Outcome.ERROR, Disposition.BASELINED),
        (Severity.HIGH, Outcome.FAIL, Outcome.FAIL, Disposition.BASELINED),
        (Severity.LOW, Outcome.FAIL, Outcome.FAIL, Disposition.OPEN),
        (Severity.MEDIUM, Outcome.UNKNOWN, Outcome.UNKNOWN, Disposition.BASELINED),
        (Severity.MEDIUM, Outcome.UNKNOWN, Outcome.ERROR, Disposition.OPEN),
        (Severity.MEDIUM, Outcome.UNKNOWN, Outcome.FAIL, Disposition.OPEN),
        (Severity.MEDIUM, Outcome.ERROR, Outcome.FAIL, Disposition.OPEN),
        (Severity.CRITICAL, Outcome.UNKNOWN, Outcome.FAIL, Disposition.OPEN),
    ],
)
def test_what_got_worse_is_open(
    severity: Severity, outcome: Outcome, now: Outcome, disposition: Disposition
) -> None:
    ledger = decide([], known(severity, outcome), now)
    assert ledger.decisions[NAME].disposition is disposition
    assert ledger.decisions[NAME].first_seen == SEEN
    assert ledger.worsened == (disposition is Disposition.OPEN)
    assert ledger.seen == {NAME}


def test_another_key_is_not_covered() -> None:
    ledger = DecisionLog()
    candidate = Candidate(waiver("w"), WaiverState.ACTIVE, None)
    decider = Decider(RULE, [candidate], known(), ledger)
    decider.add(Identity(Outcome.FAIL, "acme", "7", "rotated", []))
    assert ledger.decisions == {}
    assert not ledger.seen


class _NotLookedThrough(dict[str, KnownFinding]):
    def values(self) -> Any:
        raise AssertionError("a baseline may have a million lines")


def test_whoever_only_decides_does_not_look_through_the_baseline() -> None:
    # A forecast does so for each rule and each day on which a waiver ends.
    decider = Decider(RULE, [], _NotLookedThrough(known()), DecisionLog())
    for identity, disposition in (("k", Disposition.BASELINED), ("other", Disposition.OPEN)):
        decision = decider.decide(Identity(Outcome.FAIL, "acme", "7", identity, []))
        assert decision.disposition is disposition
