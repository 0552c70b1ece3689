"""A platform that is not set is a fact; one that nobody told is unknown."""

import json
from pathlib import Path

import pytest

from tests.acceptance.support import keypolicy

PROJECT = {"id": "1", "slug": "web", "name": "web", "hasAccess": True, "firstEvent": None}
KEY = {"id": "a", "name": "k", "isActive": True, "projectId": 1, "browserSdkVersion": "7.x"}


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (PROJECT | {"platform": None}, ""),
        (PROJECT | {"platform": ""}, ""),
        (PROJECT | {"platform": "javascript"}, "javascript"),
        (PROJECT | {"platforms": []}, None),
    ],
)
def test_platforms(tmp_path: Path, project: dict[str, object], expected: str | None) -> None:
    (tmp_path / "projects.json").write_text(json.dumps([project]), encoding="utf-8")
    (tmp_path / "keys.json").write_text(json.dumps([KEY]), encoding="utf-8")
    done = keypolicy(
        *("query", "SELECT project_platform AS it FROM sentry_key", "--format", "json"),
        *("--inventory", "projects.json", "--inventory", "keys.json", "--org", "acme"),
        cwd=tmp_path,
    )
    assert done.code == 0, done.err
    assert json.loads(done.out) == [{"it": expected}]
