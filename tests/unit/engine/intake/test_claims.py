"""What an inventory says that it was asked for is held against what it has and calls complete."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.engine.database import connect
from scanner.engine.intake.load import load
from scanner.inventory.file import FileSource
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs, Scope
from tests.unit.engine.support import AS_OF

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
    with connect() as connection:
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
    for table in ("sentry_key", "sentry_project"):
        found = covered(path)[table]
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


def test_what_a_scan_leaves_out_is_not_missing(tmp_path: Path) -> None:
    scope = {"scope": {"organizations": ["acme", "globex"]}}
    one = write(tmp_path / "a.jsonl", scope, COMPLETE, "acme")
    two = write(tmp_path / "b.jsonl", scope, COMPLETE, "globex")
    narrowed = covered(one, two, scope=Scope(("acme",)))
    assert narrowed["sentry_key"].state is CoverageState.COMPLETE
