"""docs/policy-language.md: complete, up to date, and with examples that work."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from scanner.authoring.reference.language import fill
from scanner.policy.checks import CHECKS
from scanner.policy.files.case_document import CaseDocument, CasesDocument
from scanner.policy.files.cases import load_cases
from scanner.policy.files.document import (
    OverrideDocument,
    ParameterDocument,
    PolicyDocument,
    RuleDocument,
)
from scanner.policy.language.values import ValueType
from scanner.policy.load import inspect_policies, load_policies

ROOT = Path(__file__).parents[4]
REFERENCE = ROOT / "docs" / "policy-language.md"
TEXT = REFERENCE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_generated_sections_are_up_to_date() -> None:
    """If this fails, run `make docs`."""
    assert fill(TEXT) == TEXT


@pytest.mark.parametrize(
    "document",
    [
        PolicyDocument,
        RuleDocument,
        OverrideDocument,
        ParameterDocument,
        CasesDocument,
        CaseDocument,
    ],
)
def test_every_key_is_named(document: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(document):
        assert f"`{field.encode_name}`" in TEXT


def test_every_type_and_check_is_named() -> None:
    assert all(f"| `{kind}` |" in TEXT for kind in ValueType)
    assert all(f"\n#### {name}\n" in TEXT for name in CHECKS)


def test_every_code_is_named() -> None:
    found: set[str] = set()
    for path in (ROOT / "scanner" / "policy").rglob("*.py"):
        for word in re.findall(r'"([a-z]+(?:-[a-z0-9]+)+)"', path.read_text(encoding="utf-8")):
            found.add(word)
    codes = found - {"policy-tests", "beta-7", "x-code", "x-hint", "utf-8"}
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []


@pytest.mark.parametrize("example", [e for e in EXAMPLES if "\nrules:" in e or "extends:" in e])
def test_example_loads(example: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(example, encoding="utf-8")
    assert load_policies([str(path)])[0].rules


@pytest.mark.parametrize("example", [e for e in EXAMPLES if "\ncases:" in e])
def test_example_of_cases_loads(example: str, tmp_path: Path) -> None:
    path = tmp_path / "p.test.yaml"
    path.write_text(example, encoding="utf-8")
    assert load_cases(path, path.name, inspect_policies(["sentry-baseline"]).merged[0])


def test_there_are_examples() -> None:
    assert len([e for e in EXAMPLES if "policy:" in e]) >= 5
