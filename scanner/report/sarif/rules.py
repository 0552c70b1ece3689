"""SARIF's description of a rule, and where in a repository the rule stands."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from scanner.base.resources import policies_dir
from scanner.base.text import clean, clean_lines, paragraph
from scanner.model.outcome import Severity
from scanner.model.rule import Rule
from scanner.report.parts.subject import heading

LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# GitHub reads a number from 0 to 10: above 9 is critical, from 7 high, from 4 medium.
_SECURITY_SEVERITY: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
}
_MAX_DESCRIPTION: Final = 1024  # characters, GitHub's limit
_MAX_TAGS: Final = 10  # GitHub keeps no more of a rule
_SUPPORTS: Final = "Supports, without satisfying it alone"


def descriptor(rule: Rule) -> dict[str, Any]:
    """Return the `reportingDescriptor` of a rule."""
    title = heading(rule)
    return {
        "id": rule.id,
        "name": _pascal(rule.id),
        "shortDescription": {"text": _sentence(title)},
        "fullDescription": {"text": _sentence(paragraph(rule.rationale) or title)},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "help": {"text": _help_text(rule, title), "markdown": _help_markdown(rule, title)},
        "properties": {
            "tags": ["security", *_controls(rule)][:_MAX_TAGS],
            "precision": "very-high",
            "security-severity": _SECURITY_SEVERITY[rule.severity],
            "severity": rule.severity,
        },
    }


def rule_uri(rule: Rule) -> str:
    """Return the file in which the rule can be changed, as a relative and percent-encoded URI.

    A shipped policy is `policies/NAME.yaml`; a file below the working directory is relative to
    it, as code scanning expects, and one beside or above it to the checkout, or to the folder of
    the settings that name it; of any other file only the name is told.
    """
    file = Path(rule.written.file or f"{rule.policy}.yaml")
    if shipped := _relative(file, policies_dir()):
        return quote(f"policies/{shipped}")
    here = Path.cwd()
    found = (_relative(file, folder) for folder in (here, *_above(here)))
    return quote(next(filter(None, found), file.name))


@cache
def _above(here: Path) -> tuple[Path, ...]:
    """Return the folders above the working directory that a file may be told relative to."""
    marks = (".git", "keypolicy.yaml")
    return tuple(one for mark in marks for one in here.parents if os.path.lexists(one / mark))


def _relative(file: Path, folder: Path) -> str | None:
    """Return `file` relative to `folder` with slashes, or None where it is not below it."""
    file = Path.cwd() / file
    for path, base in ((file, folder), (file.resolve(), folder.resolve())):
        if path.is_relative_to(base) and ".." not in path.parts:
            return path.relative_to(base).as_posix()
    return None


def _help_text(rule: Rule, title: str) -> str:
    parts = [_sentence(title)]
    if rule.rationale:
        parts.append(f"Why: {clean_lines(rule.rationale)}")
    if rule.remediation:
        parts.append(f"What to do: {clean_lines(rule.remediation)}")
    if rule.controls:
        parts.append(f"{_SUPPORTS}: {', '.join(_controls(rule))}.")
    return "\n\n".join(parts)


def _help_markdown(rule: Rule, title: str) -> str:
    parts = [f"**{_sentence(title)}**"]
    if rule.rationale:
        parts.append(f"### Why\n\n{clean_lines(rule.rationale)}")
    if rule.remediation:
        parts.append(f"### What to do\n\n{clean_lines(rule.remediation)}")
    if rule.controls:
        rows = "\n".join(
            f"| {_cell(framework)} | {_cell(', '.join(requirements))} |"
            for framework, requirements in rule.controls.items()
        )
        table = f"| Framework | Requirement |\n| --- | --- |\n{rows}"
        parts.append(f"### Controls\n\n{_SUPPORTS}:\n\n{table}")
    parts.append(f"Rule `{rule.id}` of the policy `{rule.policy}`, severity {rule.severity}.")
    return "\n\n".join(parts)


def _controls(rule: Rule) -> list[str]:
    return [
        clean(f"{framework}:{requirement}")
        for framework, requirements in rule.controls.items()
        for requirement in requirements
    ]


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|")


def _sentence(text: str) -> str:
    text = text[: _MAX_DESCRIPTION - 1]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _pascal(rule_id: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", rule_id))
