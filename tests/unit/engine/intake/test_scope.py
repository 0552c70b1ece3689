"""Whatever was asked for and not seen is a gap; whatever cannot be placed stays."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.intake.load import Loaded, load
from scanner.engine.intake.scope import SlugPair, unseen
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from tests.unit.engine.intake.test_load import ALL, KEY, PROJECT, api, changed, fill, rows
from tests.unit.engine.support import AS_OF, fresh

COMPLETE = TableCoverage(CoverageState.COMPLETE, "")


def key(number: str, organization: str | None, project: str | None) -> tuple[str, SlugPair]:
    return number, (organization, project)


WORLD = [
    key("a1", "acme", "web"),
    key("a2", "acme", "api"),
    key("b1", "beta", "web"),
    key("a0", "acme", None),
    key("01", None, "web"),
    key("00", None, None),
]


def world(path: Path, keys: list[tuple[str, SlugPair]], *gaps: Gap) -> Inventory:
    state = CoverageState.PARTIAL if gaps else CoverageState.COMPLETE
    with Spool(path, sources=("s",), server=None, scope=Scope()) as spool:
        for number, (organization, project) in keys:
            spool.add("sentry_key", changed(id=number), organization=organization, project=project)
        spool.finish({"sentry_key": TableCoverage(state, "because" if gaps else "", gaps)})
    return Inventory((RawInput(path, Layout.INVENTORY_LINES, path.name),), ())


def loaded(inventory: Inventory, scope: Scope) -> tuple[Loaded, set[str]]:
    with fresh() as connection:
        found = load(connection, inventory, scope, AS_OF, ALL)
        ids = connection.execute("SELECT id FROM sentry_key").fetchall()
    return found, {number for (number,) in ids}


@pytest.mark.parametrize(
    ("scope", "left", "unplaced"),
    [
        (Scope(), {"a1", "a2", "b1", "a0", "01", "00"}, set()),
        (Scope(("acme",)), {"a1", "a2", "a0", "01", "00"}, {None}),
        (Scope((), ("web",)), {"a1", "b1", "a0", "01", "00"}, {"acme", None}),
        (Scope(("acme",), ("api",)), {"a2", "a0", "00"}, {"acme", None}),
        (Scope(("beta",)), {"b1", "01", "00"}, {None}),
    ],
)
def test_rows_without_a_place_stay_and_are_a_gap(
    tmp_path: Path, scope: Scope, left: set[str], unplaced: set[str | None]
) -> None:
    found, ids = loaded(world(tmp_path / "i.jsonl", WORLD), scope)
    assert ids == left
    coverage = found.coverage["sentry_key"]
    assert {gap.organization for gap in coverage.gaps} == unplaced
    assert (coverage.state is CoverageState.PARTIAL) == bool(unplaced)
    assert ("not tell the" in coverage.reason) == bool(unplaced)


def test_a_key_of_an_unlisted_project_stays(tmp_path: Path) -> None:
    inputs = (
        api(tmp_path / "p.json", [PROJECT], "sentry_project", organization="acme"),
        api(tmp_path / "k.json", [KEY, changed(id="k2", projectId=8)], organization="acme"),
    )
    found = rows(*inputs, scope=Scope(("acme",), ("shop",)))
    assert {row["id"]: row["project_slug"] for row in found} == {"k1": "shop", "k2": None}
    with fresh() as connection:
        coverage = fill(connection, *inputs, scope=Scope(("acme",), ("shop",))).coverage
    assert coverage["sentry_key"].gaps[0].organization == "acme"
    assert "1 client key does not tell the project" in coverage["sentry_key"].reason


@pytest.mark.parametrize(
    ("scope", "places", "says"),
    [
        (Scope(("acme", "typo")), {("typo", None)}, "It has 'acme', 'beta'."),
        (Scope(("acme", "betta")), {("betta", None)}, "Did you mean 'beta'?"),
        (Scope(("ACME",)), {("ACME", None)}, "Did you mean 'acme'?"),
        (Scope(("acme",), ("web", "wep")), {(None, "wep")}, "Did you mean 'web'?"),
        (Scope((), ("web", "api", "x", "x")), {(None, "x")}, "no project 'x'"),
        (Scope(("beta",), ("api",)), {(None, "api")}, "It has 'web'."),
        (Scope(("acme", "beta"), ("api", "web")), set(), ""),
        (Scope(("o", "p"), ("q",)), {("o", None), ("p", None), (None, "q")}, "It tells none."),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_a_gap_of_its_own(
    tmp_path: Path, scope: Scope, places: set[SlugPair], says: str
) -> None:
    found, _ = loaded(world(tmp_path / "i.jsonl", WORLD[:3]), scope)
    coverage = found.coverage["sentry_key"]
    assert {(gap.organization, gap.project) for gap in coverage.gaps} == places
    assert (coverage.state is CoverageState.PARTIAL) == bool(places)
    assert says in coverage.reason


SLUGS = st.sampled_from(["a", "b", "c"])


@settings(deadline=None)
@given(
    st.sets(st.tuples(SLUGS | st.none(), SLUGS | st.none())),
    st.lists(SLUGS, max_size=3),
    st.lists(SLUGS, max_size=3),
)
def test_each_name_is_seen_or_a_gap(
    seen: set[SlugPair], organizations: list[str], projects: list[str]
) -> None:
    gaps = unseen(Scope(tuple(organizations), tuple(projects)), seen)
    lost = {gap.organization for gap in gaps if gap.organization}
    assert lost == set(organizations) - {place[0] for place in seen}
    inside = {p for o, p in seen if not organizations or o is None or o in organizations}
    assert {gap.project for gap in gaps if gap.project} == set(projects) - inside
    assert len(gaps) == len({(gap.organization, gap.project) for gap in gaps})


def test_a_gap_that_the_source_told_is_not_told_twice(tmp_path: Path) -> None:
    denied = Gap("there is no such organization", "typo")
    found, _ = loaded(world(tmp_path / "i.jsonl", WORLD[:1], denied), Scope(("acme", "typo")))
    assert found.coverage["sentry_key"].gaps == (denied,)


def test_a_project_without_keys_was_seen_if_the_inventory_says_so(tmp_path: Path) -> None:
    with Spool(tmp_path / "i.jsonl", sources=("s",), server=None, scope=Scope()) as spool:
        spool.add("sentry_project", PROJECT, organization="acme", project="shop")
        other = {**PROJECT, "id": "8", "slug": "empty"}
        spool.add("sentry_project", other, organization="acme", project="empty")
        spool.add("sentry_key", KEY, organization="acme", project="shop")
        spool.finish({"sentry_key": COMPLETE, "sentry_project": COMPLETE})
    inventory = Inventory((RawInput(spool.path, Layout.INVENTORY_LINES, "i"),), ())
    found, ids = loaded(inventory, Scope(("acme",), ("shop", "empty")))
    assert ids == {"k1"}
    assert found.coverage["sentry_key"].state is CoverageState.COMPLETE


def test_listed_projects_without_a_key_in_an_export_are_gaps(tmp_path: Path) -> None:
    projects = [PROJECT, *({"id": str(n), "slug": f"p{n}"} for n in range(10, 16))]
    inputs = (
        api(tmp_path / "p.json", projects, "sentry_project", organization="acme"),
        api(tmp_path / "k.json", [KEY], organization="acme"),
    )
    with fresh() as connection:
        coverage = fill(connection, *inputs).coverage["sentry_key"]
    assert {(gap.organization, gap.project) for gap in coverage.gaps} == {
        ("acme", f"p{n}") for n in range(10, 16)
    }
    with fresh() as connection:
        narrowed = fill(connection, *inputs, scope=Scope(("acme",), ("shop",)))
    assert narrowed.coverage["sentry_key"].state is CoverageState.COMPLETE


@pytest.mark.parametrize(
    ("listed", "label", "gaps"),
    [
        (["acme"], "acme", set()),
        (["acme"], None, set()),
        (["acme", "empty"], "acme", {"empty"}),
        (["acme", "empty"], None, {"acme", "empty"}),
    ],
)
def test_a_listed_organization_without_a_key_in_an_export_is_a_gap(
    tmp_path: Path, listed: list[str], label: str | None, gaps: set[str]
) -> None:
    records = [{"id": slug, "slug": slug} for slug in listed]
    inputs = (
        api(tmp_path / "o.json", records, "sentry_organization"),
        api(tmp_path / "k.json", [KEY], organization=label),
    )
    with fresh() as connection:
        found = fill(connection, *inputs)
    assert {gap.organization for gap in found.coverage["sentry_key"].gaps} == gaps
    # Nor is one said to be empty of which the keys may be.
    assert found.warnings == ()


def test_an_organization_that_was_seen_to_be_empty_is_said(tmp_path: Path) -> None:
    with Spool(tmp_path / "i.jsonl", sources=("s",), server=None, scope=Scope()) as spool:
        for slug in ("acme", "empty"):
            record = {"id": slug, "slug": slug}
            spool.add("sentry_organization", record, organization=slug, project=None)
        spool.add("sentry_key", KEY, organization="acme", project="shop")
        spool.finish({"sentry_key": COMPLETE, "sentry_organization": COMPLETE})
    inventory = Inventory((RawInput(spool.path, Layout.INVENTORY_LINES, "i"),), ())
    found, _ = loaded(inventory, Scope())
    assert found.warnings == ("the organization 'empty' has no client key",)
    assert found.coverage["sentry_key"].state is CoverageState.COMPLETE


@pytest.mark.parametrize(
    ("table", "counted", "whole"),
    [
        ("sentry_integration", True, True),
        ("sentry_integration", False, False),
        ("sentry_org_auth_token", True, True),
        ("sentry_project", True, False),
        ("sentry_organization", True, False),
        ("sentry_token", True, False),
    ],
)
def test_a_table_without_a_row_is_seen_only_where_that_was_counted(
    tmp_path: Path, table: str, counted: object, whole: object
) -> None:
    path = tmp_path / "i.jsonl"
    with Spool(path, sources=("s",), server=None, scope=Scope()) as spool:
        spool.add("sentry_key", KEY, organization="acme", project="shop")
        spool.finish({"sentry_key": COMPLETE} | ({table: COMPLETE} if counted else {}))
    inventory = Inventory(
        (RawInput(path, Layout.INVENTORY_LINES, "i"),), (), {} if counted else {table: COMPLETE}
    )
    found, _ = loaded(inventory, Scope())
    assert (found.coverage[table].state is CoverageState.COMPLETE) is whole
    assert found.coverage["sentry_key"].state is CoverageState.COMPLETE


@pytest.mark.parametrize(
    ("asked", "slugs"),
    [
        (Scope(("1",), ("12",)), Scope(("acme",), ("web",))),
        (Scope(("acme", "1"), ("web", "12")), Scope(("acme",), ("web",))),
        (Scope((), ("11", "12")), Scope((), ("11", "web"))),  # a number that is a slug is one
        (Scope(("9",), ("12",)), Scope(("9",), ("web",))),
    ],
)
def test_ids_are_known_by_the_lists_that_tell_their_slugs(
    tmp_path: Path, asked: Scope, slugs: Scope
) -> None:
    path = tmp_path / "inventory.jsonl"
    with Spool(path, sources=("s",), server=None, scope=Scope()) as spool:
        home = {"id": "1", "slug": "acme"}
        spool.add("sentry_organization", home, organization="acme", project=None)
        for number, slug in (("10", "11"), ("11", "api"), ("12", "web")):
            project = {"id": number, "slug": slug}
            spool.add("sentry_project", project, organization="acme", project=slug)
            spool.add("sentry_key", changed(id=slug), organization="acme", project=slug)
        names = ("sentry_organization", "sentry_project", "sentry_key")
        spool.finish(dict.fromkeys(names, COMPLETE))
    inventory = Inventory((RawInput(path, Layout.INVENTORY_LINES, path.name),), ())
    found, ids = loaded(inventory, asked)
    assert found.scope == slugs
    assert ids == (set() if "9" in slugs.organizations else set(slugs.projects))
    lost = {gap.organization for gap in found.coverage["sentry_key"].gaps}
    assert lost - {None} == {one for one in slugs.organizations if one == "9"}
