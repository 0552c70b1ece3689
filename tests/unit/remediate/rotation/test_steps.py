"""Steps of a rotation: in order, never early, and told apart from what only looks like one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.remediate.document import KeyTarget
from scanner.remediate.keys import KnownKey, Usage30
from scanner.remediate.rotation.names import LONGEST_NAME, Rotate, disabled_on
from scanner.remediate.rotation.steps import (
    ERRORS_ONLY,
    RotationStep,
    Waiting,
    next_step,
    successors,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOW = Rotate(grace=14 * DAY, quiet=7 * DAY, second_grace=30 * DAY)
OLD, NEW = "0a1b2c3d" + "0" * 24, "f" * 32
QUIET = Usage30(events=0, days=30, until=NOW)


def known(
    key_id: str = OLD, name: Any = "Prod", usage: Usage30 | None = QUIET, **fields: Any
) -> KnownKey:
    state = {
        "id": key_id,
        "name": name,
        "isActive": True,
        "rateLimit": {"count": 10, "window": 60},
        "browserSdkVersion": "8.x",
        "dynamicSdkLoaderOptions": {"hasReplay": True},
        "useCase": "user",
        "dateCreated": "2024-01-01T00:00:00Z",
        **fields,
    }
    target = KeyTarget(
        type="sentry_key", organization="acme", project="shop", id=key_id, name=state["name"]
    )
    return KnownKey(target, {k: v for k, v in state.items() if v is not ...}, usage, "https://dsn")


def successor(days: float = 14, **fields: Any) -> KnownKey:
    made = {"dateCreated": (NOW - days * DAY).isoformat()} | fields
    return known(NEW, "Prod (successor of 0a1b2c3d)", **made)


def step(
    old: KnownKey, *others: KnownKey, how: Rotate = HOW, as_of: datetime = NOW
) -> RotationStep:
    found = next_step(old, [old, *others], how, as_of)
    assert isinstance(found, RotationStep), found
    return found


def waits(old: KnownKey, *others: KnownKey, how: Rotate = HOW, as_of: datetime = NOW) -> Waiting:
    found = next_step(old, [old, *others], how, as_of)
    assert isinstance(found, Waiting), found
    return found


def test_the_first_step_makes_a_successor_like_the_old_key() -> None:
    found = step(known())
    assert found.step == "create"
    assert found.after == {
        "name": "Prod (successor of 0a1b2c3d)",
        "rateLimit": {"count": 10, "window": 60},
        "browserSdkVersion": "8.x",
        "dynamicSdkLoaderOptions": {"hasReplay": True},
        "useCase": "user",
    }


def test_what_the_source_did_not_tell_is_not_made_up() -> None:
    found = step(known(useCase=..., browserSdkVersion=...))
    assert found.after is not None
    assert set(found.after) == {"name", "rateLimit", "dynamicSdkLoaderOptions"}
    assert any("browserSdkVersion, useCase" in note for note in found.notes)


def test_a_successor_is_adopted_whatever_became_of_the_old_name() -> None:
    assert waits(known(name="Renamed"), successor(days=1)).code == "rotation"


@pytest.mark.parametrize("field", ["isActive", "rateLimit", "name"])
def test_what_has_to_be_known_is_asked_for(field: str) -> None:
    missing: dict[str, Any] = {field: ...}
    found = waits(known(**missing))
    assert found.code == "unknown-state"
    assert field in found.reason


def test_during_the_grace_the_dsn_is_told() -> None:
    found = waits(known(), successor(days=13.99))
    assert "not disabled before 2026-06-01 12:14:24 UTC" in found.reason
    assert found.reason.endswith("Its DSN: https://dsn")


def test_after_the_grace_a_quiet_key_is_disabled() -> None:
    found = step(known(), successor())
    assert found.step == "disable"
    assert found.after == {"isActive": False, "name": "Prod (disabled 2026-06-01)"}
    assert ERRORS_ONLY in found.notes
    assert any("not seen to receive errors either" in note for note in found.notes)


@pytest.mark.parametrize(
    ("usage", "why"),
    [
        (None, "without usage statistics"),
        (Usage30(0, 30, NOW - 1.01 * DAY), "fetch them again"),
        (Usage30(0, 6, NOW), "cover 6 days of the 7 days asked for"),
        (Usage30(3, 30, NOW), "received 3 errors in 30 days"),
        (Usage30(3, 30, NOW, NOW - 6.9 * DAY), "received errors until 2026-05-25"),
        (Usage30(3, 30, NOW, NOW + DAY / 2), "received errors until 2026-06-01 12:00:00"),
    ],
)
def test_a_key_that_may_receive_events_is_not_disabled(usage: Usage30 | None, why: str) -> None:
    assert why in waits(known(usage=usage), successor()).reason
    disabled = known(name="Prod (disabled 2020-01-01)", isActive=False, usage=usage)
    assert why in waits(disabled, successor()).reason


def test_events_before_the_quiet_days_do_not_count() -> None:
    assert step(known(usage=Usage30(3, 30, NOW, NOW - 7 * DAY)), successor()).step == "disable"


def test_a_successor_that_takes_no_events_stops_the_rotation() -> None:
    for active in (False, ...):
        assert "not known to be active" in waits(known(), successor(isActive=active)).reason


def test_a_successor_without_a_date_stops_the_rotation() -> None:
    for told in (None, ...):
        assert waits(known(), successor(dateCreated=told)).code == "unknown-state"


def test_after_the_second_grace_the_key_is_deleted() -> None:
    found = step(known(name="Prod (disabled 2026-05-01)", isActive=False), successor())
    assert (found.step, found.after) == ("delete", None)
    early = waits(known(name="Prod (disabled 2026-05-02)", isActive=False), successor())
    assert "not deleted before 2026-06-02 00:00:00" in early.reason


def test_a_disabled_key_without_a_date_is_left() -> None:
    for name in ("Prod", "Prod (disabled 2026-02-30)"):
        assert (
            "does not tell since when"
            in waits(known(name=name, isActive=False), successor()).reason
        )


def test_an_inactive_key_without_a_successor_gets_none() -> None:
    assert waits(known(isActive=False)).code == "already-so"


def test_two_successors_or_two_short_ids_are_for_people() -> None:
    twin = known("e" * 32, "Prod (successor of 0a1b2c3d)")
    assert "2 successors" in waits(known(), successor(), twin).reason
    assert waits(known(), known(OLD[:8] + "9" * 24)).code == "ambiguous"


def test_a_successor_is_rotated_under_the_first_name() -> None:
    second = known(NEW, "Prod (successor of 0a1b2c3d)")
    assert HOW.successor_of(second.name, NEW) == "Prod (successor of ffffffff)"


@given(st.text(max_size=100), st.sampled_from([HOW.name, "{key}: {name}", "after {key}"]))
def test_a_successor_is_known_by_the_name_that_it_is_given(name: str, scheme: str) -> None:
    how = Rotate(name=scheme)
    old = known(name=name or "x")
    made = how.successor_of(old.name, OLD)
    assert len(made) <= LONGEST_NAME
    assert made == made.strip()
    assert len(successors(old, [old, known(NEW, made)], how)) == 1
    assert how.successor_of(old.name, OLD) == made


@pytest.mark.parametrize(
    "scheme", ["{name}", "x", "{key}{key} x", "{key} {x}", "{key}", " a {key}", "{key}" + "x" * 60]
)
def test_schemes_that_lose_the_successor_are_refused(scheme: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Rotate(name=scheme)


def test_days_of_names() -> None:
    assert str(disabled_on("a (disabled 2026-01-31)")) == "2026-01-31"
    assert disabled_on("a (disabled 2026-01-31) b") is None


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_event_is_lost_while_traffic_moves_over(data: st.DataObject) -> None:
    """Over months, with any gaps in the traffic that are shorter than the quiet days."""
    hour = timedelta(hours=1)
    how = Rotate(
        grace=data.draw(st.integers(0, 20)) * DAY,
        quiet=data.draw(st.integers(2, 10)) * DAY,
        second_grace=data.draw(st.integers(0, 20)) * DAY,
    )
    start = NOW - 200 * DAY
    moments = [start]
    for gap in data.draw(st.lists(st.integers(1, int(how.quiet / hour) - 24), max_size=40)):
        moments.append(moments[-1] + gap * hour)
    state = known().state
    keys = {OLD: dict(state)}
    lost, steps, now = 0, [], start
    while now < NOW and OLD in keys:
        last_look, now = now, now + data.draw(st.integers(1, 60)) * hour
        if not keys[OLD]["isActive"]:
            lost += sum(last_look < moment <= now for moment in moments)
        told = [
            known(one, usage=_statistics(moments if one == OLD else [], now), **fields)
            for one, fields in (
                (k, {f: v for f, v in s.items() if f != "id"}) for k, s in keys.items()
            )
        ]
        old = next(one for one in told if one.target.id == OLD)
        found = next_step(old, told, how, now)
        if not isinstance(found, RotationStep):
            continue
        steps.append((found.step, now))
        if found.step == "create":
            assert found.after is not None
            keys[NEW] = {**state, **found.after, "id": NEW, "dateCreated": now.isoformat()}
        elif found.after is None:
            del keys[OLD]
        else:
            keys[OLD] |= found.after
    assert lost == 0
    assert [name for name, _ in steps] == ["create", "disable", "delete"]
    (_, made), (_, disabled), (_, deleted) = steps
    assert disabled - made >= how.grace
    assert disabled - moments[-1] >= how.quiet
    assert deleted - disabled >= how.second_grace


def _statistics(moments: list[datetime], now: datetime) -> Usage30:
    """What the server tells at a moment: events of thirty days, by the day."""
    seen = [one for one in moments if now - 30 * DAY <= one <= now]
    last = max((one.date() for one in seen), default=None)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + DAY if last else None
    return Usage30(len(seen), 30, now, end)
