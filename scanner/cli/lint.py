"""`keypolicy lint`: every mistake in policies, their cases and owners, with line and caret."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from scanner.base.text import clean_json, plural
from scanner.cli.shared import authoring

if TYPE_CHECKING:
    from scanner.authoring.lint.policies import Lint

FORMATS: Final = ("text", "json", "sarif", "github")

EXIT_CODES: Final = """\
exit codes:
  0  nothing is wrong, or there are only warnings
  2  wrong usage, or mistakes (with --strict also warnings)
  4  internal error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    authoring.add_arguments(parser)
    parser.add_argument(
        "--format",
        metavar="NAME",
        choices=FORMATS,
        default="text",
        help=f"{', '.join(FORMATS)} (default: text)",
    )
    parser.add_argument("--strict", action="store_true", help="let warnings end in exit code 2 too")


def run(namespace: argparse.Namespace) -> int:
    """Lint; returns 2 where there are errors."""
    return authoring.repeated(namespace, lambda: _once(namespace))


def _once(namespace: argparse.Namespace) -> int:
    from scanner.authoring.lint.policies import lint  # noqa: PLC0415 - heavy, and not for --help

    found = lint(namespace.paths, authoring.params(namespace))
    sys.stdout.write(_rendered(found, namespace.format))
    if namespace.format == "text" and not namespace.quiet:
        sys.stderr.write(f"{_summary(found)}\n")
    return 2 if found.errors or (namespace.strict and found.warnings) else 0


def _summary(found: "Lint") -> str:
    parts = [plural(found.policies, "policy", "policies"), plural(found.rules, "rule")]
    owners = [plural(found.owners, "file of owners", "files of owners")] if found.owners else []
    seen = ", ".join([*(parts if found.policies or not owners else []), *owners])
    if not found.diagnostics:
        return f"{seen}: nothing to complain of."
    return f"{seen}: {plural(found.errors, 'error')}, {plural(found.warnings, 'warning')}."


def _rendered(found: "Lint", form: str) -> str:
    from scanner.authoring import diagnostics as made  # noqa: PLC0415 - not for --help

    told = found.diagnostics
    match form:
        case "json":
            return clean_json(made.to_json(told))
        case "sarif":
            return clean_json(made.to_sarif(told))
        case "github":
            return made.to_github(told)
        case _:
            return made.to_text(told)
