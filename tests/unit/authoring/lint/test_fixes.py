"""Lint tells fixes that mend nothing, and only where that is plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.lint.policies import lint
from tests.unit.policy.writing import write

if TYPE_CHECKING:
    from pathlib import Path


UNDEBUG = "fix: {set_loader_options: {debug: false}}"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{check: {rate_limit: 100/h}, fix: {set_rate_limit: {count: 1000}}}", "fix-never-passes"),
        ("{check: {rate_limit: 1000/h}, fix: {set_rate_limit: {count: 1000}}}", None),
        (
            "{check: {rate_limit: {max_window: 1m}}, fix: {set_rate_limit: {count: 1}}}",
            "fix-never-passes",
        ),
        ("{require: is_active, fix: {disable: true}}", "fix-never-passes"),
        ("{require: is_active, fix: {enable: true}}", None),
        # Whether it is old enough to be deleted is not known.
        ("{check: {no_inactive: {grace: 1d}}, fix: {disable: true}}", None),
        ("{check: {unused_for: 30d}, fix: {disable: true}}", "fix-without-effect"),
        ("{where: is_active, check: {unused_for: 30d}, fix: {disable: true}}", None),
        ("{where: is_active, check: {unused_for: 30d}, fix: {delete: true}}", None),
        ("{check: {name_matches: 'web-.*'}, fix: {rename: app}}", "fix-never-passes"),
        ("{check: {name_matches: 'web-.*'}, fix: {rename: web-1}}", None),
        # The name depends on the key.
        ("{check: {name_matches: 'web-.*'}, fix: {rename: '{project}'}}", None),
        ("{check: {sdk_version: 8}, fix: {set_sdk_version: 7.x}}", "fix-never-passes"),
        (
            "{check: {loader_options: {debug: false}}, fix: {set_loader_options: {debug: true}}}",
            "fix-never-passes",
        ),
        # Of the option that it does not set nothing is known.
        (f"{{check: {{loader_options: {{debug: false, replay: true}}}}, {UNDEBUG}}}", None),
        # What the author asks of NULL is the author's: another column may decide.
        ("{require: use_case IS NOT NULL AND is_active, fix: {enable: true}}", None),
    ],
)
def test_a_fix_in_vain_is_told(tmp_path: Path, rule: str, code: str | None) -> None:
    head = "{id: r, resource: sentry_key, severity: low, remediation: x, "
    path = write(tmp_path, "p", f"rules:\n  - {head}{rule[1:]}\n")
    found = [
        one for one in lint([str(path)], {}).diagnostics if one.problem.code.startswith("fix-")
    ]
    assert [one.problem.code for one in found] == ([code] if code else [])
    assert all(one.is_error is (code == "fix-never-passes") for one in found)
