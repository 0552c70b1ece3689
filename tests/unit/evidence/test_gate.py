"""What a report tells of the gate is enough to have the gate again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from scanner.evidence.gate import settings_of, thresholds_of
from scanner.gate import OnUnknown, PolicyThresholds, Thresholds
from scanner.history.manifest import DamageError
from scanner.model.outcome import Severity
from scanner.model.run import GateSetting
from tests.unit.evidence.gates import settings_told

FAIL_ON = st.one_of(st.none(), st.sampled_from(Severity))
BUDGETS = st.dictionaries(st.sampled_from(Severity), st.integers(0, 999_999_999))
OWN = st.builds(
    PolicyThresholds,
    fail_on=st.one_of(st.just(UNSET), FAIL_ON),
    max_findings=st.one_of(st.just(UNSET), BUDGETS),
)


@given(
    st.builds(
        Thresholds,
        fail_on=FAIL_ON,
        on_unknown=st.sampled_from(OnUnknown),
        allow_partial=st.booleans(),
        max_findings=BUDGETS,
        policies=st.dictionaries(st.sampled_from(["mine", "a.b", "sentry-strict"]), OWN),
        overdue_only=st.booleans(),
        due_within=st.none() | st.integers(1, 366),
    )
)
def test_thresholds_come_back_as_they_were(thresholds: Thresholds) -> None:
    told = [
        {"name": one.name, "value": one.value, "origin": one.origin, "looser": one.is_looser}
        for one in settings_told(thresholds)
    ]
    settings = settings_of(told, "r")
    assert settings == settings_told(thresholds)
    assert thresholds_of(settings, "r") == thresholds


def test_what_is_no_setting_is_refused() -> None:
    for settings in ([], [GateSetting("fail_on", "nowhere", "-")]):
        with pytest.raises(DamageError, match="tells no settings"):
            thresholds_of(settings, "r")
