"""Small policy files for tests, without the lines that every policy has."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

from scanner.policy.load import load_policies

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.model.rule import Policy, Rule


def write(folder: Path, name: str, body: str) -> Path:
    """Write a policy called `name` with the given keys besides `policy` and `version`."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"policy: {path.stem}\nversion: 1.2.3\n"
    path.write_text(head + dedent(body), encoding="utf-8")
    return path


def load(folder: Path, body: str, **params: str) -> Policy:
    """Load one policy of the given keys."""
    return load_policies([str(write(folder, "p", body))], params)[0]


def load_rule(folder: Path, body: str, **params: str) -> Rule:
    """Load the one rule of the given keys, on keys and of low severity unless they say more."""
    head = "rules:\n  - id: r\n    resource: sentry_key\n    severity: low\n"
    path = write(folder, "p", "")
    with path.open("a", encoding="utf-8") as file:
        file.write(head + indent(dedent(body), "    "))
    return load_policies([str(path)], params)[0].rules[0]
