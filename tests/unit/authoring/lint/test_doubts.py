"""Values that a column hardly has: misspelt ones, wildcards that are none, and other units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.lint.policies import lint

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.base.errors import Problem

PARAMS = """params:
  many: {type: strings, default: [web, 'legacy-*']}
  one: {type: string, default: 'org:raed'}
  limit: {type: rate, default: 90/s}
  most: {type: number, default: 5}
"""

TOLD = [
    ("sentry_key", "name not in ('web', «'legacy-%')", "no-wildcard", "name LIKE 'legacy-%'"),
    ("sentry_key", "name <> «'legacy-*'", "no-wildcard", "['legacy-*']"),
    ("sentry_key", "lower(trim(name)) <> «'legacy-*'", "no-wildcard", "LIKE"),
    ("sentry_key", "name = «'a%'", "no-wildcard", "LIKE"),
    ("sentry_key", "«'web-%' = name", "no-wildcard", "LIKE"),
    ("sentry_key", "name not in «$many", "no-wildcard", "name_matches_any"),
    ("sentry_key", "not list_contains(project_teams, «'web-*')", "no-wildcard", "one by one"),
    ("sentry_key", "not list_has_any(project_teams, ['a', «'web-*'])", "no-wildcard", "one by one"),
    ("sentry_token", "not list_contains(scopes, «'org.admin')", "unknown-value", "`org:admin`"),
    ("sentry_token", "not list_has_any(scopes, [«'org:amdin'])", "unknown-value", "`org:admin`"),
    ("sentry_token", "not list_contains(scopes, «$one)", "unknown-value", "`org:read`"),
    ("sentry_token", "kind <> «'User'", "unknown-value", "`user`"),
    ("sentry_integration", "status in ('internal', «'publisched')", "unknown-value", "`published`"),
    ("sentry_key", "rate_limit_count <= «$limit", "wrong-unit", "rate_limit_per_second"),
    ("sentry_key", "rate_limit_window between 1 and «$limit", "wrong-unit", "per_second"),
]  # fmt: skip

QUIET = [
    ("sentry_key", "name = 'web' and name like 'web-%' and contains(name, '%')"),
    ("sentry_key", "name_matches_any(name, ['web-*']) and label <> name"),
    ("sentry_key", "rate_limit_per_second <= $limit and rate_limit_count <= $most"),
    ("sentry_key", "regexp_matches(name, '^a*$') and list_contains(project_teams, 'web')"),
    ("sentry_token", "list_has_all(['org:read', 'org:ci'], scopes) and kind in ('user')"),
    ("sentry_organization", "status = 'anything'"),
]  # fmt: skip


def _found(folder: Path, resource: str, body: str) -> list[Problem]:
    path = folder / "p.yaml"
    rule = f"  - id: some-rule\n    resource: {resource}\n    severity: low\n"
    text = f"policy: p\nversion: 1.0.0\n{PARAMS}rules:\n{rule}    remediation: Mend it.\n{body}"
    path.write_text(text, "utf-8")
    codes = {"no-wildcard", "unknown-value", "wrong-unit"}
    problems = [one.problem for one in lint([str(path)], {}).diagnostics]
    assert {one.code for one in problems} <= codes | {"missing-tests", "unused-param"}
    return [one for one in problems if one.code in codes]


@pytest.mark.parametrize(("resource", "written", "code", "words"), TOLD)
@pytest.mark.parametrize("key", ["require", "where"])
def test_told_once_where_it_stands(
    tmp_path: Path, resource: str, written: str, code: str, words: str, key: str
) -> None:
    before, _, after = written.partition("«")
    other = "" if key == "require" else "    require: organization_slug = 'acme'\n"
    (problem,) = _found(tmp_path, resource, f"{other}    {key}: |-\n      {before}{after}\n")
    assert problem.code == code
    assert problem.location.column == len(before) + 7
    assert words in problem.hint


@pytest.mark.parametrize(("resource", "written"), QUIET)
def test_what_may_be_meant_is_left_alone(tmp_path: Path, resource: str, written: str) -> None:
    assert _found(tmp_path, resource, f"    require: |-\n      {written}\n") == []


def test_scopes_of_a_check_are_told_at_the_check(tmp_path: Path) -> None:
    body = (
        "    check: {scopes: {forbidden: ['org:admin', 'project:amdin'], allowed: ['org:rite']}}\n"
    )
    found = _found(tmp_path, "sentry_token", body)
    assert [one.code for one in found] == ["unknown-value"] * 2
    assert {one.location.column for one in found} == {13}
    assert [one.hint for one in found] == [
        "Did you mean `project:admin`?",
        "Did you mean `org:write`?",
    ]
