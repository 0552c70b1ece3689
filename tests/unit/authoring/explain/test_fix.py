"""`explain` says what a fix would do, and a merged policy has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.authoring.explain.merged import merged_yaml
from scanner.authoring.explain.rule import explain
from scanner.policy.load import load_policies
from tests.unit.policy.writing import write

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
params: {most: {type: integer, default: 500}}
rules:
  - id: one
    resource: sentry_key
    severity: low
    check: {rate_limit: true}
    fix: {set_rate_limit: {count: $most, window: 10m}}
  - id: two
    resource: sentry_key
    severity: low
    check: {max_age: 90d}
    fix: {disable: true}
"""
TOP = """\
extends: [base.yaml]
params: {most: 7}
override: {one: {params: {most: 9}}, two: {fix: null}}
"""


def test_a_fix_is_told_in_words_with_the_values_in_force(tmp_path: Path) -> None:
    path = write(tmp_path, "base", BASE)
    fix = explain([str(path)], {}, "one").explanation.fix
    assert fix is not None
    assert fix.risk == "safe"
    assert fix.location.endswith("base.yaml:9:11")
    assert fix.words[0].startswith("Sets the rate limit to at most `count` events")
    assert fix.words[1:] == ["- count is 500 (from $most)", '- window is "10m"']
    (use,) = explain([str(path)], {"most": "3"}, "one").explanation.parameters
    assert (use.name, use.value, use.origin) == ("most", "3", "command line")
    disabled = explain([str(path)], {}, "two").explanation.fix
    assert disabled is not None
    assert (disabled.risk, disabled.words[1:]) == ("disruptive", [])


def test_a_fix_that_was_taken_away_is_none_and_its_place_is_told(tmp_path: Path) -> None:
    write(tmp_path, "base", BASE)
    found = explain([str(write(tmp_path, "top", TOP))], {}, "two").explanation
    assert found.fix is None
    assert found.changed["fix"].endswith("top.yaml:5:49")


def test_a_merged_policy_asks_for_the_same_fixes(tmp_path: Path) -> None:
    write(tmp_path, "base", BASE)
    path = write(tmp_path, "top", TOP)
    text = merged_yaml([str(path)], {})
    assert "# fix: taken away, override: " in text
    merged = tmp_path / "merged.yaml"
    merged.write_text(text.replace("policy: top", "policy: merged"), "utf-8")
    before, after = (load_policies([str(one)], {})[0].rules for one in (path, merged))
    assert [one.fix and (one.fix.action, one.fix.arguments) for one in before] == [
        one.fix and (one.fix.action, one.fix.arguments) for one in after
    ]
    assert before[0].fix is not None
    assert before[0].fix.arguments["count"] == 9
