"""What each action makes of a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.actions import get_action
from scanner.policy.actions.interface import KeyUsage, NotPossibleError, Proposal, Situation

STATE: dict[str, Any] = {
    "id": "a" * 32,
    "public": "b" * 32,
    "name": "web",
    "isActive": True,
    "rateLimit": None,
    "browserSdkVersion": "7.x",
    "dynamicSdkLoaderOptions": {"hasDebug": True, "hasReplay": True},
}


def proposal(
    name: str,
    arguments: dict[str, Any],
    state: dict[str, Any] | None = None,
    usage: KeyUsage | None = None,
    headroom: float = 2.0,
) -> Proposal:
    action = get_action(name)
    situation = Situation(
        organization="acme",
        project="shop",
        state=STATE | (state or {}),
        usage=usage,
        headroom=headroom,
    )
    return action.propose(action.arguments(**arguments), situation)


def limit(count: int, window: int = 3_600) -> dict[str, Any]:
    return {"rateLimit": {"count": count, "window": window}}


def hours(*busy: int) -> KeyUsage:
    return KeyUsage((0,) * (720 - len(busy)) + busy)


def test_without_statistics_the_policys_count_stands() -> None:
    made = proposal("set_rate_limit", {"count": 1000})
    assert made.after == limit(1000)
    assert not made.is_checked
    assert made.notes[0].startswith("usage was not looked at: 1,000 in 1h")


def test_a_limit_that_is_no_higher_already_lets_nothing_more_through() -> None:
    assert proposal("set_rate_limit", {"count": 1000}, limit(10)).is_checked
    assert not proposal("set_rate_limit", {"count": 1000}, limit(1001)).is_checked
    assert not proposal("set_rate_limit", {"count": 1000}, limit(10, 60)).is_checked


@pytest.mark.parametrize(
    ("busiest", "headroom", "count"),
    [
        (0, 2, 100),  # nothing is in use: the least
        (49, 2, 100),
        (51, 2, 110),  # 102, rounded up to two figures
        (400, 2, 800),
        (333, 2, 670),
        (333, 1, 340),
        (600, 2, 1000),  # the policy's count is the most
        (1000, 2, 1000),
    ],
)
def test_the_limit_leaves_room_above_the_busiest_hour(
    busiest: int, headroom: float, count: int
) -> None:
    made = proposal("set_rate_limit", {"count": 1000}, usage=hours(3, busiest), headroom=headroom)
    assert made.after == limit(count)
    assert made.is_checked


def test_what_is_in_use_is_never_cut_off() -> None:
    with pytest.raises(NotPossibleError, match="accepted 1,001 events in its busiest 1h") as error:
        proposal("set_rate_limit", {"count": 1000}, usage=hours(1001))
    assert error.value.code == "in-use"


def test_within_an_hour_nothing_is_certain() -> None:
    arguments = {"count": 100, "window": timedelta(minutes=1)}
    made = proposal("set_rate_limit", arguments, usage=hours(600))
    assert made.after == limit(100, 60)
    assert not made.is_checked
    assert "statistics are by the hour" in made.notes[-1]


@given(
    st.lists(st.integers(0, 3_000), min_size=1, max_size=48),
    st.integers(1, 5_000),
    st.integers(1, 400),
    st.floats(1, 10),
    st.sampled_from([3_600, 7_200, 86_400]),
)
def test_a_planned_limit_is_never_below_what_was_in_use_nor_above_the_policys(
    busy: list[int], count: int, least: int, headroom: float, window: int
) -> None:
    usage = KeyUsage(tuple(busy))
    arguments = {"count": count, "least": least, "window": timedelta(seconds=window)}
    try:
        made = proposal("set_rate_limit", arguments, usage=usage, headroom=headroom)
    except NotPossibleError:
        assert usage.busiest(window) > count
        return
    assert made.after is not None
    assert usage.busiest(window) <= made.after["rateLimit"]["count"] <= count
    assert made.is_checked


def test_simple_actions() -> None:
    assert proposal("disable", {}).after == {"isActive": False}
    assert proposal("enable", {}).after == {"isActive": True}
    assert proposal("delete", {}).after is None
    assert proposal("set_sdk_version", {"version": "10.x"}).after == {"browserSdkVersion": "10.x"}


def test_only_the_options_that_are_given_are_proposed() -> None:
    made = proposal("set_loader_options", {"debug": False, "logs_and_metrics": True})
    options = {"hasDebug": False, "hasLogsAndMetrics": True}
    assert made.after == {"dynamicSdkLoaderOptions": options}
    with pytest.raises(ValueError, match="it needs one of replay"):
        proposal("set_loader_options", {})


def test_names_are_made_of_what_the_key_is() -> None:
    to = "{organization}-{project}-{name}-{public}"
    assert proposal("rename", {"to": to}).after == {"name": f"acme-shop-web-{'b' * 8}"}
    with pytest.raises(NotPossibleError, match="65 characters, not 1 to 64"):
        proposal("rename", {"to": "x" * 65})
    with pytest.raises(NotPossibleError, match=r"\{public\}"):
        proposal("rename", {"to": "{public}"}, {"public": ""})


def test_a_new_key() -> None:
    made = proposal("create", {"name": "web", "count": 10, "window": timedelta(minutes=1)})
    assert made.after == {"name": "web", **limit(10, 60)}
    assert proposal("create", {"name": "web"}).after == {"name": "web", "rateLimit": None}


@pytest.mark.parametrize("name", [" web", "web ", "\tweb\n", "web"])
def test_a_new_name_is_what_the_server_keeps_of_it(name: str) -> None:
    for action, arguments in (("create", {"name": name}), ("rename", {"to": name})):
        after = proposal(action, arguments, {"name": "old"}).after
        assert after is not None
        assert after["name"] == "web"


def test_a_key_is_not_made_of_a_name_of_spaces() -> None:
    with pytest.raises(ValueError, match="more than spaces"):
        get_action("create").arguments(name=" \t ")
