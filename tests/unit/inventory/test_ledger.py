"""Gaps by the thousand, as a token has them that may read no project."""

import time

from scanner.http.failure import ApiError, Reason
from scanner.inventory.ledger import Ledger
from scanner.model.coverage import CoverageState


def test_noting_many_gaps_takes_no_longer_than_they_are_many() -> None:
    denied = ApiError(Reason.FORBIDDEN, "no")
    started = time.perf_counter()
    ledger, whole = Ledger(), Ledger()
    for _ in range(2):
        for number in range(10_000):
            ledger.failed(["sentry_key"], denied, organization="acme", project=f"p{number:05}")
    whole.take(ledger)
    coverage = whole.coverage("sentry_key")
    assert time.perf_counter() - started < 5
    assert coverage.state is CoverageState.DENIED
    assert [gap.project for gap in coverage.gaps] == [f"p{n:05}" for n in range(10_000)]
