"""What an inventory file says of itself has to be possible; anything else is refused, placed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scanner.base.errors import InventoryFileError
from scanner.inventory.file import FileSource
from scanner.model.inventory import Scope
from scanner.pipeline import open_inventory

Line = dict[str, Any]

COVERED = {"state": "complete", "reason": "", "gaps": [], "rows": 1}
GAP = {"reason": "denied", "organization": "acme", "project": "web"}


def lines(**changes: Any) -> list[Line]:
    """Return a sound file's lines: `header`, `key`, `ending` and `coverage` change them."""
    header = {"version": 1, "scope": {"organizations": ["acme"]}, "filters": {}}
    key = {"kind": "sentry_key", "organization": "acme", "project": "web", "record": {"id": "k"}}
    coverage = {"sentry_key": {**COVERED, **changes.get("coverage", {})}}
    return [
        {"kind": "inventory", "record": {**header, **changes.get("header", {})}},
        {**key, **changes.get("key", {})},
        {"kind": "end", "record": {"coverage": coverage, **changes.get("ending", {})}},
    ]


def write(path: Path, content: list[Line]) -> None:
    texts = [json.dumps(line) for line in content]
    array = path.suffix == ".json"
    path.write_text(f"[{','.join(texts)}]" if array else "\n".join(texts) + "\n", "utf-8")


def read(path: Path) -> int:
    source = FileSource([path], (), (), None)
    with open_inventory(source, Scope(), datetime(2026, 1, 1, tzinfo=UTC)) as opened:
        found = opened.connection.execute("SELECT count(*) FROM sentry_key").fetchone()
        return int(found[0]) if found else 0


IMPOSSIBLE: list[tuple[dict[str, Any], int, str]] = [
    ({"key": {"kind": "sentry_keys"}}, 2, "unknown kind 'sentry_keys'"),
    ({"key": {"kind": "End"}}, 2, "unknown kind 'End'"),
    ({"key": {"kind": ""}}, 2, "unknown kind ''"),
    ({"key": {"kind": None}}, 2, "no kind"),
    ({"key": {"kind": 1}}, 2, "no kind"),
    ({"key": {"kind": []}}, 2, "no kind"),
    ({"key": {"kind": {"a": 1}}}, 2, "no kind"),
    ({"key": {"organization": 7}}, 2, "expected a slug or null"),
    ({"key": {"organization": True}}, 2, "expected a slug or null"),
    ({"key": {"organization": ["acme"]}}, 2, "expected a slug or null"),
    ({"key": {"organization": ""}}, 2, "expected a slug or null, found an empty text"),
    ({"key": {"project": 7}}, 2, "expected a slug or null"),
    ({"key": {"project": {"slug": "web"}}}, 2, "expected a slug or null"),
    ({"key": {"project": " "}}, 2, "expected a slug or null"),
    ({"header": {"version": 2}}, 1, "format version 2"),
    ({"header": {"version": "1"}}, 1, "format version 1"),
    ({"header": {"version": True}}, 1, "format version True"),
    ({"header": {"scope": {"organizations": "acme"}}}, 1, "expected "),
    ({"header": {"scope": {"projects": [7]}}}, 1, "expected "),
    ({"header": {"scope": []}}, 1, "expected "),
    ({"header": {"filters": ["status"]}}, 1, "expected "),
    ({"header": {"filters": {"status": 1}}}, 1, "expected "),
    ({"header": {"filters": {"state": "active"}}}, 1, "leaves out records by 'state'"),
    ({"ending": {"coverage": {"keys": COVERED}}}, 3, "covers 'keys', which is no table"),
    ({"ending": {"coverage": []}}, 3, "expected "),
    ({"coverage": {"gaps": [GAP]}}, 3, "complete and lists what was not seen"),
    ({"coverage": {"rows": -1}}, 3, "counts -1 as the number"),
    ({"coverage": {"rows": 1.5}}, 3, "expected "),
    ({"coverage": {"rows": "1"}}, 3, "expected "),
    ({"coverage": {"state": "whole"}}, 3, "not a value that it can have"),
    ({"coverage": {"state": "absent"}}, 3, "calls sentry_key absent and counts 1 record of it"),
    ({"coverage": {"state": "partial", "gaps": [{**GAP, "project": 7}]}}, 3, "expected "),
]


@pytest.mark.parametrize("form", [".jsonl", ".json"])
@pytest.mark.parametrize(("changes", "line", "says"), IMPOSSIBLE)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], line: int, says: str, form: str
) -> None:
    path = tmp_path / f"i{form}"
    write(path, lines(**changes))
    with pytest.raises(InventoryFileError) as refusal:
        read(path)
    assert says in refusal.value.message
    assert refusal.value.where.startswith(f"{path}:{line if form == '.jsonl' else 1}:")
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"header": {"scope": None}},
        {"header": {"scope": {"organizations": [], "projects": ["web"]}}},
        {"header": {"filters": {"status": "active"}}},
        {"key": {"organization": None, "project": None}},
        {"coverage": {"state": "partial", "gaps": [GAP]}},
        {"coverage": {"state": "partial", "gaps": [{"reason": "all"}], "rows": None}},
    ],
)
def test_what_can_be_is_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path / "i.jsonl", lines(**changes))
    assert read(tmp_path / "i.jsonl") == 1


@pytest.mark.parametrize(
    ("organization", "record", "says"),
    [
        ("'acme'", '{"coverage": {"sentry_key": {"state": "complete", "reason": ""}}}', ""),
        ("7", '{"coverage": {}}', "expected a slug or null"),
        (
            "'acme'",
            '{"coverage": {"sentry_key": {"state": "x", "reason": ""}}}',
            "not a value that",
        ),
    ],
)
def test_parquet_is_held_to_the_same(
    tmp_path: Path, organization: str, record: str, says: str
) -> None:
    path = tmp_path / "i.parquet"
    duckdb.execute(
        f"COPY (SELECT * FROM (VALUES ('inventory', NULL, NULL, '{{\"version\": 1}}'),"
        f" ('sentry_key', {organization}, 'web', '{{\"id\": \"k\"}}'), ('end', NULL, NULL,"
        f" '{record}')) AS t(kind, organization, project, record)) TO '{path}'"
    )
    if not says:
        assert read(path) == 1
        return
    with pytest.raises(InventoryFileError, match=says):
        read(path)


def written(path: Path, texts: list[str]) -> None:
    path.write_text(
        f"[{','.join(texts)}]" if path.suffix == ".json" else "\n".join(texts) + "\n", "utf-8"
    )


TWICE = [
    ('"state": "complete"', '"state": "denied", "state": "complete"', 3),
    ('"state": "complete"', '"state": "complete", "state": "complete"', 3),
    ('"coverage":', '"coverage": {}, "coverage":', 3),
    ('"sentry_key": {', '"sentry_key": {"state": "denied", "reason": ""}, "sentry_key": {', 3),
    ('"record": {"coverage"', '"record": {"coverage": {}}, "record": {"coverage"', 3),
    ('"kind": "end"', '"kind": "sentry_key", "kind": "end"', 3),
    ('"kind": "end"', '"kind": "end", "kind": "end"', 3),
    ('"filters": {', '"filters": {"status": "active"}, "filters": {', 1),
    ('"organizations": ["acme"]', '"organizations": ["acme"], "organizations": []', 1),
    ('"version": 1', '"version": 2, "version": 1', 1),
]


@pytest.mark.parametrize("form", [".jsonl", ".json"])
@pytest.mark.parametrize(("what", "twice", "line"), TWICE)
def test_a_member_of_the_envelope_comes_once(
    tmp_path: Path, what: str, twice: str, line: int, form: str
) -> None:
    path = tmp_path / f"i{form}"
    texts = [json.dumps(content) for content in lines()]
    assert texts[line - 1].count(what) == 1
    texts[line - 1] = texts[line - 1].replace(what, twice)
    written(path, texts)
    with pytest.raises(InventoryFileError, match="comes twice") as refusal:
        read(path)
    assert refusal.value.where.startswith(f"{path}:{line if form == '.jsonl' else 1}:")
    assert "Error" not in str(refusal.value)


def test_a_member_of_the_envelope_comes_once_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "i.parquet"
    end = '{"coverage": {"sentry_key": {"state": "denied", "state": "complete", "reason": ""}}}'
    duckdb.execute(
        f"COPY (SELECT * FROM (VALUES ('inventory', NULL, NULL, '{{\"version\": 1}}'),"
        f" ('sentry_key', 'acme', 'web', '{{\"id\": \"k\"}}'), ('end', NULL, NULL,"
        f" '{end}')) AS t(kind, organization, project, record)) TO '{path}'"
    )
    with pytest.raises(InventoryFileError, match="the member 'state' comes twice"):
        read(path)
