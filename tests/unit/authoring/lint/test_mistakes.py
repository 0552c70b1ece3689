"""What authors write by mistake: each is told, where it is, with what to write instead.

The table is mistakes.yaml. Every other broken file of the tests is told with a place and a remedy
as well.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scanner.authoring.lint.policies import lint
from scanner.base.errors import Location, PolicyError, Problem
from scanner.config.files import read_config
from scanner.policy.load import load_policies
from scanner.triage.waivers import read_waivers
from tests.unit.authoring.files import write_policy

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
TABLE: list[dict[str, Any]] = yaml.safe_load((HERE / "mistakes.yaml").read_text("utf-8"))
MARK = "«"
HEAD = "policy: p\nversion: 1.0.0\nrules:\n"
RULE = f"{HEAD}  - id: some-rule\n    resource: sentry_key\n    remediation: Mend it.\n"


def _rule(body: str) -> str:
    severity = "" if "severity:" in body else "    severity: low\n"
    return f"{RULE}{severity}{indent(body, '    ')}\n"


WHOLE: dict[str, Callable[[str], str]] = {
    "require": lambda text: _rule("require: |-\n" + indent(text, "  ")),
    "rule": _rule,
}
"""What the part of a policy that the table has is put into; all else is a whole file."""


def _linted(path: Path) -> list[Problem]:
    return [one.problem for one in lint([str(path)], {}).diagnostics if one.is_error]


def _told(kind: str, text: str, folder: Path) -> list[Problem]:
    if kind == "settings":
        (folder / "keypolicy.yaml").write_text(text, "utf-8")
        with pytest.raises(PolicyError) as caught:
            read_config(folder, None)
        return caught.value.problems
    if kind == "waivers":
        path = folder / "waivers.yaml"
        path.write_text(text, "utf-8")
        return list(read_waivers(path, load_policies(["sentry-baseline"]), 365).problems)
    if kind == "tests":
        policy = write_policy(folder, {"some-rule": "require: is_active"})
        (folder / "p.test.yaml").write_text(text, "utf-8")
        return _linted(policy)
    path = folder / "p.yaml"
    path.write_text(text, "utf-8")
    return _linted(path)


BEHIND = (
    "name IS NULL OR {}",
    "name IS NOT NULL AND {}",
    "NOT (name IS NULL OR NOT ({}))",
    "CASE WHEN name IS NULL THEN is_active ELSE {} END",
    "CASE WHEN name IS NOT NULL THEN {} ELSE is_active END",
    "coalesce(is_active, {})",
)
"""What a condition may stand behind, so that not every row comes to it."""

IMPOSSIBLE = [
    one["write"]
    for one in TABLE
    if one["in"] == "require"
    and one["code"] == "impossible-value"
    and "coalesce" not in one["write"]
]


@pytest.mark.parametrize("first", [0, 3])
def test_a_literal_that_cannot_be_is_told_wherever_it_stands(tmp_path: Path, first: int) -> None:
    """A file has a rule for each of them, each behind the next of what it may stand behind."""
    marked = HEAD
    for number, text in enumerate(IMPOSSIBLE, first):
        one = WHOLE["require"](BEHIND[number % len(BEHIND)].format(text)).removeprefix(HEAD)
        marked += one.replace("some-rule", f"rule-{number}")
    places = [
        (number, line.index(MARK) + 1)
        for number, line in enumerate(marked.splitlines(), 1)
        if MARK in line
    ]
    assert len(places) == len(IMPOSSIBLE)
    problems = _told("require", marked.replace(MARK, ""), tmp_path)
    assert {one.code for one in problems} == {"impossible-value"}
    assert [(one.location.line, one.location.column) for one in problems] == places


def test_so_is_a_parameter(tmp_path: Path) -> None:
    policy = write_policy(
        tmp_path,
        {"some-rule": "require: name IS NULL OR age_days < $days"},
        head="params: {days: {type: string, default: ninety}}\n",
    )
    (problem,) = _linted(policy)
    assert problem.code == "impossible-value"
    assert "$days" in problem.message


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60
    assert {one["in"] for one in TABLE} == {
        "require", "rule", "policy", "tests", "waivers", "settings",
    }  # fmt: skip


@pytest.mark.parametrize("mistake", TABLE, ids=lambda one: f"{one['in']}: {one['says']}")
def test_a_mistake_is_told_at_its_place_with_a_remedy(
    mistake: dict[str, Any], tmp_path: Path
) -> None:
    kind = mistake["in"]
    marked = WHOLE.get(kind, str)(mistake["write"])
    before, _, after = marked.partition(MARK)
    lines = before.split("\n")
    problems = _told(kind, before + after, tmp_path)
    found = [one for one in problems if one.code == mistake["code"]]
    assert found, problems
    problem = found[0]
    place = Location(problem.location.file, len(lines), len(lines[-1]) + 1)
    assert problem.location == place
    for word in mistake["words"]:
        assert word in problem.hint
    assert problem.hint
    # One mistake, one error: nothing is told that follows from it.
    assert {one.code for one in problems} == {mistake["code"]}
