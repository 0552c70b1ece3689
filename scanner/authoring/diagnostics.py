"""Problems with their level and their line, as text, JSON, SARIF or for GitHub."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import msgspec

from scanner import __version__
from scanner.authoring.lint.listing import Listing
from scanner.base.errors import Problem
from scanner.base.foreign import SARIF_SCHEMA, SARIF_VERSION, workflow_command
from scanner.base.text import clean, columns
from scanner.catalogue.redact import redact_text

_WIDEST: Final = 100
_BEFORE: Final = 60


class Level(StrEnum):
    """Errors end in exit code 2, warnings only with --strict."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(msgspec.Struct, frozen=True):
    """One thing to tell an author; `line` is the text of the line that the problem is in."""

    level: Level
    problem: Problem
    line: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the policy cannot be used as it is."""
        return self.level is Level.ERROR


def diagnostics(
    errors: Sequence[Problem], warnings: Sequence[Problem], listing: Listing
) -> list[Diagnostic]:
    """Return the problems with their lines, in the order of the files; each once.

    What looks like a token or password is taken out of all texts.
    """
    levels = [(Level.ERROR, problem) for problem in errors]
    levels += [(Level.WARNING, problem) for problem in warnings]
    made = [
        Diagnostic(level, _redacted(problem), redact_text(listing.line(problem.location)))
        for level, problem in dict.fromkeys(levels)
    ]
    return sorted(made, key=lambda one: (one.problem.location, one.level, one.problem.code))


def _redacted(problem: Problem) -> Problem:
    message, hint = redact_text(problem.message), redact_text(problem.hint)
    return msgspec.structs.replace(problem, message=message, hint=hint)


def to_text(found: Sequence[Diagnostic]) -> str:
    """Return each diagnostic with its line and a caret below the place."""
    return "".join(f"{line}\n" for one in found for line in _entry(one))


def to_json(found: Sequence[Diagnostic]) -> str:
    """Return the diagnostics as one JSON object."""
    entries = [
        {
            "level": one.level.value,
            "code": one.problem.code,
            "file": one.problem.location.file,
            "line": one.problem.location.line,
            "column": one.problem.location.column,
            "message": one.problem.message,
            "hint": one.problem.hint,
            "source": one.line,
        }
        for one in found
    ]
    errors = sum(one.is_error for one in found)
    summary = {"errors": errors, "warnings": len(found) - errors}
    document = {"schema_version": "1", "diagnostics": entries, "summary": summary}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_github(found: Sequence[Diagnostic]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a pull request."""
    return "".join(f"{_command(one)}\n" for one in found)


def to_sarif(found: Sequence[Diagnostic]) -> str:
    """Return a SARIF 2.1.0 log."""
    codes = sorted({one.problem.code for one in found})
    driver = {
        "name": "keypolicy lint",
        "version": __version__,
        "rules": [{"id": code, "shortDescription": {"text": _title(code)}} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "keypolicy-lint/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, codes.index(one.problem.code)) for one in found],
    }
    log = {"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _entry(one: Diagnostic) -> list[str]:
    problem = one.problem
    lines = [clean(f"{problem.location}: {one.level}: {problem.message} [{problem.code}]")]
    if one.line.strip() and problem.location.column:
        lines += _caret(one.line, problem.location.column)
    if problem.hint:
        lines.append(f"  {clean(problem.hint)}")
    return lines


def _caret(line: str, column: int) -> list[str]:
    line = line.replace("\t", " ")
    start = max(column - 1 - _BEFORE, 0) if len(line) > _WIDEST else 0
    shown, before = line[start : start + _WIDEST], line[start : column - 1]
    return [f"  | {clean(shown)}", f"  | {' ' * columns(clean(before))}^"]


def _title(code: str) -> str:
    return code.replace("-", " ").capitalize()


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    problem = one.problem
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(problem.location.file)}}
    if problem.location.line:
        place["region"] = {
            "startLine": problem.location.line,
            "startColumn": max(problem.location.column, 1),
        }
    text = f"{problem.message}. {problem.hint}".strip().rstrip(". ") + "."
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": one.level.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _command(one: Diagnostic) -> str:
    problem, location = one.problem, one.problem.location
    place = {"file": location.file, "line": location.line, "col": location.column}
    properties = {name: clean(str(value)) for name, value in place.items() if value}
    message = "\n".join(map(clean, filter(None, (problem.message, problem.hint))))
    return workflow_command(one.level.value, {**properties, "title": clean(problem.code)}, message)
