"""A digest about nothing, to see whether messages arrive and what they look like."""

from datetime import UTC, datetime, timedelta

from scanner.model.outcome import Outcome, Severity
from scanner.model.run import GateResult
from scanner.notify.digest import Digest, ScanChanges, WorstFinding


def trial() -> Digest:
    """Return the digest of a test message; every part that one may have is in it."""
    now = datetime.now(UTC)
    old, due = now - timedelta(days=40), now - timedelta(days=10)
    changes = ScanChanges(
        against="the run", since=now - timedelta(days=1), was=GateResult.PASSED, new=1, fixed=2
    )
    return Digest(
        run="0" * 32,
        as_of=now,
        result=GateResult.FAILED,
        exit_code=1,
        reasons=("1 violation of severity high or worse",),
        reasons_total=1,
        organizations=("example",),
        organizations_total=1,
        policies=("sentry-baseline 1.0.0",),
        open={Severity.LOW: 0, Severity.MEDIUM: 0, Severity.HIGH: 1, Severity.CRITICAL: 0},
        overdue=1,
        changes=changes,
        gaps=(),
        gaps_total=0,
        worst=(
            WorstFinding(
                severity=Severity.HIGH,
                outcome=Outcome.FAIL,
                rule="key-max-age",
                subject="example/web: made-up key",
                message="made-up key is 412 days old",
                first_seen=old,
                due=due,
                is_overdue=True,
                url=None,
            ),
        ),
        is_test=True,
    )
