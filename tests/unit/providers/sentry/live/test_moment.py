"""A complete fetch equals the world at some moment, whatever happens between its requests."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.base.errors import FetchError
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from tests.simulator import (
    GLITCHTIP,
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Organization,
    Simulator,
    faults,
    make_world,
)
from tests.simulator.changes import Change, Changes
from tests.unit.providers.sentry.live.fetching import envelopes, fetch

if TYPE_CHECKING:
    from tests.simulator import World
    from tests.simulator.changes import Facts

COMPLETE, PARTIAL = CoverageState.COMPLETE, CoverageState.PARTIAL
BOTH_WAYS = [TODAY, SELF_HOSTED_23_7]
SHORT_PAGES = [replace(flavour, longest_page=10) for flavour in BOTH_WAYS]
SHORT = SHORT_PAGES[0]


def read(path: Path) -> Facts:
    projects = frozenset(
        (r["id"], r["slug"], r["name"], r["isBookmarked"])
        for r in (line["record"] for line in envelopes(path, "sentry_project"))
    )
    keys = frozenset(
        (line["record"]["id"], line["record"]["isActive"], line["project"])
        for line in envelopes(path, "sentry_key")
    )
    return projects, keys


def busy(made: Changes, flavour: Flavour, folder: Path) -> tuple[bool, Facts, Simulator]:
    """Fetch while the changes happen; return whether it says to be complete, and what it has."""
    with Simulator(made.world, flavour, on_request=made) as simulator:
        report = fetch(simulator, folder / "inventory.jsonl")
    states = {report.coverage[name].state for name in ("sentry_project", "sentry_key")}
    return states == {COMPLETE}, read(folder / "inventory.jsonl"), simulator


def world_of(projects: int, keys: int) -> World:
    return make_world(projects=projects, keys=keys)


CHANGES = st.lists(
    st.tuples(st.integers(3, 40), st.sampled_from(Change), st.integers(0, 1000)),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("flavour", SHORT_PAGES)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
def test_a_complete_fetch_is_the_world_at_some_moment(
    flavour: Flavour, changes: list[tuple[int, Change, int]]
) -> None:
    planned: dict[int, list[tuple[Change, int]]] = {}
    for number, change, which in changes:
        planned.setdefault(number, []).append((change, which))
    made = Changes(world_of(12, 23), planned)
    with tempfile.TemporaryDirectory() as folder:
        complete, found, _ = busy(made, flavour, Path(folder))
    if complete:
        assert found in made.moments


# Each change to the first and to the last, one of them with either flavour.
@pytest.mark.parametrize(
    ("flavour", "change", "which"),
    [
        (flavour, change, (0, 11)[(number + older) % 2])
        for number, change in enumerate(Change)
        for older, flavour in enumerate(SHORT_PAGES)
    ],
)
def test_one_change_is_survived(
    tmp_path: Path, flavour: Flavour, change: Change, which: int
) -> None:
    made = Changes(world_of(12, 24), {5: [(change, which)]})
    complete, found, _ = busy(made, flavour, tmp_path)
    assert complete
    assert found in made.moments


@pytest.mark.parametrize("flavour", SHORT_PAGES)
def test_a_starred_project_loses_none(tmp_path: Path, flavour: Flavour) -> None:
    """Taking the star from the first lets the first of page two slip to page one, unread."""
    world = world_of(12, 24)
    last = max(world.projects, key=lambda project: project.slug)
    last.starred = True
    index = world.projects.index(last)
    made = Changes(world, {4: [(Change.STAR, index)]})
    complete, found, _ = busy(made, flavour, tmp_path)
    assert complete
    assert len(found[0]) == 12
    assert found in made.moments


@pytest.mark.parametrize("flavour", [*SHORT_PAGES, replace(GLITCHTIP, longest_page=10)])
def test_a_quiet_world_is_looked_at_twice(tmp_path: Path, flavour: Flavour) -> None:
    world = world_of(12, 24)
    with Simulator(world, flavour) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    assert {table.state for table in report.coverage.values()} == {COMPLETE}
    lists = {"projects", "organization_keys", "keys"}
    asked = [(s.path, s.query.get("cursor")) for s in simulator.log if s.status == 200]
    routes = {name: simulator.routes[name] for name in lists & simulator.routes.keys()}
    assert routes["projects"] == 4
    assert all(asked.count(one) == 2 for one in asked if "keys" in one[0])


@pytest.mark.parametrize("flavour", BOTH_WAYS)
def test_a_world_that_never_holds_still_is_partial(tmp_path: Path, flavour: Flavour) -> None:
    planned = {number: [(Change.DISABLE, number)] for number in range(3, 5000)}
    made = Changes(world_of(12, 24), planned)
    with Simulator(made.world, flavour, on_request=made) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    for name in ("sentry_project", "sentry_key"):
        assert report.coverage[name].state is PARTIAL
        assert "did not hold still" in report.coverage[name].reason
    assert simulator.requests < 250


@pytest.mark.parametrize("flavour", BOTH_WAYS)
def test_a_second_look_that_fails_is_a_gap(tmp_path: Path, flavour: Flavour) -> None:
    world = world_of(12, 24)
    script = [faults.status(403, r"/organizations/[^/]+/projects/", at=range(2, 99))]
    with Simulator(world, flavour, faults=script) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    assert report.coverage["sentry_key"].state is PARTIAL
    assert "second look" in report.coverage["sentry_key"].reason


def test_a_row_on_two_pages_is_a_sign_of_a_shift(tmp_path: Path) -> None:
    """Both looks may be deceived alike; but a row that is lost leaves another there twice."""
    world = world_of(12, 24)
    last = max(world.projects, key=lambda project: project.slug)
    twice = min(world.projects, key=lambda project: project.slug)

    def shift(rows: list[Any]) -> list[Any]:
        rows[-1] = rows[-1] | {"id": str(twice.number), "slug": twice.slug}
        return rows

    script = [faults.records(shift, r"/organizations/[^/]+/projects/.*cursor")]
    last.keys.clear()
    with Simulator(world, SHORT, faults=script) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    assert report.coverage["sentry_project"].state is PARTIAL
    assert len(envelopes(tmp_path / "inventory.jsonl", "sentry_project")) == 11


def test_the_projects_alone_are_looked_at_twice_only_if_they_fill_pages(tmp_path: Path) -> None:
    tables = frozenset({"sentry_project"})
    for projects, requests in ((100, 1), (101, 4)):
        with Simulator(world_of(projects, 0)) as simulator:
            fetch(simulator, tmp_path / "inventory.jsonl", tables=tables)
        assert simulator.routes["projects"] == requests


class TestKeysThatAnswer404:
    """Of a project that is listed or named: a gap, never a project without keys."""

    @pytest.mark.parametrize("flavour", BOTH_WAYS)
    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize("keyless", [True, False])
    def test_for_ever(
        self, tmp_path: Path, flavour: Flavour, *, named: bool, keyless: bool
    ) -> None:
        world = world_of(12, 24)
        slug = world.projects[7].slug
        if keyless:
            world.projects[7].keys.clear()
        script = [faults.status(404, f"/projects/acme/{slug}/keys/")]
        scope = Scope(projects=(slug,)) if named else Scope()
        with Simulator(world, flavour, faults=script) as simulator:
            report = fetch(simulator, tmp_path / "inventory.jsonl", scope=scope)
        if named or keyless or flavour is not TODAY:
            assert report.coverage["sentry_key"].state is PARTIAL
            (gap,) = report.coverage["sentry_key"].gaps
            assert gap.project == slug
            assert "404" in gap.reason
        else:  # the whole listing told its keys
            assert report.coverage["sentry_key"].state is COMPLETE

    @pytest.mark.parametrize("flavour", BOTH_WAYS)
    def test_a_deleted_project_is_gone_and_no_gap(self, tmp_path: Path, flavour: Flavour) -> None:
        made = Changes(world_of(12, 24), {5: [(Change.DELETE, 7)]})
        complete, found, _ = busy(made, flavour, tmp_path)
        assert complete
        assert found == made.moments[-1]


class TestTheListOfOrganizations:
    """One that slips between two pages of it would be lost with all of its keys."""

    PAGE_TWO = r"/api/0/organizations/\?.*cursor"
    TABLES = frozenset({"sentry_organization"})

    @staticmethod
    def world() -> World:
        made = world_of(0, 0)
        first = made.organization
        made.organizations += [
            Organization(10 + n, f"org-{n}", "x", first.created - timedelta(days=n + 1))
            for n in range(104)
        ]
        return made

    @pytest.mark.parametrize("named", [(), ("org-101",)])
    def test_one_that_slips_is_found_in_the_second_look(
        self, tmp_path: Path, named: tuple[str, ...]
    ) -> None:
        script = [faults.records(lambda rows: rows[1:], self.PAGE_TWO, times=1)]
        output = tmp_path / "inventory.jsonl"
        with Simulator(self.world(), faults=script) as simulator:
            report = fetch(simulator, output, scope=Scope(named), tables=self.TABLES)
        assert report.coverage["sentry_organization"].state is COMPLETE
        assert len(envelopes(output, "sentry_organization")) == (1 if named else 105)

    @pytest.mark.parametrize("named", [(), ("org-99", "org-101")])
    def test_one_that_never_holds_still_is_a_gap_unless_all_are_named(
        self, tmp_path: Path, named: tuple[str, ...]
    ) -> None:
        script = [faults.records(lambda rows: rows[1:], self.PAGE_TWO, at=range(1, 99, 2))]
        output = tmp_path / "inventory.jsonl"
        with Simulator(self.world(), faults=script) as simulator:
            report = fetch(simulator, output, scope=Scope(named), tables=self.TABLES)
        found = report.coverage["sentry_organization"]
        assert len(envelopes(output, "sentry_organization")) == (2 if named else 104)
        assert found.state is (COMPLETE if named else PARTIAL)
        assert named or "list of organizations did not hold still" in found.reason

    def test_a_second_look_that_fails_is_a_gap_of_every_table(self, tmp_path: Path) -> None:
        made = self.world()
        del made.organizations[1:95]
        made.organizations += [Organization(900, "late", "x", datetime(2001, 1, 1, tzinfo=UTC))]
        script = [faults.status(400, self.PAGE_TWO, at=range(2, 99))]
        output = tmp_path / "inventory.jsonl"
        with Simulator(made, SHORT, faults=script) as simulator:
            report = fetch(simulator, output)
        for covered in report.coverage.values():
            assert covered.state is PARTIAL
            assert "second look" in covered.reason

    def test_a_single_page_is_asked_for_once(self, tmp_path: Path) -> None:
        with Simulator(world_of(1, 1)) as simulator:
            fetch(simulator, tmp_path / "inventory.jsonl")
        assert simulator.routes["organizations"] == 1

    def test_two_with_one_slug_are_refused(self, tmp_path: Path) -> None:
        made = world_of(1, 1)
        made.organizations += [Organization(900, "acme", "x", datetime(2001, 1, 1, tzinfo=UTC))]
        with Simulator(made) as simulator, pytest.raises(FetchError, match="the slug 'acme', too"):
            fetch(simulator, tmp_path / "inventory.jsonl")
