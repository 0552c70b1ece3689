"""Windows in a whole scan of an inventory with a gap, and what explain says of it."""

import json
from pathlib import Path

import pytest

from tests.acceptance.support import Result, keypolicy, report

POLICY = """\
policy: windows
version: 1.0.0
title: Windows
rules:
  - id: few
    title: Few active keys
    resource: sentry_key
    severity: high
    check: {max_active_per_project: 1}
  - id: named-once
    title: Names are unique
    resource: sentry_key
    severity: high
    check: {unique_name: true}
  - id: own
    title: Own window
    resource: sentry_key
    severity: high
    require: count(*) over (partition by project_id) <= 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "windows.yaml").write_text(POLICY, "utf-8")
    keys = [("a", "web", 1), ("b", "app", 2)]
    header = {"version": 1, "tool": "t", "fetched_at": "2026-01-01T00:00:00Z", "sources": ["t"]}
    lines: list[object] = [{"kind": "inventory", "record": header}]
    for identity, slug, number in keys:
        record = {"id": identity * 32, "name": identity, "isActive": True, "projectId": number,
                  "dateCreated": "2025-12-01T00:00:00Z"}  # fmt: skip
        place = {"organization": "acme", "project": slug}
        lines.append({"kind": "sentry_key", **place, "record": record})
    gap = {"reason": "the server said 403", "organization": "acme", "project": "web"}
    coverage = {"state": "partial", "reason": "not all", "gaps": [gap], "rows": 2}
    lines.append({"kind": "end", "record": {"coverage": {"sentry_key": coverage}}})
    (tmp_path / "i.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    common = ("--inventory", "i.jsonl", "--policy", "windows.yaml")
    return keypolicy(*arguments, *common, "--as-of", "2026-01-01T00:00:00Z", cwd=folder)


def test_rows_beside_a_gap_are_unknown(folder: Path) -> None:
    done = run(folder, "scan", "--allow-partial", "-o", "r.json")
    assert done.code == 1, done.err
    found = report(folder / "r.json")
    outcomes = {
        (one["rule_id"], one["resource"]["name"], one["outcome"])
        for one in found["findings"]
        if one["resource"]["id"]
    }
    assert outcomes == {(rule, "a", "unknown") for rule in ("few", "named-once", "own")}
    assert all(one["counts"]["pass"] == 1 for one in found["rules"])


def test_explain_says_what_may_be_missing(folder: Path) -> None:
    done = run(folder, "explain", "own", "--key", "a")
    assert done.code == 0, done.err
    assert "UNKNOWN" in done.out
    assert "rows beside it may be missing (the server said 403)" in " ".join(done.out.split())
    assert "PASS" in run(folder, "explain", "own", "--key", "b").out
