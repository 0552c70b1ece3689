"""`keypolicy schema`: the JSON Schemas that ship with the product, and the tables."""

import argparse
import sys
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.resources import schema_path
from scanner.cli.shared.outputs import print_json

NAMES: Final = (
    *("policy", "policy-tests", "config", "report-v1", "waivers", "owners", "plan"),
    *("forecast", "history-run", "inventory"),
)
TABLES: Final = "tables"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    known = ", ".join((*_shipped(), TABLES))
    parser.add_argument("name", metavar="NAME", help=f"one of: {known}")
    parser.add_argument(
        "--format",
        metavar="NAME",
        choices=("json", "markdown"),
        default="json",
        help="json, or markdown for tables (default: json)",
    )


def run(namespace: argparse.Namespace) -> int:
    """Print it. Raises UsageError for an unknown name."""
    if namespace.name == TABLES:
        _print_tables(namespace.format)
        return 0
    if namespace.name not in _shipped():
        raise UsageError(
            f"there is no schema called {namespace.name!r}",
            remedy=f"Known schemas: {', '.join((*_shipped(), TABLES))}.",
        )
    if namespace.format != "json":
        raise UsageError("a JSON Schema is JSON", where="--format", remedy="Leave it out.")
    sys.stdout.write(schema_path(namespace.name).read_text(encoding="utf-8"))
    return 0


def _shipped() -> list[str]:
    return [name for name in NAMES if schema_path(name).is_file()]


def _print_tables(form: str) -> None:
    if form == "markdown":
        from scanner.authoring.reference.language import columns  # noqa: PLC0415 - only for this format

        sys.stdout.write(columns())
        return
    from scanner.authoring.reference.tables import table_entries  # noqa: PLC0415

    print_json({"tables": table_entries()})
