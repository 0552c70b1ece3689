"""The live source against servers that behave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.inventory.retry import RetryPolicy
from scanner.inventory.sources.sentry import SentrySettings, SentrySource
from scanner.model.coverage import CoverageState
from scanner.model.errors import FetchError, UsageError
from scanner.model.inventory import Layout, Scope
from scanner.model.token import Token
from tests.simulator import (
    CANARY,
    GLITCHTIP,
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Limits,
    Simulator,
    TokenKind,
    World,
    faults,
    make_world,
)
from tests.unit.inventory.fetching import envelopes, fetch, table

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.inventory.progress import FetchProgress

COMPLETE = CoverageState.COMPLETE
PARTIAL = CoverageState.PARTIAL


def expected_keys(world: World) -> dict[str, tuple[str | None, str | None]]:
    return {
        key.public: (org.slug, project.slug)
        for org in world.organizations
        for project in org.projects
        for key in project.keys
    }


@pytest.fixture
def world() -> World:
    return make_world(projects=12, keys=150)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "inventory.jsonl"


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
        "sentry_key": (COMPLETE, 150),
    }
    assert report.sources == (f"sentry {simulator.url} organization acme",)


def test_the_whole_listing_needs_one_request_a_hundred_keys(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        report = fetch(simulator, output)
    assert simulator.routes == {
        "index": 1,
        "organizations": 1,
        "projects": 1,
        "organization_keys": 2,
    }
    assert report.stats.requests == 5
    assert report.stats.bytes > 100_000
    assert report.stats.retries == 0


def test_glitchtip_is_read_too(world: World, output: Path) -> None:
    with Simulator(world, flavour=GLITCHTIP) as simulator:
        report = fetch(simulator, output)
    assert len(table(output, "sentry_key")) == 150
    assert report.coverage["sentry_key"].state is COMPLETE
    assert "isActive" not in envelopes(output, "sentry_key")[0]["record"]


def test_no_secret_reaches_the_file(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        fetch(simulator, output)
    assert CANARY not in output.read_text(encoding="utf-8")


def test_collect_points_to_the_file_in_the_workspace(world: World, tmp_path: Path) -> None:
    with Simulator(world) as simulator:
        source = SentrySource(SentrySettings(simulator.url + "/api/0/", Token(world.token)))
        inventory = source.collect(Scope(), frozenset({"sentry_key"}), tmp_path)
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
        report = fetch(simulator, output, tables=frozenset({"sentry_key", "sentry_token"}))
    assert report.coverage["sentry_token"].state is CoverageState.ABSENT


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
def test_the_status_filter_is_passed_on_and_told(
    world: World, output: Path, flavour: Flavour
) -> None:
    with Simulator(world, flavour=flavour) as simulator:
        report = fetch(simulator, output, status="inactive")
    inactive = {key.public for key in world.keys if not key.active}
    assert table(output, "sentry_key").keys() == inactive
    assert report.coverage["sentry_key"].state is COMPLETE
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


class TestProjects:
    def test_few_are_asked_one_by_one(self, world: World, output: Path) -> None:
        chosen = world.projects[3]
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=Scope(projects=(chosen.slug,)))
        assert simulator.routes["organization_keys"] == 0
        assert table(output, "sentry_key").keys() == {key.public for key in chosen.keys}
        assert set(table(output, "sentry_project").values()) == {("acme", chosen.slug)}
        assert report.coverage["sentry_key"].state is COMPLETE

    def test_many_are_picked_from_the_whole_listing(self, world: World, output: Path) -> None:
        chosen = world.projects[:11]
        slugs = tuple(project.slug for project in chosen)
        with Simulator(world) as simulator:
            fetch(simulator, output, scope=Scope(projects=slugs))
        assert simulator.routes["keys"] == 0
        wanted = {key.public for project in chosen for key in project.keys}
        assert table(output, "sentry_key").keys() == wanted

    @pytest.mark.parametrize("tables", [{"sentry_key"}, {"sentry_project"}])
    def test_an_unknown_one_is_an_error(self, world: World, output: Path, tables: set[str]) -> None:
        with Simulator(world) as simulator, pytest.raises(FetchError, match="'nope' in acme"):
            fetch(simulator, output, scope=Scope(projects=("nope",)), tables=frozenset(tables))
        assert not output.exists()

    def test_an_unknown_one_among_others_is_a_gap(self, world: World, output: Path) -> None:
        scope = Scope(projects=("nope", world.projects[0].slug))
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=scope)
        (gap,) = report.coverage["sentry_key"].gaps
        assert (gap.project, report.coverage["sentry_key"].state) == ("nope", PARTIAL)

    def test_an_unknown_one_among_many_is_a_gap(self, world: World, output: Path) -> None:
        scope = Scope(projects=("nope", *(project.slug for project in world.projects)))
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=scope)
        assert [gap.project for gap in report.coverage["sentry_key"].gaps] == ["nope"]
        assert table(output, "sentry_key") == expected_keys(world)

    def test_a_renamed_one_is_followed(self, world: World, output: Path) -> None:
        project = world.projects[5]
        world.organization.renamed["old-name"] = project.slug
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=Scope(projects=("old-name",)))
        assert set(table(output, "sentry_key").values()) == {("acme", project.slug)}
        assert set(table(output, "sentry_project").values()) == {("acme", project.slug)}
        assert report.coverage["sentry_key"].state is COMPLETE
        assert report.warnings == (f"The project 'old-name' is now called {project.slug!r}.",)

    def test_one_is_found_in_the_organization_that_has_it(self, output: Path) -> None:
        world = make_world(projects=9, keys=90, organizations=3)
        chosen = world.organizations[1].projects[0]
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=Scope(projects=(chosen.slug,)))
        assert simulator.routes["keys"] == 1
        assert set(table(output, "sentry_key").values()) == {("globex", chosen.slug)}
        assert report.coverage["sentry_key"].state is COMPLETE


class TestAccess:
    def test_org_read_alone_is_enough_for_the_whole_listing(
        self, world: World, output: Path
    ) -> None:
        world.projects[0].keys.clear()
        token = world.add_token("org-only", "org:read")
        with Simulator(world) as simulator:
            report = fetch(simulator, output, token=token)
        assert report.coverage["sentry_key"].state is COMPLETE
        assert simulator.routes["keys"] == 0

    def test_org_read_alone_is_denied_where_projects_must_be_asked(
        self, world: World, output: Path
    ) -> None:
        token = world.add_token("org-only", "org:read")
        with Simulator(world, flavour=SELF_HOSTED_23_7) as simulator:
            report = fetch(simulator, output, token=token)
        assert report.coverage["sentry_project"].state is COMPLETE
        assert report.coverage["sentry_key"].state is CoverageState.DENIED
        assert "project:read" in report.coverage["sentry_key"].reason
        assert len(report.coverage["sentry_key"].gaps) == 12

    def test_project_read_alone_reads_named_projects(self, world: World, output: Path) -> None:
        token = world.add_token("project-only", "project:read")
        scope = Scope(organizations=("acme",), projects=(world.projects[2].slug,))
        with Simulator(world) as simulator:
            report = fetch(simulator, output, token=token, scope=scope)
        assert len(table(output, "sentry_key")) == len(world.projects[2].keys)
        assert report.coverage["sentry_key"].state is COMPLETE
        assert report.coverage["sentry_project"].state is CoverageState.DENIED

    def test_project_read_alone_cannot_find_out_what_there_is(
        self, world: World, output: Path
    ) -> None:
        token = world.add_token("project-only", "project:read")
        with Simulator(world) as simulator, pytest.raises(FetchError, match="may not") as error:
            fetch(simulator, output, token=token, scope=Scope(organizations=("acme",)))
        assert "org:read" in error.value.remedy

    @pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
    def test_a_project_out_of_reach_is_a_gap(
        self, world: World, output: Path, flavour: Flavour
    ) -> None:
        hidden = world.projects[4]
        hidden.accessible = hidden.member = False
        with Simulator(world, flavour=flavour) as simulator:
            report = fetch(simulator, output)
        assert report.coverage["sentry_key"].state is PARTIAL
        assert [g.project for g in report.coverage["sentry_key"].gaps] == [hidden.slug]
        assert len(table(output, "sentry_key")) == 150 - len(hidden.keys)

    def test_projects_of_other_teams_are_covered(self, world: World, output: Path) -> None:
        for project in world.projects[::2]:
            project.member = False
        with Simulator(world) as simulator:
            report = fetch(simulator, output)
        assert table(output, "sentry_key") == expected_keys(world)
        assert report.coverage["sentry_key"].state is COMPLETE

    def test_a_project_without_keys_is_asked_once_more(self, world: World, output: Path) -> None:
        world.projects[0].keys.clear()
        with Simulator(world) as simulator:
            report = fetch(simulator, output)
        assert simulator.routes["keys"] == 1
        assert report.coverage["sentry_key"].state is COMPLETE

    def test_an_organization_token_is_named_before_any_key_is_asked_for(
        self, world: World, output: Path
    ) -> None:
        token = world.add_token("sntrys_abcdef0123456789", kind=TokenKind.ORGANIZATION)
        with Simulator(world) as simulator, pytest.raises(FetchError, match="org:ci") as error:
            fetch(simulator, output, token=token)
        assert simulator.routes.keys() <= {"index", "organizations"}
        assert "integration" in error.value.remedy

    def test_a_token_without_any_useful_scope_is_told_what_it_has(
        self, world: World, output: Path
    ) -> None:
        token = world.add_token("events", "event:read", "alerts:read")
        with Simulator(world) as simulator, pytest.raises(FetchError, match="alerts:read"):
            fetch(simulator, output, token=token)

    @pytest.mark.parametrize(
        ("token", "said"),
        [("unknown", "Invalid token"), ("sntrys_x", "Invalid org token"), ("old", "Token expired")],
    )
    def test_a_refused_token_is_told_in_the_servers_words(
        self, world: World, output: Path, token: str, said: str
    ) -> None:
        world.add_token("old", expired=True)
        with Simulator(world) as simulator, pytest.raises(FetchError, match=said) as error:
            fetch(simulator, output, token=token)
        assert simulator.requests == 2
        assert token not in str(error.value)
        assert error.value.remedy

    def test_a_token_that_sees_no_organization_is_told(self, world: World, output: Path) -> None:
        token = world.add_token("lonely", "org:read", organizations=frozenset())
        with Simulator(world) as simulator, pytest.raises(FetchError, match="no organization"):
            fetch(simulator, output, token=token)


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

    def update(self, progress: FetchProgress) -> None:
        self.seen.append(progress)


def test_progress_is_told_up_to_the_end(world: World, output: Path) -> None:
    recorder = Recorder()
    with Simulator(world) as simulator:
        fetch(simulator, output, progress=recorder)
    last = recorder.seen[-1]
    assert (last.organizations, last.organizations_total) == (1, 1)
    assert (last.projects, last.projects_total) == (12, 12)
    assert (last.keys, last.requests, last.waiting_until) == (150, 5, None)
    counts = [progress.requests for progress in recorder.seen]
    assert counts == sorted(counts)


def test_a_wait_is_told_with_its_end(world: World, output: Path) -> None:
    recorder = Recorder()
    script = [faults.status(503, "project-keys", times=1, headers={"Retry-After": "1"})]
    with Simulator(world, faults=script) as simulator:
        fetch(simulator, output, progress=recorder)
    assert any(progress.waiting_until for progress in recorder.seen)
    assert recorder.seen[-1].waiting_until is None
