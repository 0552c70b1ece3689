"""Which projects the live source fetches, and with which rights."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scanner.base.errors import FetchError
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from tests.simulator import (
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Simulator,
    TokenKind,
    World,
    faults,
    make_world,
)
from tests.unit.providers.sentry.live.fetching import expected_keys, fetch, table

if TYPE_CHECKING:
    from pathlib import Path


COMPLETE = CoverageState.COMPLETE
PARTIAL = CoverageState.PARTIAL


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

    @pytest.mark.parametrize("tables", [{"sentry_key"}, {"sentry_project"}])
    def test_what_a_mistyped_one_was_meant_to_be_is_told(
        self, world: World, output: Path, tables: set[str]
    ) -> None:
        (kind,) = tables
        right, other = world.projects[0].slug, world.projects[1].slug
        with Simulator(world) as simulator:
            with pytest.raises(FetchError) as error:
                fetch(simulator, output, scope=Scope((), (f"{right}x",)), tables=frozenset(tables))
            scope = Scope(projects=(f"{right}x", other))
            report = fetch(simulator, output, scope=scope, tables=frozenset(tables))
        (gap,) = report.coverage[kind].gaps
        meant = f"Did you mean `{right}`?"
        assert (meant in error.value.remedy, meant in gap.reason) == (True, True)

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
        assert report.renamed == {"old-name": project.slug}
        header = json.loads(output.read_text("utf-8").splitlines()[0])["record"]
        assert header["scope"] == {"organizations": [], "projects": [project.slug]}

    @pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
    @pytest.mark.parametrize("tables", [{"sentry_key"}, {"sentry_project"}])
    @pytest.mark.parametrize("others", [0, 11])
    @pytest.mark.parametrize("names", [("old",), ("old", "new"), ("older", "old")])
    def test_a_renamed_one_is_there_once(
        self,
        world: World,
        output: Path,
        flavour: Flavour,
        tables: set[str],
        others: int,
        names: tuple[str, ...],
    ) -> None:
        world.projects[11].slug = "new"
        world.organization.renamed |= {"old": "new", "older": "new"}
        slugs = tuple(project.slug for project in world.projects[:others])
        with Simulator(world, flavour) as simulator:
            scope = Scope(projects=(*names, *slugs))
            report = fetch(simulator, output, scope=scope, tables=frozenset(tables))
        header = json.loads(output.read_text("utf-8").splitlines()[0])["record"]
        assert header["scope"]["projects"] == ["new", *slugs]
        assert {place for _, place in table(output, "sentry_project").values()} == {"new", *slugs}
        chosen = [*world.projects[:others], world.projects[11]] if "sentry_key" in tables else []
        assert table(output, "sentry_key").keys() == {k.public for p in chosen for k in p.keys}
        assert {one.state for one in report.coverage.values()} == {COMPLETE}

    @pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
    @pytest.mark.parametrize("tables", [{"sentry_key"}, {"sentry_project"}])
    def test_ids_become_slugs(
        self, world: World, output: Path, flavour: Flavour, tables: set[str]
    ) -> None:
        one, other, home = world.projects[3], world.projects[4], world.organization
        scope = Scope((str(home.number),), (str(one.number), other.slug))
        with Simulator(world, flavour) as simulator:
            report = fetch(simulator, output, scope=scope, tables=frozenset(tables))
        header = json.loads(output.read_text("utf-8").splitlines()[0])["record"]
        assert header["scope"] == {
            "organizations": [home.slug],
            "projects": [one.slug, other.slug],
        }
        places = {(home.slug, one.slug), (home.slug, other.slug)}
        assert set(table(output, "sentry_project").values()) == places
        assert set(table(output, "sentry_key").values()) == (
            places if "sentry_key" in tables else set()
        )
        assert {c.state for c in report.coverage.values()} == {COMPLETE}

    def test_a_slug_that_is_a_number_is_no_id(self, world: World, output: Path) -> None:
        world.projects[0].slug = str(world.projects[1].number)
        with Simulator(world) as simulator:
            fetch(simulator, output, scope=Scope(projects=(world.projects[0].slug,)))
        wanted = {key.public for key in world.projects[0].keys}
        assert table(output, "sentry_key").keys() == wanted

    def test_an_id_of_none_is_a_gap_or_an_error(self, world: World, output: Path) -> None:
        known = world.projects[0]
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=Scope((), ("77777", str(known.number))))
            assert [gap.project for gap in report.coverage["sentry_key"].gaps] == ["77777"]
            assert set(table(output, "sentry_key").values()) == {("acme", known.slug)}
            with pytest.raises(FetchError, match="no project '77777', by slug or id"):
                fetch(simulator, output, scope=Scope((), ("77777",)))

    @pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
    def test_an_id_that_no_list_tells_is_not_taken_for_a_slug(
        self, world: World, output: Path, flavour: Flavour
    ) -> None:
        known, number = world.projects[0], str(world.projects[1].number)
        script = [faults.status(403, rf"/acme/projects/|/projects/acme/{number}/\?")]
        with Simulator(world, flavour, faults=script) as simulator:
            report = fetch(simulator, output, scope=Scope(("acme",), (known.slug, number)))
        assert number in {gap.project for gap in report.coverage["sentry_key"].gaps}
        assert set(table(output, "sentry_key").values()) == {("acme", known.slug)}

    @pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
    def test_an_id_is_enough_without_org_read(
        self, world: World, output: Path, flavour: Flavour
    ) -> None:
        one, other = world.projects[0], world.projects[1]
        token = world.add_token("project-only", "project:read")
        scope = Scope(("acme",), (str(one.number), other.slug))
        with Simulator(world, flavour) as simulator:
            report = fetch(simulator, output, token=token, scope=scope)
            with pytest.raises(FetchError, match="org:read") as told:
                fetch(simulator, output, token=token, scope=Scope(("acme",), ("77777",)))
            assert "Or name the project by its slug." in told.value.remedy
            number = str(world.organization.number)
            with pytest.raises(FetchError, match="org:read") as told:
                fetch(simulator, output, token=token, scope=Scope((number,), (one.slug,)))
            assert "Or name the organization by its slug." in told.value.remedy
        places = {("acme", one.slug), ("acme", other.slug)}
        assert set(table(output, "sentry_key").values()) == places
        assert report.coverage["sentry_key"].state is COMPLETE
        assert report.renamed == {str(one.number): one.slug}

    def test_organizations_that_are_not_listed_are_known_by_their_ids(
        self, world: World, output: Path
    ) -> None:
        number = str(world.organization.number)
        with Simulator(world, faults=[faults.status(403, r"/organizations/\?")]) as simulator:
            fetch(simulator, output, scope=Scope((number,)))
        assert {place for place, _ in table(output, "sentry_key").values()} == {"acme"}

    def test_one_is_found_in_the_organization_that_has_it(self, output: Path) -> None:
        world = make_world(projects=9, keys=90, organizations=3)
        chosen = world.organizations[1].projects[0]
        with Simulator(world) as simulator:
            report = fetch(simulator, output, scope=Scope(projects=(chosen.slug,)))
        assert simulator.routes["keys"] == 2  # and once more, to compare
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
        assert "lacks the scope project:read (it has: org:read)" in (
            report.coverage["sentry_key"].reason
        )
        assert simulator.routes["keys"] == 1
        assert len(report.coverage["sentry_key"].gaps) == 12

    def test_a_refusal_that_the_scopes_do_not_explain_stops_nothing(
        self, world: World, output: Path
    ) -> None:
        refused = [faults.status(403, f"/{world.projects[3].slug}/keys/")]
        with Simulator(world, flavour=SELF_HOSTED_23_7, faults=refused) as simulator:
            report = fetch(simulator, output)
        assert simulator.routes["keys"] >= 12
        assert [gap.project for gap in report.coverage["sentry_key"].gaps] == [
            world.projects[3].slug
        ]

    def test_scopes_that_look_too_small_and_are_enough(self, world: World, output: Path) -> None:
        told = [faults.body(b'{"auth": {"scopes": ["org:read"]}}', r"/api/0/\?")]
        with Simulator(world, flavour=SELF_HOSTED_23_7, faults=told) as simulator:
            report = fetch(simulator, output)
        assert report.coverage["sentry_key"].state is COMPLETE

    @pytest.mark.parametrize("status", [200, 403])
    def test_a_token_that_sees_no_organization_is_told_to_name_it(
        self, world: World, output: Path, status: int
    ) -> None:
        path = r"/organizations/\?"
        fault = faults.body(b"[]", path) if status == 200 else faults.status(403, path)
        with Simulator(world, faults=[fault]) as simulator, pytest.raises(FetchError) as error:
            fetch(simulator, output)
        assert "--org" in error.value.remedy
        assert "Use a token of an internal integration" not in error.value.remedy

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
        assert len(table(output, "sentry_key")) == 36 - len(hidden.keys)

    def test_projects_of_other_teams_are_covered(self, world: World, output: Path) -> None:
        for project in world.projects[::2]:
            project.member = False
        with Simulator(world) as simulator:
            report = fetch(simulator, output)
        assert table(output, "sentry_key") == expected_keys(world)
        assert report.coverage["sentry_key"].state is COMPLETE

    @pytest.mark.parametrize("omitted", [True, False])
    @pytest.mark.parametrize(
        "fault",
        [faults.status(400), faults.status(500), faults.reset(), faults.html(), faults.body(b"5")],
    )
    def test_a_project_of_which_nobody_can_tell_is_a_gap(
        self, world: World, output: Path, fault: faults.Fault, *, omitted: bool
    ) -> None:
        chosen = world.projects[0]

        def omit(rows: list[dict[str, object]]) -> list[dict[str, object]]:
            return [row for row in rows if row["projectId"] != chosen.number]

        if not omitted:
            chosen.keys.clear()
        script = [
            faults.records(omit, "/project-keys/"),
            replace(fault, path=f"/acme/{chosen.slug}/keys/"),
        ]
        with Simulator(world, faults=script) as simulator:
            report = fetch(simulator, output)
        (gap,) = report.coverage["sentry_key"].gaps
        assert (gap.organization, gap.project) == ("acme", chosen.slug)

    def test_a_project_without_keys_is_asked_once_more(self, world: World, output: Path) -> None:
        world.projects[0].keys.clear()
        with Simulator(world) as simulator:
            report = fetch(simulator, output)
        assert simulator.routes["keys"] == 2  # and once more, to compare
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

    @pytest.mark.parametrize("named", [(), ("acme",)])
    def test_a_server_that_is_no_sentry_is_named_as_such(
        self, world: World, output: Path, named: tuple[str, ...]
    ) -> None:
        nothing = faults.html(status=404)
        with Simulator(world, faults=[nothing]) as simulator, pytest.raises(FetchError) as error:
            fetch(simulator, output, scope=Scope(named))
        assert "no Sentry seems to be at this address" in error.value.message
        assert "SENTRY_URL" in error.value.remedy
        assert "integration" not in error.value.remedy

    def test_a_token_that_sees_no_organization_is_told(self, world: World, output: Path) -> None:
        token = world.add_token("lonely", "org:read", organizations=frozenset())
        with Simulator(world) as simulator, pytest.raises(FetchError, match="no organization"):
            fetch(simulator, output, token=token)
