from datetime import date, datetime

import msgspec
import pytest

from scanner.base.errors import Location
from scanner.model.waiver import Waiver, WaiverState, WaiverUse
from tests.unit.engine.support import rule

WAIVER = Waiver(
    id="w",
    rules=("r",),
    reason="r",
    owner="o",
    approved_by="a",
    created=date(2026, 3, 1),
    expires=date(2026, 3, 31),
    location=Location("w.yaml"),
)


@pytest.mark.parametrize(
    ("moment", "state", "left"),
    [
        ("2026-02-27T23:59:59+00:00", WaiverState.PENDING, 32),
        ("2026-02-28T00:00:00+00:00", WaiverState.ACTIVE, 31),
        ("2026-03-17T00:00:00+00:00", WaiverState.EXPIRING, 14),
        ("2026-03-16T23:59:59+00:00", WaiverState.ACTIVE, 15),
        ("2026-03-31T23:59:59.999999+00:00", WaiverState.EXPIRING, 0),
        ("2026-04-01T00:00:00+00:00", WaiverState.LAPSED, -1),
        ("2026-04-01T05:00:00+09:00", WaiverState.EXPIRING, 0),
        ("2026-03-31T20:00:00-05:00", WaiverState.LAPSED, -1),
    ],
)
def test_the_state_at_a_moment(moment: str, state: WaiverState, left: int) -> None:
    at = datetime.fromisoformat(moment)
    assert WAIVER.state(at, 14) is state
    assert WAIVER.days_left(at) == left
    assert state.holds == (state in {WaiverState.ACTIVE, WaiverState.EXPIRING})


@pytest.mark.parametrize(
    ("rules", "policy", "concerned"),
    [
        (("r",), None, True),
        (("q", "r"), "p", True),
        (("r",), "q", False),
        (("q",), None, False),
        ((), "p", True),
        ((), "q", False),
    ],
)
def test_the_rules_that_it_is_about(
    rules: tuple[str, ...], policy: str | None, *, concerned: bool
) -> None:
    waiver = msgspec.structs.replace(WAIVER, rules=rules, policy=policy)
    assert waiver.concerns(rule("true", name="r")) is concerned  # of policy p


@pytest.mark.parametrize(
    ("state", "findings", "whole", "unused"),
    [
        (WaiverState.ACTIVE, 0, True, True),
        (WaiverState.LAPSED, 0, True, True),
        (WaiverState.ACTIVE, 1, True, False),
        (WaiverState.ACTIVE, 0, False, False),
        (WaiverState.PENDING, 0, True, False),
    ],
)
def test_unused(state: WaiverState, findings: int, *, whole: bool, unused: bool) -> None:
    use = WaiverUse(WAIVER, state, 1, 3, findings, findings, whole)
    assert use.is_unused is unused
