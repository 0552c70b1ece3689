"""The golden run after triage: waivers, a baseline with a fixed finding, clear places."""

from datetime import UTC, datetime, timedelta

import msgspec

from scanner.base.errors import Location
from scanner.model.outcome import Disposition, Severity
from scanner.model.run import Clear, GateResult, Run, TrendPoint
from scanner.model.waiver import Waiver, WaiverState, WaiverUse
from tests.unit.report.factory import AS_OF, HOSTILE, Findings, fixed_finding, golden_run


def triaged_run() -> Run:
    """Return the golden run with waivers of every state, a fixed finding and clear places."""
    run = golden_run()
    uses = [
        waiver_use("legacy-app", WaiverState.ACTIVE, 121, decided=1, ticket="SEC-12"),
        waiver_use("spring", WaiverState.EXPIRING, 3, ticket="https://tickets.example/SEC-13"),
        waiver_use("<b>gone</b>", WaiverState.LAPSED, -4, decided=1, reason=HOSTILE["bidi"]),
        waiver_use("next-year", WaiverState.PENDING, 400),
    ]
    fixed = fixed_finding(HOSTILE["markup"])
    clear = [
        Clear(result.rule.policy, result.rule.id, organization, "clear", result.passed, 3)
        for result in run.results
        for organization in ("acme", "initech")
    ]
    findings = [
        msgspec.structs.replace(item, waiver="legacy-app", first_seen=fixed.first_seen)
        if item.disposition is Disposition.WAIVED
        else item
        for item in run.findings
    ]
    return msgspec.structs.replace(
        run,
        findings=Findings(findings),
        waivers=tuple(uses),
        fixed=(fixed,),
        clear=clear,
        earlier=tuple(_earlier(run, days) for days in (60, 30)),
    )


def _earlier(run: Run, days: int) -> TrendPoint:
    """Return a scan of the same scope and policies, complete then."""
    return msgspec.structs.replace(
        run.point,
        as_of=AS_OF - timedelta(days=days),
        result=GateResult.FAILED,
        found={Severity.HIGH: days},
        open={Severity.HIGH: days - 10},
        incomplete=frozenset(),
    )


def waiver_use(
    waiver_id: str,
    state: WaiverState,
    days_left: int,
    *,
    decided: int = 0,
    ticket: str = "",
    reason: str = "The old app cannot be released again.",
) -> WaiverUse:
    return WaiverUse(
        waiver=Waiver(
            id=waiver_id,
            rules=("key-max-age",),
            ids=frozenset({"4" * 32}),
            reason=reason,
            owner="team-mobile",
            approved_by="jane.doe@example.org",
            created=datetime(2026, 2, 1, tzinfo=UTC).date(),
            expires=(AS_OF + timedelta(days=days_left)).date(),
            ticket=ticket,
            location=Location("waivers.yaml", 2, 5),
        ),
        state=state,
        days_left=days_left,
        resources=decided,
        findings=decided,
        decided=decided,
        is_seen_whole=True,
    )
