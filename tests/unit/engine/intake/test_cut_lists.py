"""A list that was cut off lacks more than its own rows: what belongs to the places it lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.catalogue import TABLES
from scanner.engine.intake.load import load
from scanner.inventory.file import FileSource
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs, Scope
from scanner.providers.sentry.live.api import OrganizationBase, SentryApi
from scanner.providers.sentry.live.watch import ListQuery, Watch
from tests.unit.engine.support import AS_OF, fresh

WHOLE = CoverageState.COMPLETE
CUT = CoverageState.PARTIAL


def record(table: str, number: int) -> dict[str, Any]:
    """Return a record of an export in which every project and organization has what it may."""
    records: dict[str, dict[str, Any]] = {
        "sentry_organization": {"id": str(number), "slug": f"o{number}", "links": {}},
        "sentry_project": {"id": str(number), "slug": f"p{number}", "platform": None},
        "sentry_key": {"id": f"k{number}", "public": f"k{number}", "projectId": number},
        "sentry_integration": {
            "uuid": f"u{number}", "slug": f"s{number}", "scopes": [], "isAlertable": False
        },
    }  # fmt: skip
    return records[table]


def states(folder: Path, many: dict[str, int], *projects: str) -> dict[str, CoverageState]:
    """Load exports with so many records each; return how much of each table was seen."""
    paths = [path for path in folder.iterdir() if path.suffix == ".jsonl"]
    scope = Scope(projects=projects)
    for table, count in many.items():
        paths.append(folder / f"{table}.json")
        paths[-1].write_text(json.dumps([record(table, n + 1) for n in range(count)]), "utf-8")
    inventory = FileSource(paths, ("acme",), (), None).collect(scope, Needs.of(many), folder)
    with fresh() as connection:
        found = load(connection, inventory, scope, AS_OF, {}).coverage
    return {name: found[name].state for name in many}


@pytest.mark.parametrize("table", ["sentry_project", "sentry_integration", "sentry_organization"])
def test_a_full_page_may_not_be_all_of_a_table(tmp_path: Path, table: str) -> None:
    assert states(tmp_path, {table: 100}) == {table: CUT}
    assert states(tmp_path, {table: 99}) == {table: WHOLE}


def test_a_cut_list_of_projects_may_lack_keys(tmp_path: Path) -> None:
    found = states(tmp_path, {"sentry_project": 100, "sentry_key": 101})
    assert found == {"sentry_project": CUT, "sentry_key": CUT}


def test_keys_of_the_projects_that_a_scan_names_are_there(tmp_path: Path) -> None:
    found = states(tmp_path, {"sentry_project": 100, "sentry_key": 99}, "p1")
    assert found["sentry_key"] is WHOLE


def test_a_cut_list_of_organizations_may_lack_all_that_is_in_them(tmp_path: Path) -> None:
    many = {"sentry_organization": 100, "sentry_project": 2, "sentry_key": 2}
    assert set(states(tmp_path, many).values()) == {CUT}


def test_an_inventory_says_itself_which_keys_it_has(tmp_path: Path) -> None:
    with Spool(tmp_path / "i.jsonl", sources=(), server=None, scope=Scope()) as spool:
        for number in range(1, 102):
            place = {"organization": "acme", "project": f"p{number}"}
            spool.add("sentry_key", record("sentry_key", number), **place)
        spool.finish({"sentry_key": TableCoverage(WHOLE, "")})
    found = states(tmp_path, {"sentry_project": 100})
    assert found == {"sentry_project": CUT}
    paths = [tmp_path / "i.jsonl", tmp_path / "sentry_project.json"]
    inventory = FileSource(paths, ("acme",), (), None).collect(Scope(), Needs.of([]), tmp_path)
    with fresh() as connection:
        coverage = load(connection, inventory, Scope(), AS_OF, {}).coverage
    assert coverage["sentry_key"].state is WHOLE


def test_every_list_that_is_read_by_pages_has_a_full_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ListQuery] = []
    monkeypatch.setattr(SentryApi, "_pages", lambda _, query, *__: asked.append(query))
    api, place, watch = object.__new__(SentryApi), OrganizationBase("acme", "https://s"), Watch()
    api._base, api._status = "https://s", {}
    api.organizations(watch)
    api.projects(place, watch)
    api.organization_keys(place, watch, set())
    api.project_keys(place, watch, "web")
    api.integrations(place, watch)
    api.org_auth_tokens(place, watch)
    api.api_keys(place, watch)
    assert {query.table for query in asked if query.paged} == {
        name for name, table in TABLES.items() if table.pages
    }
