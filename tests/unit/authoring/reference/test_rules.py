"""The generated reference: complete, with examples that come from test cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.reference.language import fill
from scanner.authoring.reference.pages import rules_markdown
from scanner.authoring.reference.rules import action_entries, check_entries, policy_entries
from scanner.authoring.reference.tables import functions_markdown, table_entries
from scanner.base.errors import PolicyError, UsageError
from scanner.catalogue import TABLES
from scanner.engine.predicate.vocabulary import FUNCTIONS, WINDOWS
from scanner.policy.checks import CHECKS
from scanner.policy.files.locate import shipped_policies
from scanner.policy.load import load_policies

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = policy_entries(())


def test_every_shipped_rule_is_there() -> None:
    assert [policy.name for policy in SHIPPED] == list(shipped_policies())
    for policy in SHIPPED:
        (loaded,) = load_policies([policy.name])
        assert [rule.id for rule in policy.rules] == [rule.id for rule in loaded.rules]


@pytest.mark.parametrize(
    "rule", [rule for policy in SHIPPED for rule in policy.rules if rule.inherited_from is None]
)
def test_every_rule_tells_why_and_has_examples(rule: object) -> None:
    assert getattr(rule, "rationale", "")
    assert getattr(rule, "remediation", "")
    outcomes = {example.outcome for example in getattr(rule, "examples", ())}
    assert outcomes >= {"pass", "fail"}


def test_rows_that_depend_on_one_another_are_shown_together() -> None:
    (rule,) = [rule for rule in SHIPPED[0].rules if rule.id == "key-active-count"]
    assert len(rule.examples) > 3
    assert all("id" in example.row for example in rule.examples)


def test_inherited_rules_name_their_file_and_changes() -> None:
    strict = next(policy for policy in SHIPPED if policy.name == "sentry-strict")
    rule = next(rule for rule in strict.rules if rule.id == "key-max-age")
    assert rule.inherited_from == "policies/sentry-baseline.yaml"
    assert rule.changed == ["severity"]
    assert [(one.value, one.origin) for one in rule.parameters] == [("30d", "policy")]
    assert [one.id for one in strict.disabled] == ["key-default-name"]


def test_a_folder_is_every_policy_in_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            f"policy: {name}\nversion: 1.0.0\nrules:\n"
            "  - {id: r, resource: sentry_key, severity: low, require: is_active}\n"
        )
    assert [policy.name for policy in policy_entries([str(tmp_path)])] == ["one", "two"]


def test_what_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("policy: bad\n")
    (tmp_path / "worse.yaml").write_text("policy: worse\nversion: 1.0.0\nrules: 3\n")
    with pytest.raises(PolicyError) as refusal:
        policy_entries([str(tmp_path)])
    assert "bad.yaml:" in str(refusal.value)
    assert "worse.yaml:3:8" in str(refusal.value)
    with pytest.raises(UsageError):
        policy_entries(["nowhere"])


def test_every_check_has_its_sql() -> None:
    found = check_entries()
    assert tuple(check.name for check in found) == CHECKS
    assert all(check.sql and check.arguments and check.summary for check in found)


def test_every_table_and_word_is_there() -> None:
    assert [table.name for table in table_entries()] == list(TABLES)
    text = functions_markdown()
    for name in (*FUNCTIONS, *WINDOWS):
        assert f"| `{name.replace('|', chr(92) + '|')}` |" in text


def test_filling_is_idempotent_and_leaves_the_rest_alone() -> None:
    page = "before\n<!-- functions -->\nSTALE\n<!-- /functions -->\nafter\n"
    filled = fill(page)
    assert filled.startswith("before\n")
    assert filled.endswith("\nafter\n")
    assert "STALE" not in filled
    assert fill(filled) == filled


def test_the_page_links_only_to_what_it_has() -> None:
    page = rules_markdown(SHIPPED, check_entries(), action_entries())
    headings = {line.removeprefix("### ") for line in page.splitlines() if line[:4] == "### "}
    links = {part.split(")")[0] for part in page.split("](#")[1:]}
    assert links <= headings
