"""What an inventory says that it was asked for is held against what it has and calls complete."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.engine.intake.load import load
from scanner.inventory.file import FileSource
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs, Scope
from tests.unit.engine.support import AS_OF, fresh

FETCHED = {"reason": "Only active keys were asked for.", "organization": None, "project": None}
GONE = {"reason": "There is no such project.", "organization": "acme", "project": "api"}
DENIED = {"reason": "The token may not.", "organization": "globex", "project": None}
COMPLETE: dict[str, Any] = {"state": "complete", "reason": ""}


def partial(*gaps: dict[str, Any]) -> dict[str, Any]:
    return {"state": "partial", "reason": "because", "gaps": list(gaps)}


def write(path: Path, header: dict[str, Any], keys: dict[str, Any], organization: str) -> Path:
    place = {"organization": organization, "project": "web"}
    project = {"id": organization, "slug": "web"}
    lines = [
        {"kind": "inventory", "record": {"version": 1, **header}},
        {"kind": "sentry_project", **place, "record": project},
        {"kind": "sentry_key", **place, "record": {"id": f"k-{organization}"}},
        {"kind": "end", "record": {"coverage": {"sentry_key": keys, "sentry_project": COMPLETE}}},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    return path


def covered(*paths: Path, scope: Scope | None = None) -> dict[str, TableCoverage]:
    asked = scope or Scope()
    inventory = FileSource(paths, (), (), None).collect(asked, Needs.of([]), Path())
    with fresh() as connection:
        return load(connection, inventory, asked, AS_OF, {}).coverage


def keys_of(folder: Path, header: dict[str, Any], keys: dict[str, Any]) -> TableCoverage:
    return covered(write(folder / "i.jsonl", header, keys, "acme"))["sentry_key"]


def test_filtered_keys_are_not_all(tmp_path: Path) -> None:
    path = write(tmp_path / "i.jsonl", {"filters": {"status": "active"}}, COMPLETE, "acme")
    found = covered(path)
    assert found["sentry_key"].state is CoverageState.PARTIAL
    assert "only keys of status 'active'" in found["sentry_key"].reason
    assert found["sentry_project"].state is CoverageState.COMPLETE


def test_a_fetch_tells_its_filter_itself(tmp_path: Path) -> None:
    found = keys_of(tmp_path, {"filters": {"status": "active"}}, partial(FETCHED))
    assert [gap.reason for gap in found.gaps] == [FETCHED["reason"]]


@pytest.mark.parametrize(
    ("scope", "gaps"),
    [
        ({}, []),
        ({"organizations": ["acme"]}, []),
        ({"organizations": ["acme"], "projects": ["web"]}, []),
        ({"organizations": ["acme", "globex"]}, [("globex", None)]),
        ({"organizations": ["globex"]}, [("globex", None)]),
        ({"projects": ["web", "api"]}, [(None, "api")]),
        ({"projects": ["webb"]}, [(None, "webb")]),
        ({"organizations": ["acme", "globex"], "projects": ["api"]},
         [("globex", None), (None, "api")]),
    ],
)  # fmt: skip
def test_a_place_that_was_asked_for_and_is_not_there_is_a_gap(
    tmp_path: Path, scope: dict[str, Any], gaps: list[tuple[str | None, str | None]]
) -> None:
    path = write(tmp_path / "i.jsonl", {"scope": scope}, COMPLETE, "acme")
    told = covered(path)
    for found in (told["sentry_key"], told["sentry_project"]):
        assert [(gap.organization, gap.project) for gap in found.gaps] == gaps
        assert (found.state is CoverageState.COMPLETE) == (not gaps)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({"projects": ["web", "api"]}, GONE),
        ({"organizations": ["acme", "globex"]}, DENIED),
        ({"organizations": ["acme", "globex"], "projects": ["web", "api"]}, DENIED),
        ({"projects": ["api"]}, FETCHED),
    ],
)
def test_what_a_gap_tells_is_told_once(
    tmp_path: Path, scope: dict[str, Any], told: dict[str, Any]
) -> None:
    found = keys_of(tmp_path, {"scope": scope}, partial(told))
    assert [gap.reason for gap in found.gaps] == [told["reason"]]


def test_another_file_may_have_the_place(tmp_path: Path) -> None:
    scope = {"scope": {"organizations": ["acme", "globex"]}}
    one = write(tmp_path / "a.jsonl", scope, COMPLETE, "acme")
    two = write(tmp_path / "b.jsonl", scope, COMPLETE, "globex")
    assert covered(one, two)["sentry_key"].state is CoverageState.COMPLETE


REFUSED = {"reason": "Give it with --inventory.", "organization": "acme", "project": None}


def with_export(
    folder: Path, table: str, coverage: dict[str, Any], record: dict[str, Any], organization: str
) -> TableCoverage:
    """Load an inventory with this coverage of a table, and a saved answer of an organization."""
    lines: list[dict[str, Any]] = [
        {"kind": "inventory", "record": {"version": 1}},
        {"kind": "end", "record": {"coverage": {table: coverage}}},
    ]
    path, export = folder / "i.jsonl", folder / "export.json"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    export.write_text(json.dumps([record]), "utf-8")
    source = FileSource((path, export), (organization,), (), None)
    with fresh() as connection:
        inventory = source.collect(Scope(), Needs.of([]), Path())
        return load(connection, inventory, Scope(), AS_OF, {}).coverage[table]


LISTS: dict[str, dict[str, Any]] = {
    "sentry_api_key": {"id": "1", "label": "ci", "scope_list": []},
    "sentry_org_auth_token": {"id": "1", "scopes": [], "dateLastUsed": None},
    "sentry_integration": {"uuid": "u", "slug": "s", "scopes": [], "verifyInstall": False},
}


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("state", ["denied", "partial", "absent"])
def test_a_list_as_a_person_saved_it_makes_up_for_a_refusal(
    tmp_path: Path, table: str, state: str
) -> None:
    """As the message of the refusal says."""
    claim = {"state": state, "reason": REFUSED["reason"], "gaps": [REFUSED], "rows": 0}
    found = with_export(tmp_path, table, claim, LISTS[table], "acme")
    assert (found.state, found.gaps) == (CoverageState.COMPLETE, ())


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("state", ["denied", "partial"])
def test_a_list_makes_up_for_its_own_organization_alone(
    tmp_path: Path, table: str, state: str
) -> None:
    claim = {"state": state, "reason": "because", "gaps": [REFUSED, DENIED], "rows": 0}
    found = with_export(tmp_path, table, claim, LISTS[table], "acme")
    assert found.state is CoverageState.PARTIAL
    assert [gap.reason for gap in found.gaps] == [DENIED["reason"]]


def test_a_saved_page_of_keys_makes_up_for_nothing(tmp_path: Path) -> None:
    key = {"id": "k", "public": "k"}
    found = with_export(tmp_path, "sentry_key", partial(REFUSED), key, "acme")
    assert found.state is CoverageState.PARTIAL
    assert REFUSED["reason"] in [gap.reason for gap in found.gaps]


def test_what_a_scan_leaves_out_is_not_missing(tmp_path: Path) -> None:
    scope = {"scope": {"organizations": ["acme", "globex"]}}
    one = write(tmp_path / "a.jsonl", scope, COMPLETE, "acme")
    two = write(tmp_path / "b.jsonl", scope, COMPLETE, "globex")
    narrowed = covered(one, two, scope=Scope(("acme",)))
    assert narrowed["sentry_key"].state is CoverageState.COMPLETE
