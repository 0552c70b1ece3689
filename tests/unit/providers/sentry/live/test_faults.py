"""The live source against servers that fail: right to the last key, or honest about the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from scanner.base.errors import FetchError
from scanner.http import exchange
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from tests.simulator import (
    CANARY,
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Response,
    Simulator,
    faults,
    make_world,
)
from tests.unit.providers.sentry.live.fetching import fetch, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.simulator import World
    from tests.simulator.faults import Fault

COMPLETE, PARTIAL = CoverageState.COMPLETE, CoverageState.PARTIAL
NEW, OLD = (replace(flavour, longest_page=20) for flavour in (TODAY, SELF_HOSTED_23_7))
WHOLE = "/project-keys/"
FIRST_PAGE = "/project-keys/(?!.*cursor)"
EACH = r"/projects/[^/]+/[^/]+/keys/"
LIST = r"/organizations/[^/]+/projects/"
NOT_A_PAGE = b'{"detail": "You have been logged out."}'


@dataclass
class Case:
    """A script of faults, and how the keys' coverage ends: None, the fetch has to fail."""

    name: str
    script: Callable[[], list[Fault]]
    keys: CoverageState | None = COMPLETE
    flavour: Flavour = NEW
    projects: CoverageState = COMPLETE
    most: int = 120  # requests
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def _duplicate_next(rows: list[Any]) -> list[Any]:
    return rows + rows[:7]


def _twice(**otherwise: Any) -> Callable[[list[Any]], list[Any]]:
    """Give the first record again, with other facts."""
    return lambda rows: [*rows, rows[0] | otherwise]


def _without_id(rows: list[Any]) -> list[Any]:
    return [{name: value for name, value in rows[0].items() if name != "id"}, *rows[1:]]


def _wrong_types(rows: list[Any]) -> list[Any]:
    return [rows[0] | {"isActive": "yes"}, rows[1] | {"dateCreated": "soon"}, 5, *rows[2:]]


SURVIVED = [
    Case("reset once", lambda: [faults.reset(WHOLE, at={1})]),
    Case("reset again and again", lambda: [faults.reset(EACH, at={1, 3, 4, 7})], flavour=OLD),
    Case("reset on everything once", lambda: [faults.reset(at={3, 4, 5, 6})]),
    Case("time-out", lambda: [faults.stall(0.6, WHOLE, at={1})], settings={"timeout": 0.3}),
    Case("cut body", lambda: [faults.truncate(WHOLE, at={2})]),
    Case("cut list of projects", lambda: [faults.truncate(LIST, times=2)]),
    Case("a proxy's page once", lambda: [faults.html(WHOLE, at={2})]),
    Case("a proxy's 502", lambda: [faults.html(WHOLE, status=502, times=3)]),
    Case("invalid JSON once", lambda: [faults.body(b'[{"id": ', WHOLE, at={1})]),
    Case("invalid UTF-8 once", lambda: [faults.body(b'["\xff"]', WHOLE, at={1})]),
    Case("500, 502, 503", lambda: [faults.status(c, WHOLE, times=1) for c in (500, 502, 503)]),
    Case("5xx storm", lambda: [faults.status(503, at=range(3, 9))], flavour=OLD),
    Case("429 without headers", lambda: [faults.status(429, EACH, times=3)], flavour=OLD),
    Case(
        "429 with Retry-After",
        lambda: [faults.status(429, WHOLE, times=1, headers={"Retry-After": "0"})],
    ),
    Case("duplicates", lambda: [faults.records(_duplicate_next, "keys/")]),
    Case("duplicates, old server", lambda: [faults.records(_duplicate_next, EACH)], flavour=OLD),
    Case("preflight fails", lambda: [faults.status(500, r"/api/0/\?$")]),
]

ASKED_OTHERWISE = [
    # The whole-organization listing fails for good; asking each project gives the same keys.
    Case("listing always reset", lambda: [faults.reset(WHOLE)]),
    Case("listing always cut", lambda: [faults.truncate(WHOLE)]),
    Case("listing a proxy's page", lambda: [faults.html(WHOLE)]),
    Case("listing always 500", lambda: [faults.status(500, WHOLE)]),
    Case("listing fails on page two", lambda: [faults.status(500, WHOLE + ".*cursor")]),
    Case("listing denied", lambda: [faults.status(403, WHOLE)]),
    Case("listing refused", lambda: [faults.status(400, WHOLE)]),
    Case("listing throttled for ever", lambda: [faults.status(429, WHOLE)]),
    Case("listing loops", lambda: [faults.loop(WHOLE)]),
    Case("listing not a list", lambda: [faults.body(NOT_A_PAGE, WHOLE)]),
    Case("listing without cursor", lambda: [faults.link(_no_cursor, WHOLE)]),
    Case("listing without next", lambda: [faults.link(_only_previous, WHOLE)]),
    Case("listing with another next", lambda: [faults.link(_shouted, WHOLE)]),
    Case("listing redirected", lambda: [faults.redirect("https://elsewhere.invalid/x/", WHOLE)]),
    Case("listing nested too deep", lambda: [faults.body(b"[" * 100_000, WHOLE)]),
]

INCOMPLETE = [
    Case("one project 500", lambda: [faults.status(500, "/api-007/")], PARTIAL, OLD),
    Case("one project denied", lambda: [faults.status(403, "/api-007/")], PARTIAL, OLD),
    Case("one project reset", lambda: [faults.reset("/api-007/")], PARTIAL, OLD),
    Case("one project loops", lambda: [faults.loop("/api-007/")], PARTIAL, OLD),
    Case("one project vanishes", lambda: [faults.status(404, "/api-007/")], PARTIAL, OLD),
    Case("one project's page cut", lambda: [faults.truncate("/api-007/")], PARTIAL, OLD),
    Case(
        "one project redirected",
        lambda: [faults.redirect("https://elsewhere.invalid/", "/api-007/")],
        PARTIAL,
        OLD,
    ),
    Case("both ways denied", lambda: [faults.status(403, "keys/")], CoverageState.DENIED),
    Case("keys always HTML", lambda: [faults.html("keys/")], PARTIAL),
    Case("keys always down", lambda: [faults.reset("keys/")], PARTIAL),
    Case(
        "token revoked on the way",
        lambda: [faults.status(401, EACH, at=range(5, 99))],
        PARTIAL,
        OLD,
    ),
    Case("records of wrong types", lambda: [faults.records(_wrong_types, FIRST_PAGE)], PARTIAL),
    Case("a record without id", lambda: [faults.records(_without_id, WHOLE + ".*cursor")], PARTIAL),
    Case("another name", lambda: [faults.records(_twice(name="x"), FIRST_PAGE)], PARTIAL),
    Case("another project", lambda: [faults.records(_twice(projectId=1), FIRST_PAGE)], PARTIAL),
    Case(
        "one project's key twice",
        lambda: [faults.records(_twice(isActive=None), "/api-007/")],
        PARTIAL,
        OLD,
    ),
    Case(
        "a slug twice",
        lambda: [faults.records(lambda rows: [*rows, rows[0] | {"id": "909"}], LIST)],
        PARTIAL,
        projects=PARTIAL,
    ),
    Case("list of projects down", lambda: [faults.status(500, LIST)], PARTIAL, projects=PARTIAL),
    Case(
        "list of projects loops",
        lambda: [faults.loop(LIST)],
        PARTIAL,
        projects=PARTIAL,
    ),
]

FATAL = [
    Case("all reset", lambda: [faults.reset()], None, most=10),
    Case("all 500", lambda: [faults.status(500)], None, most=12),
    Case("all HTML", lambda: [faults.html()], None, most=6),
    Case("all denied", lambda: [faults.status(403)], None, most=12),
    Case("all JSON of another kind", lambda: [faults.body(NOT_A_PAGE)], None, most=12),
    Case("all redirected", lambda: [faults.redirect("https://elsewhere.invalid/")], None, most=2),
    Case("to the login page", lambda: [faults.redirect("/auth/login/")], None, most=2),
    Case("all throttled", lambda: [faults.status(429)], None, most=20),
    Case(
        "throttled for an hour",
        lambda: [faults.status(429, headers={"Retry-After": "3600"})],
        None,
        most=2,
    ),
    Case("projects and keys down", lambda: [faults.status(500, "(projects|keys)/")], None, most=20),
]


def _only_previous(link: str) -> str:
    return link.split(", ", maxsplit=1)[0]


def _shouted(link: str) -> str:
    return link.replace('results="true"', 'results="TRUE"')


def _no_cursor(link: str) -> str:
    return link.replace('cursor="', 'cursor="" was="')


@pytest.fixture
def world() -> World:
    made = make_world(projects=8, keys=30)
    made.projects[7].slug = "api-007"
    return made


def _all(world: World) -> set[str]:
    return {key.public for key in world.keys}


@pytest.mark.parametrize("case", [*SURVIVED, *ASKED_OTHERWISE], ids=str)
def test_a_fault_that_passes_changes_nothing(case: Case, world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, flavour=case.flavour, faults=case.script()) as simulator:
        report = fetch(simulator, output, **case.settings)
    assert {c.state for c in report.coverage.values()} == {COMPLETE}
    assert table(output, "sentry_key").keys() == _all(world)
    assert None not in {project for _, project in table(output, "sentry_key").values()}
    assert simulator.requests <= case.most
    assert CANARY not in output.read_text(encoding="utf-8")


def test_a_listing_that_ends_with_a_full_page_and_no_link_changes_nothing(tmp_path: Path) -> None:
    world, output = make_world(projects=8, keys=110), tmp_path / "inventory.jsonl"
    with Simulator(world, faults=[faults.link(lambda _: None, WHOLE)]) as simulator:
        report = fetch(simulator, output)
    assert {c.state for c in report.coverage.values()} == {COMPLETE}
    assert table(output, "sentry_key").keys() == _all(world)


@pytest.mark.parametrize("case", INCOMPLETE, ids=str)
def test_a_fault_that_stays_is_a_gap(case: Case, world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, flavour=case.flavour, faults=case.script()) as simulator:
        report = fetch(simulator, output, **case.settings)
    keys = report.coverage["sentry_key"]
    assert keys.state is case.keys
    assert keys.gaps
    assert keys.reason
    assert report.coverage["sentry_project"].state is case.projects
    assert table(output, "sentry_key").keys() <= _all(world)
    if case.flavour is OLD and "one project" in case.name:
        assert [gap.project for gap in keys.gaps] == ["api-007"]
        others = _all(world) - {key.public for key in world.projects[7].keys}
        assert table(output, "sentry_key").keys() >= others
    assert simulator.requests <= case.most
    assert CANARY not in output.read_text(encoding="utf-8") + str(report)


@pytest.mark.parametrize("case", FATAL, ids=str)
def test_where_nothing_is_seen_there_is_no_file(case: Case, world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    with (
        Simulator(world, flavour=case.flavour, faults=case.script()) as simulator,
        pytest.raises(FetchError) as error,
    ):
        fetch(simulator, output, **case.settings)
    assert list(tmp_path.iterdir()) == []
    assert error.value.remedy
    assert "?" not in error.value.where
    assert CANARY not in str(error.value)
    assert simulator.requests <= case.most


@pytest.mark.parametrize("flavour", [NEW, OLD])
def test_half_a_list_of_projects_is_half_an_inventory(tmp_path: Path, flavour: Flavour) -> None:
    world = make_world(projects=26, keys=26)
    script = [faults.status(500, LIST + ".*cursor")]
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, flavour=flavour, faults=script) as simulator:
        report = fetch(simulator, output)
    assert report.coverage["sentry_project"].state is PARTIAL
    assert report.coverage["sentry_project"].rows == 20
    assert report.coverage["sentry_key"].state is PARTIAL
    assert report.coverage["sentry_key"].rows == (20 if flavour is OLD else 26)


def test_many_named_projects_are_found_without_the_list(world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    scope = Scope(projects=tuple(project.slug for project in world.projects))
    with Simulator(world, flavour=OLD, faults=[faults.status(500, LIST)]) as simulator:
        report = fetch(simulator, output, scope=scope)
    assert report.coverage["sentry_key"].state is COMPLETE
    assert report.coverage["sentry_project"].state is PARTIAL
    assert table(output, "sentry_key").keys() == _all(world)


def test_a_server_that_has_little_but_the_keys_is_enough(world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    script = [faults.status(404, r"/api/0/(organizations/)?\?")]
    with Simulator(world, flavour=OLD, faults=script) as simulator:
        report = fetch(simulator, output, scope=Scope(organizations=("acme",)))
    assert report.coverage["sentry_key"].state is COMPLETE
    assert table(output, "sentry_key").keys() == _all(world)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_named_organization_is_fetched_without_the_list_of_all(
    world: World, tmp_path: Path, status: int
) -> None:
    output = tmp_path / "inventory.jsonl"
    script = [faults.status(status, r"/organizations/\?")]
    with Simulator(world, faults=script) as simulator:
        report = fetch(simulator, output, scope=Scope(organizations=("acme",)))
    assert report.coverage["sentry_key"].state is COMPLETE
    assert report.coverage["sentry_organization"].state is not COMPLETE
    assert table(output, "sentry_key").keys() == _all(world)


DEMAND = b'{"detail": {"code": "sso-required", "message": "Must login via SSO", "extra": {}}}'


def test_what_one_organization_asks_of_a_person_ends_nothing_for_the_others(tmp_path: Path) -> None:
    world = make_world(projects=12, keys=36, organizations=4)
    asking, *others = world.organizations
    made = Response(401, DEMAND, {"Content-Type": "application/json"})
    script = [faults.Fault(lambda _request, _good: made, f"organizations/{asking.slug}/.")]
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, faults=script) as simulator:
        report = fetch(simulator, output)
    for name in ("sentry_key", "sentry_project"):
        assert {gap.organization for gap in report.coverage[name].gaps} == {asking.slug}
        assert "Must login via SSO" in report.coverage[name].reason
    seen = {key.public for one in others for project in one.projects for key in project.keys}
    assert table(output, "sentry_key").keys() == seen


def test_why_the_list_of_projects_cannot_be_read_is_told_of_the_keys(
    world: World, tmp_path: Path
) -> None:
    with Simulator(world, faults=[faults.status(403, LIST)]) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    (gap,) = report.coverage["sentry_key"].gaps
    assert "could not be read to its end" in gap.reason
    assert "You do not have permission to perform this action" in gap.reason
    assert gap.organization == "acme"


def test_records_of_wrong_types_are_told_by_field(world: World, tmp_path: Path) -> None:
    output = tmp_path / "inventory.jsonl"
    with Simulator(world, faults=[faults.records(_wrong_types, FIRST_PAGE)]) as simulator:
        report = fetch(simulator, output)
    reasons = " ".join(gap.reason for gap in report.coverage["sentry_key"].gaps)
    assert "isActive is text" in reasons
    assert "dateCreated is not a date and time" in reasons
    assert len(table(output, "sentry_key")) == 28


def test_too_large_an_answer_is_cut_off(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MOST_BYTES", 100_000)
    huge = faults.body(b"[" + b" " * 1_000_000 + b"]", "/api-007/")
    with Simulator(world, flavour=OLD, faults=[huge]) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    (gap,) = report.coverage["sentry_key"].gaps
    assert (gap.project, "larger than" in gap.reason) == ("api-007", True)
    assert report.stats.retries == 0


def test_the_deadline_ends_everything_in_time(world: World, tmp_path: Path) -> None:
    with Simulator(world, flavour=OLD, faults=[faults.stall(1.2, EACH)]) as simulator:
        report = fetch(
            simulator, tmp_path / "inventory.jsonl", deadline=1.0, timeout=5.0, concurrency=2
        )
    assert report.coverage["sentry_key"].state is PARTIAL
    assert len(report.coverage["sentry_key"].gaps) == 8
    assert report.stats.seconds < 5


def test_no_server_at_all_is_told_at_once(world: World, tmp_path: Path) -> None:
    with Simulator(world) as simulator:
        url = simulator.url
    with pytest.raises(FetchError, match=r"no connection to 127\.0\.0\.1"):
        fetch(simulator, tmp_path / "inventory.jsonl", url=url)


def test_what_is_left_out_is_named_and_counted(world: World, tmp_path: Path) -> None:
    def spoiled(rows: list[Any]) -> list[Any]:
        return [5, *({**row, "isActive": "yes"} for row in rows[:3]), *rows[3:]]

    with Simulator(world, faults=[faults.records(spoiled, WHOLE)]) as simulator:
        report = fetch(simulator, tmp_path / "inventory.jsonl")
    told = " ".join(gap.reason for gap in report.coverage["sentry_key"].gaps)
    named = [key.public for key in world.keys if f"isActive is text: {key.public} and 2" in told]
    assert len(named) == 1
    assert "2 more. Run again" in told
    assert "it is a whole number, not an object: record 1 of its page" in told
