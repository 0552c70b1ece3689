"""What keys accept by the hour: told where it can be, and otherwise why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.inventory.source import LiveSettings
from scanner.model.token import Token
from scanner.policy.actions.interface import KeyUsage
from scanner.providers.sentry.live.source import SentrySource
from scanner.remediate.proposals import Metered
from tests.simulator import CANARY, Simulator, World, make_world
from tests.unit.providers.sentry.live.fetching import FAST

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def world() -> World:
    made = make_world(projects=2, keys=2)
    for number, key in enumerate(made.keys):
        key.daily = (10 * (number + 1), 3, 2)
    return made


def ask(
    simulator: Simulator, keys: list[tuple[str, str, str]], token: str = ""
) -> Mapping[str, KeyUsage | str]:
    shown = Token(token or simulator.world.token)
    source = SentrySource(LiveSettings(url=simulator.url, token=shown, retry=FAST))
    assert isinstance(source, Metered)
    return source.usage(keys)


def places(world: World) -> list[tuple[str, str, str]]:
    slug = world.organization.slug
    return [(slug, one.slug, key.public) for one in world.projects for key in one.keys]


def test_thirty_days_by_the_hour_one_request_a_key(world: World) -> None:
    keys = places(world)
    with Simulator(world) as simulator:
        found = ask(simulator, [*keys, keys[0]])
        routes = simulator.routes
    assert set(found) == {key for _, _, key in keys}
    for key in world.keys:
        usage = found[key.public]
        assert isinstance(usage, KeyUsage)
        assert len(usage.hours) in {720, 721}
        assert usage.busiest(3_600) == key.daily[0]
        assert usage.accepted == 30 * key.daily[0]
        assert usage.days == 30
    assert sum(n for route, n in routes.items() if "stats" in route) == len(keys)


def test_a_key_that_is_gone_keeps_the_others(world: World) -> None:
    keys = places(world)
    slug, project, _ = keys[0]
    with Simulator(world) as simulator:
        found = ask(simulator, [*keys, (slug, project, "f" * 32), ("nowhere", "x", "e" * 32)])
    assert isinstance(found[keys[0][2]], KeyUsage)
    for missing in ("f" * 32, "e" * 32):
        why = found[missing]
        assert isinstance(why, str)
        assert why
        assert CANARY not in why


def test_a_wrong_token_is_told_for_each_key(world: World) -> None:
    keys = places(world)
    with Simulator(world) as simulator:
        found = ask(simulator, keys, token="sntryu_" + "0" * 64)
    assert all(isinstance(one, str) and one for one in found.values())
    assert "0" * 64 not in str(found)
