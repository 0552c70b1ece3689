"""The live source while the server's world changes, and where it points elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import FetchError
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from tests.simulator import (
    SELF_HOSTED_23_7,
    Simulator,
    faults,
    make_world,
)
from tests.unit.providers.sentry.live.fetching import fetch, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator import World

COMPLETE, PARTIAL = CoverageState.COMPLETE, CoverageState.PARTIAL
OLD = SELF_HOSTED_23_7
WHOLE = "/project-keys/"
EACH = r"/projects/[^/]+/[^/]+/keys/"
LIST = r"/organizations/[^/]+/projects/"


@pytest.fixture
def world() -> World:
    made = make_world(projects=12, keys=120)
    made.projects[7].slug = "api-007"
    return made


def _all(world: World) -> set[str]:
    return {key.public for key in world.keys}


class TestChangesOnTheWay:
    """What changes while pages are read; `number` counts requests."""

    def test_deleted_keys(self, world: World, tmp_path: Path) -> None:
        oldest = min(world.keys, key=lambda key: key.number)
        newest = max(world.keys, key=lambda key: key.number)

        def delete(number: int, changing: World) -> None:
            for project in changing.projects if number == 5 else ():
                project.keys = [key for key in project.keys if key not in (oldest, newest)]

        output = tmp_path / "inventory.jsonl"
        with Simulator(world, on_request=delete) as simulator:
            report = fetch(simulator, output)
        assert report.coverage["sentry_key"].state is COMPLETE
        assert table(output, "sentry_key").keys() >= _all(world)

    def test_a_new_project_is_looked_up(self, world: World, tmp_path: Path) -> None:
        late = world.projects[0]
        oldest = [key for key in world.keys if key.number <= 20]  # on the second page
        for project in world.projects:
            project.keys = [key for key in project.keys if key.number > 20]
        late.keys = oldest
        world.organization.projects.remove(late)

        def create(number: int, changing: World) -> None:
            if number == 5:
                changing.organization.projects.append(late)

        output = tmp_path / "inventory.jsonl"
        with Simulator(world, on_request=create) as simulator:
            report = fetch(simulator, output)
        assert report.coverage["sentry_key"].state is COMPLETE
        assert table(output, "sentry_key").keys() == _all(world)
        assert len(table(output, "sentry_project")) == 12
        assert report.warnings == ()

    def test_a_project_renamed_on_the_way(self, world: World, tmp_path: Path) -> None:
        def rename(number: int, changing: World) -> None:
            if number == 6:
                changing.organization.renamed["api-007"] = "renamed"
                changing.projects[7].slug = "renamed"

        output = tmp_path / "inventory.jsonl"
        with Simulator(world, flavour=OLD, on_request=rename) as simulator:
            report = fetch(simulator, output, concurrency=1)
        assert report.coverage["sentry_key"].state is COMPLETE
        assert table(output, "sentry_key").keys() == _all(world)


def test_a_link_to_another_host_is_not_followed(world: World, tmp_path: Path) -> None:
    other = make_world(projects=1, keys=3, seed=9)
    with Simulator(other) as stranger:
        with Simulator(world, url_prefix=stranger.url) as simulator:
            fetch(simulator, tmp_path / "inventory.jsonl")
        assert stranger.requests == 0
        assert table(tmp_path / "inventory.jsonl", "sentry_key").keys() == _all(world)


@pytest.mark.parametrize("path", ["", WHOLE, EACH, LIST])
def test_a_redirect_never_takes_the_token_along(world: World, tmp_path: Path, path: str) -> None:
    with Simulator(make_world(projects=1, keys=1)) as stranger:
        script = [faults.redirect(f"{stranger.url}/api/0/projects/acme/x/keys/", path)]
        with Simulator(world, flavour=OLD, faults=script) as simulator:
            try:
                report = fetch(simulator, tmp_path / "inventory.jsonl")
            except FetchError as error:
                assert "redirects to" in error.message  # noqa: PT017 - either outcome is right
            else:
                assert path in (WHOLE, EACH, LIST)
                assert report.sources
        assert stranger.requests == 0


def test_old_names_that_lead_in_a_circle_are_left(world: World, tmp_path: Path) -> None:
    world.organization.renamed |= {"one": "two", "two": "one"}
    scope = Scope(projects=("one", world.projects[0].slug))
    with Simulator(world) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl", scope=scope)
    assert [gap.project for gap in report.coverage["sentry_key"].gaps] == ["one"]
    assert simulator.requests < 12
