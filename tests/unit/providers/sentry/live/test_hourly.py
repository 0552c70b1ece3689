"""What keys receive by the hour and day: told where it can be, and otherwise why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from scanner.catalogue import COSTLY
from scanner.http.failure import ApiError
from scanner.inventory.source import LiveSettings
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Needs
from scanner.model.token import Token
from scanner.policy.actions.interface import KeyUsage
from scanner.providers.sentry.fix.remote import SentryRemote
from scanner.providers.sentry.live.source import SentrySource
from scanner.providers.sentry.live.usage import Period
from scanner.remediate.document import KeyTarget
from scanner.remediate.proposals import Metered
from tests.simulator import CANARY, Simulator, World, faults, make_world
from tests.unit.providers.sentry.live.fetching import FAST, envelopes, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Rows = list[dict[str, Any]]


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


SPOILED: dict[str, Callable[[Rows], Rows]] = {
    "nothing": lambda _: [],
    "the beginning": lambda rows: rows[:3],
    "the end": lambda rows: rows[3:],
    "not the middle": lambda rows: [*rows[:5], *rows[6:]],
    "one of them twice": lambda rows: [rows[0], *rows],
    "backwards": lambda rows: rows[::-1],
    "no times": lambda rows: [{k: v for k, v in row.items() if k != "ts"} for row in rows],
    "another year": lambda rows: [{**row, "ts": row["ts"] - 31_536_000} for row in rows],
    "years to come": lambda rows: (
        rows
        + [
            {**rows[-1], "ts": rows[-1]["ts"] + n * (rows[1]["ts"] - rows[0]["ts"])}
            for n in range(1, 100)
        ]
    ),
    "times without an end": lambda rows: [*rows[:-1], {**rows[-1], "ts": 10**300}],
    "a count short": lambda rows: [
        {k: v for k, v in row.items() if k != "dropped"} for row in rows
    ],
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_not_told_of_all_the_time_is_not_known(
    world: World, tmp_path: Path, name: str
) -> None:
    (slug, project, key), *_ = places(world)
    target = KeyTarget(type="sentry_key", organization=slug, project=project, id=key)
    script = [faults.records(SPOILED[name], "/stats/")]
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, faults=script) as simulator:
        report = fetch(simulator, output, needs=Needs({"sentry_key": COSTLY["sentry_key"]}))
        by_hour = ask(simulator, places(world))
        live = LiveSettings(url=simulator.url, token=Token(world.token), retry=FAST)
        with SentryRemote(live) as remote, pytest.raises(ApiError, match="statistics"):
            remote.received(target, datetime.now(UTC) - timedelta(days=1))
    assert report.coverage["sentry_key"].state is CoverageState.PARTIAL
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))
    assert all(isinstance(one, str) and "statistics" in one for one in by_hour.values())


BEGIN = datetime(2026, 6, 1, 10, 50, tzinfo=UTC)


def _rows(first: datetime, last: datetime, hours: int = 1) -> list[Any]:
    step = hours * 3_600
    times = range(int(first.timestamp()), int(last.timestamp()) + 1, step)
    return [{"ts": ts, "total": 3, "accepted": 1, "dropped": 0, "filtered": 2} for ts in times]


def test_the_hour_that_the_time_begins_in_is_asked_for_as_a_whole() -> None:
    """Sentry leaves the hour out whose part it is asked for: it counts back from the last one."""
    period = Period(BEGIN, BEGIN + timedelta(hours=2), "1h")
    asked = datetime.fromtimestamp(int(period.query["since"]), UTC)
    assert asked == BEGIN.replace(minute=0)
    told = period.read(_rows(asked - timedelta(hours=5), BEGIN + timedelta(hours=2)))
    assert [datetime.fromtimestamp(one.ts, UTC).hour for one in told] == [10, 11, 12]
    assert sum(one.events for one in told) == 9
    with pytest.raises(ApiError, match="all the time"):
        period.read(_rows(asked + timedelta(hours=1), BEGIN + timedelta(hours=2)))


@pytest.mark.parametrize(("minute", "is_told"), [(2, True), (30, False)])
def test_an_hour_that_has_not_begun_at_the_server_is_not_missed(
    minute: int, *, is_told: bool
) -> None:
    hour = datetime(2026, 6, 1, 12, tzinfo=UTC)
    period = Period(hour - timedelta(days=1), hour + timedelta(minutes=minute), "1h")
    rows = _rows(hour - timedelta(days=1), hour - timedelta(hours=1))
    if is_told:
        assert len(period.read(rows)) == 24
    else:
        with pytest.raises(ApiError, match="all the time"):
            period.read(rows)


def test_times_may_be_written_with_a_point_and_days_without_events_count() -> None:
    day = datetime(2026, 6, 1, tzinfo=UTC)
    period = Period(day, day + timedelta(days=1), "1d")
    rows = [
        {"ts": one["ts"] + 0.0, "accepted": 0, "dropped": 0, "filtered": 0}
        for one in _rows(day, day + timedelta(days=1), 24)
    ]
    assert [one.events for one in period.read(rows)] == [0, 0]
