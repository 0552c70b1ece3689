"""Keys of projects that the list does not have, or does not have whole: none is lost unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from tests.simulator import SELF_HOSTED_23_7, TODAY, Flavour, Simulator, faults, render
from tests.unit.providers.sentry.live.fetching import expected_keys, fetch, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator import World

COMPLETE, PARTIAL = CoverageState.COMPLETE, CoverageState.PARTIAL
LIST = r"/organizations/[^/]+/projects/"
WHOLE = "/project-keys/"


def _spoiled(**changes: Any) -> faults.Fault:
    """Change fields of the first project of the list; Ellipsis takes one away."""

    def spoil(rows: list[Any]) -> list[Any]:
        first = {k: v for k, v in (rows[0] | changes).items() if v is not ...}
        return [first, *rows[1:]]

    return faults.records(spoil, LIST)


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
@pytest.mark.parametrize(
    "changes", [{"id": None}, {"slug": 5}, {"slug": ...}, {"platform": 3}, {"dateCreated": "soon"}]
)
def test_a_project_that_cannot_be_used_may_have_keys(
    world: World, output: Path, flavour: Flavour, changes: dict[str, Any]
) -> None:
    with Simulator(world, flavour, faults=[_spoiled(**changes)]) as simulator:
        report = fetch(simulator, output)
        assert report.coverage["sentry_project"].state is PARTIAL
        assert report.coverage["sentry_key"].state is PARTIAL
        assert "record cannot be used" in report.coverage["sentry_key"].reason
        named = Scope(projects=tuple(project.slug for project in world.projects))
        report = fetch(simulator, output, scope=named)
    assert table(output, "sentry_key").keys() == expected_keys(world).keys()
    assert report.coverage["sentry_key"].state is COMPLETE  # each was asked for by its name


@pytest.mark.parametrize("left", [0, 11])
def test_a_list_of_projects_that_lacks_one_with_keys(world: World, output: Path, left: int) -> None:
    lacking = faults.records(lambda rows: rows[:left], LIST)
    with Simulator(world, faults=[lacking]) as simulator:
        report = fetch(simulator, output)
    assert len(table(output, "sentry_key")) == len(world.keys)
    assert report.coverage["sentry_key"].state is PARTIAL
    assert "lacks one that has keys" in report.coverage["sentry_key"].reason


@pytest.mark.parametrize("named", [0, 11])
@pytest.mark.parametrize("value", [..., None])
def test_a_key_that_does_not_tell_its_project_stays(
    world: World, output: Path, named: int, value: object
) -> None:
    chosen = world.projects[:named] or world.projects
    lost = next(p for p in chosen if len(p.keys) > 1).keys[-1]

    def forget(rows: list[Any]) -> list[Any]:
        told = [row | ({"projectId": value} if row["id"] == lost.public else {}) for row in rows]
        return [{k: v for k, v in row.items() if v is not ...} for row in told]

    scope = Scope(projects=tuple(project.slug for project in chosen) if named else ())
    with Simulator(world, faults=[faults.records(forget, WHOLE)]) as simulator:
        report = fetch(simulator, output, scope=scope)
    wanted = {key.public for project in chosen for key in project.keys}
    assert table(output, "sentry_key").keys() == wanted
    assert report.coverage["sentry_key"].state is PARTIAL
    assert "does not tell its project" in report.coverage["sentry_key"].reason
    assert report.coverage["sentry_project"].state is COMPLETE


@pytest.mark.parametrize("named", [0, 1, 11])
def test_keys_of_another_project_are_not_those_that_were_asked_for(
    world: World, output: Path, named: int
) -> None:
    """A cache before the server may pay no heed to the path."""
    asked, other = world.projects[:2]
    path = f"/projects/acme/{asked.slug}/keys/"
    rows = [render.key(key, other, "http://sentry.example.invalid", TODAY) for key in other.keys]
    scope = Scope(projects=tuple(project.slug for project in world.projects[:named]))
    wrong = faults.records(lambda _: rows, path)
    with Simulator(world, SELF_HOSTED_23_7, faults=[wrong]) as simulator:
        report = fetch(simulator, output, scope=scope)
    (gap,) = report.coverage["sentry_key"].gaps
    assert (gap.organization, gap.project) == ("acme", asked.slug)
    assert "those of another" in gap.reason
