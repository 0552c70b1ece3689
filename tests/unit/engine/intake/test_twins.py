import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import InventoryFileError
from scanner.base.text import plural
from scanner.engine.intake.load import Loaded, load
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from tests.unit.engine.intake.test_load import ALL, CANARY, KEY, api, changed, fill
from tests.unit.engine.support import AS_OF, fresh

WHOLE = TableCoverage(CoverageState.COMPLETE, "")
INTEGRATION = {"uuid": "u1", "slug": "bot", "scopes": ["org:read"], "events": ["a", "b"]}


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (changed(isActive=False), "is_active"),
        (changed(isActive=None), "is_active"),
        (changed(projectId=8), "project_id"),
        (changed(name="a"), "name, title"),
        (changed(dateCreated="2020-01-01"), "date_created"),
        (changed(rateLimit=None), "rate_limit, has_rate_limit"),
        ({"id": "k1"}, "name, "),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_two_facts_under_one_id_are_refused_with_both_places(
    tmp_path: Path, other: dict[str, Any], differs: str, order: int
) -> None:
    one = api(tmp_path / "a.json", [KEY], organization="acme")
    two = api(tmp_path / "b.json", [other], organization="acme")
    with fresh() as connection, pytest.raises(InventoryFileError) as refused:
        fill(connection, *(one, two)[::order])
    told = str(refused.value)
    assert f"the client key k1 comes twice, with different {differs}" in told
    assert "a.json (acme)" in told
    assert "b.json (acme)" in told
    assert CANARY not in told


@pytest.mark.parametrize("place", [{"project": "web"}, {"organization": "other"}])
def test_one_key_in_two_places_is_refused(tmp_path: Path, place: dict[str, str]) -> None:
    one = api(tmp_path / "a.json", [KEY], organization="acme", project="api")
    two = api(tmp_path / "b.json", [KEY], **{"organization": "acme", "project": "api", **place})
    with fresh() as connection, pytest.raises(InventoryFileError, match=r"acme/api.* and in b"):
        fill(connection, one, two)


def test_ids_of_other_tables_are_of_one_organization(tmp_path: Path) -> None:
    kind = "sentry_integration"
    one = api(tmp_path / "a.json", [INTEGRATION], kind, organization="acme")
    two = api(tmp_path / "b.json", [INTEGRATION | {"slug": "x"}], kind, organization="beta")
    with fresh() as connection:
        assert fill(connection, one, two).rows[kind] == 2


def shuffled(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(record.items())).map(dict)


@settings(deadline=None, max_examples=30)
@given(st.lists(shuffled(KEY), min_size=2, max_size=5))
def test_records_that_say_the_same_are_one(tmp_path_factory: Any, records: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("same")
    half = len(records) // 2
    inputs = api(folder / "a.json", records[:half]), api(folder / "b.json", records[half:])
    with fresh() as connection:
        loaded = fill(connection, *inputs)
    assert loaded.rows["sentry_key"] == 1
    again = plural(len(records) - 1, "record")
    assert loaded.warnings == (f"{again} of sentry_key came twice; one of each was kept",)


def test_the_order_of_lists_and_fields_is_no_fact(tmp_path: Path) -> None:
    limit = {"count": 30, "window": 60}
    keys = api(tmp_path / "k.json", [KEY, changed(rateLimit=limit)])
    other = INTEGRATION | {"events": ["b", "a"]}
    apps = api(tmp_path / "i.json", [INTEGRATION, other], "sentry_integration")
    with fresh() as connection:
        rows = fill(connection, keys, apps).rows
    assert (rows["sentry_key"], rows["sentry_integration"]) == (1, 1)


def test_twins_are_told_where_little_of_their_projects_is_loaded(tmp_path: Path) -> None:
    keys = [api(tmp_path / f"{n}.json", [KEY], organization="acme") for n in range(2)]
    project = {"id": "7", "slug": "shop", "platform": "python"}
    projects = api(tmp_path / "p.json", [project], "sentry_project", organization="acme")
    inventory = Inventory((*keys, projects), ())
    with fresh() as connection:
        loaded = load(connection, inventory, Scope(), AS_OF, {})
    assert loaded.rows["sentry_key"] == 1


COMPLETE = TableCoverage(CoverageState.COMPLETE, "")


def inventory(
    path: Path, *, live: bool, second: dict[str, Any] | None = None, covers: str = "sentry_key"
) -> Loaded:
    with Spool(path, sources=("s",), server=None, scope=Scope()) as spool:
        for record in (KEY, second or changed(isActive=False)):
            spool.add("sentry_key", record, organization="acme", project="web")
        spool.finish({covers: COMPLETE})
    raw = RawInput(path, Layout.INVENTORY_LINES, path.name)
    with fresh() as connection:
        return load(connection, Inventory((raw,), (), live=live), Scope(), AS_OF, ALL)


def test_a_server_that_contradicts_itself_was_not_seen_whole(tmp_path: Path) -> None:
    loaded = inventory(tmp_path / "i.jsonl", live=True)
    coverage = loaded.coverage["sentry_key"]
    assert coverage.state is CoverageState.PARTIAL
    (gap,) = coverage.gaps
    assert (gap.organization, gap.project) == ("acme", "web")
    assert "twice, with different is_active" in gap.reason


def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match=r"i\.jsonl .acme/web. and in i\.jsonl"):
        inventory(tmp_path / "i.jsonl", live=False)


def test_an_id_that_quotes_a_credential_is_redacted(tmp_path: Path) -> None:
    quoted = "sntryu_" + "0123456789abcdef"
    records = [changed(id=quoted), changed(id=quoted, isActive=False)]
    raw = api(tmp_path / "k.json", json.loads(json.dumps(records)))
    with fresh() as connection, pytest.raises(InventoryFileError) as refused:
        fill(connection, raw)
    assert quoted not in str(refused.value)


def test_twins_of_what_the_last_line_does_not_tell_of_are_not_seen(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    loaded = inventory(path, live=False, second=KEY, covers="sentry_integration")
    assert loaded.rows["sentry_key"] == 1
    assert loaded.coverage["sentry_key"].state is CoverageState.ABSENT


@pytest.mark.parametrize("live", [True, False])
def test_one_slug_of_two_projects_is_a_contradiction(tmp_path: Path, *, live: bool) -> None:
    projects = [{"id": number, "slug": "web"} for number in ("1", "2")]
    one, two = (
        api(tmp_path / f"{number}.json", [project], "sentry_project", organization="acme")
        for number, project in enumerate(projects)
    )
    keys = api(tmp_path / "k.json", [KEY], organization="acme", project="web")
    inventory = Inventory((one, two, keys), (), {"sentry_project": WHOLE}, live=live)
    with fresh() as connection:
        if not live:
            with pytest.raises(InventoryFileError, match=r"two ids, 1 and 2: in 0.* and in 1"):
                load(connection, inventory, Scope(), AS_OF, ALL)
            return
        coverage = load(connection, inventory, Scope(), AS_OF, ALL).coverage["sentry_project"]
    assert coverage.state is CoverageState.PARTIAL
    assert {(gap.organization, gap.project) for gap in coverage.gaps} == {("acme", "web")}


@pytest.mark.parametrize("homes", [("acme", "beta"), (None, None)])
def test_organizations_may_share_a_slug(tmp_path: Path, homes: tuple[str | None, ...]) -> None:
    raws = [
        api(
            tmp_path / f"{number}.json",
            [{"id": str(number), "slug": "web"}],
            "sentry_project",
            organization=home,
        )
        for number, home in enumerate(homes)
    ]
    with fresh() as connection:
        assert (
            load(connection, Inventory(tuple(raws), ()), Scope(), AS_OF, ALL).rows["sentry_project"]
            == 2
        )
