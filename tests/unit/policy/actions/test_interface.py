"""Usage by the hour, and what holds for every action."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.policy.actions import ACTIONS, get_action, get_actions, state_reader
from scanner.policy.actions.interface import KeyUsage
from scanner.policy.language.arguments import read_fix
from scanner.policy.language.scope import ParameterScope


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_documented_and_its_example_is_sound(name: str) -> None:
    action = get_action(name)
    assert action.name == name
    assert action.summary.endswith(".")
    assert action.description.endswith(".")
    assert action.resource in TABLES
    source = YamlFile("example", action.example.encode())
    data: Any = source.data
    scope = ParameterScope({})
    use, problems = read_fix(source, ("fix",), data["fix"], scope)
    assert problems == scope.problems == []
    assert use is not None
    assert use.arguments is not None
    assert all(slot.description for slot in action.slots().values())


def test_an_action_needs_only_what_a_state_can_tell() -> None:
    for action in get_actions():
        reader = state_reader(action.resource)
        fields = reader.blank if reader else {}
        assert set(action.needs) <= set(fields), action.name
        assert set(action.merges) <= set(fields), action.name


def test_the_busiest_window() -> None:
    usage = KeyUsage((1, 5, 0, 2, 0))
    assert usage.accepted == 8
    assert usage.busiest(3_600) == 5
    assert usage.busiest(60) == 1  # 5 * 60 / 3600, rounded up
    # A window of two hours that begins within one meets three.
    assert usage.busiest(7_200) == 7
    assert usage.busiest(86_400) == 8
    assert KeyUsage(()).busiest(3_600) == 0
    assert KeyUsage((0,) * 721).days == 30


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(1, 86_400), st.integers(1, 86_400))
def test_a_longer_window_never_holds_less(hours: list[int], one: int, other: int) -> None:
    usage = KeyUsage(tuple(hours))
    assert usage.busiest(min(one, other)) <= usage.busiest(max(one, other)) <= usage.accepted
