"""Policies and their test cases on disk, for the tests of this layer."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CASES = "policy: p\nas_of: 2026-01-01T00:00:00Z\ncases:\n"


def write_policy(
    folder: Path, rules: Mapping[str, str], *, head: str = "", name: str = "p"
) -> Path:
    """Write a policy whose rules have these bodies by id, each sound but for what is tested."""
    text = f"policy: {name}\nversion: 1.0.0\n{head}rules:\n"
    for rule, body in rules.items():
        text += f"  - id: {rule}\n    resource: sentry_key\n    severity: low\n"
        text += "" if "remediation:" in body else "    remediation: Mend it.\n"
        text += indent(body.strip("\n"), "    ") + "\n"
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write_cases(folder: Path, cases: str, *, name: str = "p") -> Path:
    """Write test cases beside the policy, at the start of 2026."""
    path = folder / f"{name}.test.yaml"
    head = CASES.replace("policy: p", f"policy: {name}")
    path.write_text(head + indent(cases.strip("\n"), "  ") + "\n", encoding="utf-8")
    return path
