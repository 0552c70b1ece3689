"""Gaps by the thousand, as a token has them that may read no project."""

from scanner.http.failure import ApiError, Reason
from scanner.inventory.ledger import Ledger
from scanner.model.coverage import CoverageState


def test_noting_many_gaps_takes_no_longer_than_they_are_many() -> None:
    denied = ApiError(Reason.FORBIDDEN, "no")
    ledger, whole = Ledger(), Ledger()
    many = 40_000  # by their square, they would take longer than any test may
    for _ in range(2):
        for number in range(many):
            ledger.failed(["sentry_key"], denied, organization="acme", project=f"p{number:05}")
    whole.take(ledger)
    coverage = whole.coverage("sentry_key")
    assert coverage.state is CoverageState.DENIED
    assert [gap.project for gap in coverage.gaps] == [f"p{n:05}" for n in range(many)]
