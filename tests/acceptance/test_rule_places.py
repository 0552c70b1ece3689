"""Findings of shipped rules point at the line of the user's own file that brings them in."""

import json
from pathlib import Path

import pytest

from tests.acceptance.support import here, report

POLICY = """\
policy: ours
version: 1.0.0
extends:
  - sentry-baseline
override:
  key-max-age: {severity: low}
"""


def places(folder: Path, *arguments: str, **home: str) -> dict[str, tuple[str, int]]:
    """Return where SARIF, GitLab and GitHub show each rule; they have to agree."""
    scan = ("scan", "--demo", "--as-of", "2026-07-01", *arguments, "--format", "github")
    written = ("-o", "r.sarif", "-o", "r.gitlab.json")
    told = here(*scan, *written, cwd=folder, **home).out
    sarif = report(folder / "r.sarif")
    found: dict[str, tuple[str, int]] = {}
    for result in sarif["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        found[result["ruleId"].rpartition("/")[2]] = (
            place["artifactLocation"]["uri"],
            place["region"]["startLine"],
        )
    issues = json.loads((folder / "r.gitlab.json").read_text("utf-8"))
    for issue in issues:
        at = (issue["location"]["path"], issue["location"]["lines"]["begin"])
        assert at == found[issue["check_name"].rpartition("/")[2]]
    for file, line in found.values():
        assert f"file={file},line={line}" in told
    return found


def test_the_override_or_else_the_entry_of_extends(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(POLICY, encoding="utf-8")
    found = places(tmp_path, "--policy", "ours.yaml")
    assert found.pop("key-max-age") == ("ours.yaml", 6)
    assert set(found.values()) == {("ours.yaml", 4)}


@pytest.mark.parametrize(
    "text", ["policies:\n  - sentry-baseline\n", "policies: sentry-baseline\n"]
)
def test_the_line_of_the_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "keypolicy.yaml").write_text(f"# ours\n{text}", encoding="utf-8")
    assert set(places(tmp_path).values()) == {("keypolicy.yaml", 2)}


@pytest.mark.parametrize(
    ("marked", "settings", "place"),
    [
        (None, ".", "policies/ours.yaml"),
        (".", ".", "policies/ours.yaml"),
        (".", "keys", "keys/policies/ours.yaml"),  # as code scanning counts from the checkout
        ("keys/sub", "keys", "policies/ours.yaml"),  # a checkout within, that has no part in it
    ],
)
def test_from_a_folder_below_the_place_is_that_in_the_checkout(
    tmp_path: Path, marked: str | None, settings: str, place: str
) -> None:
    folder = tmp_path / "keys" / "sub"
    policies = tmp_path / settings / "policies"
    for one in (folder, policies):
        one.mkdir(parents=True)
    (policies / "ours.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / settings / "keypolicy.yaml").write_text("policies: [policies]\n", encoding="utf-8")
    if marked is not None:
        (tmp_path / marked / ".git").mkdir()
    assert {file for file, _ in places(folder, HOME=str(tmp_path)).values()} == {place}
