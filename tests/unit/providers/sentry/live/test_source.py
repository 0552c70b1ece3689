"""The live source against servers that behave."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import FetchError, UsageError
from scanner.http.retry import RetryPolicy
from scanner.inventory.source import LiveSettings
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Layout, Needs, Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.source import SentrySource
from tests.simulator import (
    CANARY,
    GLITCHTIP,
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Limits,
    Simulator,
    World,
    faults,
    make_world,
)
from tests.unit.providers.sentry.live.fetching import envelopes, expected_keys, fetch, table

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.inventory.progress import FetchProgress, FetchStats

COMPLETE = CoverageState.COMPLETE
PARTIAL = CoverageState.PARTIAL


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
def test_every_key_arrives_with_its_project(world: World, output: Path, flavour: Flavour) -> None:
    with Simulator(world, flavour=flavour) as simulator:
        report = fetch(simulator, output)
    assert table(output, "sentry_key") == expected_keys(world)
    assert len(table(output, "sentry_project")) == 12
    assert [line["record"]["slug"] for line in envelopes(output, "sentry_organization")] == ["acme"]
    assert {name: (c.state, c.rows) for name, c in report.coverage.items()} == {
        "sentry_organization": (COMPLETE, 1),
        "sentry_project": (COMPLETE, 12),
        "sentry_key": (COMPLETE, 36),
    }
    assert report.sources == (f"sentry {simulator.url} organization acme",)


def test_the_whole_listing_needs_two_requests_a_hundred_keys(output: Path) -> None:
    world = make_world(projects=2, keys=150)
    with Simulator(world) as simulator:
        report = fetch(simulator, output)
    assert simulator.routes == {
        "index": 1,
        "organizations": 1,
        "projects": 2,
        "organization_keys": 4,
    }
    assert report.stats.requests == 8
    assert report.stats.bytes > 100_000
    assert report.stats.retries == 0


def test_no_module_is_looked_for_with_each_request(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str] = []

    class Finder:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            looked_for.append(name)

    with Simulator(make_world(projects=2, keys=4)) as simulator:
        fetch(simulator, output)  # imports what it needs
        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
        fetch(simulator, output)
    assert looked_for == []


def test_glitchtip_is_read_too(world: World, output: Path) -> None:
    with Simulator(world, flavour=GLITCHTIP) as simulator:
        report = fetch(simulator, output)
    assert len(table(output, "sentry_key")) == 36
    assert report.coverage["sentry_key"].state is COMPLETE
    assert "isActive" not in envelopes(output, "sentry_key")[0]["record"]


def test_no_secret_reaches_the_file(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        fetch(simulator, output)
    assert CANARY not in output.read_text(encoding="utf-8")


def test_collect_points_to_the_file_in_the_workspace(world: World, tmp_path: Path) -> None:
    with Simulator(world) as simulator:
        source = SentrySource(LiveSettings(simulator.url + "/api/0/", Token(world.token)))
        inventory = source.collect(Scope(), Needs.of(["sentry_key"]), tmp_path)
    (file,) = inventory.inputs
    assert file.path.parent == tmp_path
    assert (file.layout, file.label) == (Layout.INVENTORY_LINES, simulator.url)
    assert inventory.coverage == {}


def test_keys_are_not_asked_for_where_no_rule_reads_them(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        report = fetch(simulator, output, tables=frozenset({"sentry_project"}))
    assert simulator.routes.keys() == {"index", "organizations", "projects"}
    assert "sentry_key" not in report.coverage


def test_a_table_that_no_server_has_is_absent(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        report = fetch(simulator, output, tables=frozenset({"sentry_key", "sentry_team"}))
    assert report.coverage["sentry_team"].state is CoverageState.ABSENT


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
def test_the_status_filter_is_passed_on_and_told(
    world: World, output: Path, flavour: Flavour
) -> None:
    with Simulator(world, flavour=flavour) as simulator:
        report = fetch(simulator, output, status="inactive")
    inactive = {key.public for key in world.keys if not key.active}
    assert table(output, "sentry_key").keys() == inactive
    assert report.coverage["sentry_key"].state is PARTIAL
    assert "inactive" in report.coverage["sentry_key"].reason
    assert report.warnings == ("Only inactive keys were asked for.",)


def test_an_unknown_status_is_refused_before_any_request(world: World, output: Path) -> None:
    with Simulator(world) as simulator, pytest.raises(UsageError, match="disabled"):
        fetch(simulator, output, status="disabled")
    assert simulator.requests == 0


def test_all_organizations_of_the_token_are_fetched(output: Path) -> None:
    world = make_world(projects=9, keys=90, organizations=3)
    with Simulator(world) as simulator:
        report = fetch(simulator, output)
    assert table(output, "sentry_key") == expected_keys(world)
    assert len(report.sources) == 3


def test_a_named_organization_is_fetched_alone(output: Path) -> None:
    world = make_world(projects=9, keys=90, organizations=3)
    with Simulator(world) as simulator:
        fetch(simulator, output, scope=Scope(organizations=("globex",)))
    assert {org for org, _ in table(output, "sentry_key").values()} == {"globex"}


def test_an_unknown_organization_is_named_with_those_that_exist(world: World, output: Path) -> None:
    with Simulator(world) as simulator, pytest.raises(FetchError, match="'nope'") as error:
        fetch(simulator, output, scope=Scope(organizations=("nope",)))
    assert "acme" in error.value.remedy
    assert not output.exists()


def test_one_unknown_organization_among_others_is_a_gap(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        report = fetch(simulator, output, scope=Scope(organizations=("acme", "nope")))
    assert report.coverage["sentry_key"].state is PARTIAL
    assert [gap.organization for gap in report.coverage["sentry_key"].gaps] == ["nope"]
    assert table(output, "sentry_key") == expected_keys(world)


class TestLimits:
    def test_a_limit_of_requests_is_kept_without_a_refusal(self, output: Path) -> None:
        world = make_world(projects=45, keys=60)
        limits = Limits(requests=30, concurrent=6)
        with Simulator(world, flavour=SELF_HOSTED_23_7, limits=limits) as simulator:
            report = fetch(simulator, output)
        assert simulator.throttled == 0
        assert simulator.peak <= 6 + 2  # the limit is for each endpoint
        assert table(output, "sentry_key") == expected_keys(world)
        assert report.stats.throttled == 0

    def test_limits_that_nobody_tells_of_are_survived(self, output: Path) -> None:
        world = make_world(projects=40, keys=60)
        limits = Limits(requests=25, concurrent=3, headers=False)
        with Simulator(world, flavour=SELF_HOSTED_23_7, limits=limits, latency=0.01) as simulator:
            report = fetch(simulator, output, retry=RetryPolicy(first_wait=0.05))
        assert table(output, "sentry_key") == expected_keys(world)
        assert report.coverage["sentry_key"].state is COMPLETE


class Recorder:
    def __init__(self) -> None:
        self.seen: list[FetchProgress] = []
        self.stats: list[FetchStats | None] = []

    def update(self, progress: FetchProgress) -> None:
        self.seen.append(progress)

    def finish(self, stats: FetchStats | None) -> None:
        self.stats.append(stats)


def test_progress_is_told_up_to_the_end(world: World, output: Path) -> None:
    recorder = Recorder()
    with Simulator(world) as simulator:
        fetch(simulator, output, progress=recorder)
    last = recorder.seen[-1]
    assert (last.organizations, last.organizations_total) == (1, 1)
    assert (last.projects, last.projects_total) == (12, 12)
    assert (last.keys, last.requests, last.waiting_until) == (36, 6, None)
    counts = [progress.requests for progress in recorder.seen]
    assert counts == sorted(counts)


def test_a_wait_is_told_with_its_end(world: World, output: Path) -> None:
    recorder = Recorder()
    script = [faults.status(503, "project-keys", times=1, headers={"Retry-After": "1"})]
    with Simulator(world, faults=script) as simulator:
        fetch(simulator, output, progress=recorder)
    assert any(progress.waiting_until for progress in recorder.seen)
    assert recorder.seen[-1].waiting_until is None
