"""Test cases hold the fix that a plan would have, with the parameters of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.cases.junit import to_junit
from scanner.authoring.cases.rows import open_tables
from scanner.authoring.cases.run import run_cases
from scanner.cli.shared.test_text import failures
from tests.unit.policy.writing import write

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.authoring.cases.run import TestRun

POLICY = """\
params: {most: {type: integer, default: 500}}
rules:
  - id: limited
    resource: sentry_key
    severity: low
    check: {rate_limit: true}
    fix: {set_rate_limit: {count: $most}}
  - id: old
    resource: sentry_key
    severity: low
    require: name = 'new'
    fix: {delete: true}
  - id: bare
    resource: sentry_key
    severity: low
    require: name = 'new'
"""
CASES = """\
policy: p
as_of: 2026-01-01T00:00:00Z
cases:
  - name: a
    params: {most: MOST}
    rows:
      sentry_key:
        - {id: k, name: old, has_rate_limit: false}
        - {id: l, name: new}
    expect: {limited: {k: fail}, old: {k: fail, l: pass}, bare: {k: fail}}
    fixes: FIXES
"""


def run(folder: Path, fixes: str, most: int = 7) -> TestRun:
    path = write(folder, "p", POLICY)
    text = CASES.replace("FIXES", fixes).replace("MOST", str(most))
    (folder / "p.test.yaml").write_text(text, "utf-8")
    with open_tables() as connection:
        return run_cases(connection, [str(path)], {})


def test_what_is_expected_holds(tmp_path: Path) -> None:
    fixes = "{limited: {k: {rateLimit: {count: 7, window: 3600}}}, old: {k: null}}"
    done = run(tmp_path, fixes)
    assert done.problems == []
    assert not done.failed


@pytest.mark.parametrize(
    ("fixes", "instead"),
    [
        (
            "{limited: {k: {rateLimit: {count: 500, window: 3600}}}}",
            '{"rateLimit":{"count":7,"window":3600}}',
        ),
        ("{limited: {k: null}}", '{"rateLimit":{"count":7,"window":3600}}'),
        ("{old: {k: {}}}", "deleted"),
        ("{old: {l: null}}", "nothing: the row is pass"),
        ("{bare: {k: null}}", "the rule has no fix"),
    ],
)
def test_another_fix_is_a_failure_that_says_what_came(
    tmp_path: Path, fixes: str, instead: str
) -> None:
    (one,) = run(tmp_path, fixes).tested
    (failure,) = one.failures
    assert failure.fix == instead
    assert f"  + fix: {instead}" in failures(one)
    assert b"another fix" in to_junit([one])


def test_a_fix_of_a_row_that_nothing_is_expected_of_is_told(tmp_path: Path) -> None:
    (found,) = run(tmp_path, "{limited: {l: null}}").problems
    assert found.problem.code == "unknown-row"
    assert found.problem.message == "nothing is expected of rule `limited` on row `l`"
