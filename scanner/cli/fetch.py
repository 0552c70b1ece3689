"""`keypolicy fetch`: save the key inventory, without secrets, for later scans."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from scanner.cli import inputs
from scanner.inventory.tables import TABLES
from scanner.model.coverage import CoverageState
from scanner.model.errors import UsageError

SUFFIXES: Final = (".jsonl", ".json", ".parquet")
_EXIT_INCOMPLETE: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    inputs.add_source_arguments(parser, files=False)
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help=f"inventory file to write: {', '.join(SUFFIXES)}",
    )
    output.add_argument(
        "--allow-partial",
        action="store_true",
        default=None,
        help="exit 0 even where something could not be seen",
    )
    inputs.add_display_arguments(output)


def run(namespace: argparse.Namespace) -> int:
    """Fetch and save; returns 3 where something could not be seen."""
    path: Path = namespace.output
    if path.suffix not in SUFFIXES:
        raise UsageError(
            "an inventory file is needed",
            where=str(path),
            remedy=f"End the name in one of {', '.join(SUFFIXES)}.",
        )
    settings = inputs.settings(namespace)
    source = inputs.source(namespace, settings)
    scope = inputs.scope(namespace, settings)
    from scanner.pipeline import fetch  # noqa: PLC0415 - heavy, and mistakes come first

    with tempfile.TemporaryDirectory(prefix="keypolicy-") as workspace:
        coverage = fetch(source, scope, frozenset(TABLES), Path(workspace), path)
    incomplete = False
    for name, table in coverage.items():
        incomplete |= table.state is not CoverageState.COMPLETE
        if not namespace.quiet:
            reason = f" ({table.reason})" if table.state is not CoverageState.COMPLETE else ""
            sys.stderr.write(f"{name}: {table.rows or 0:,} records, {table.state.value}{reason}\n")
    if not namespace.quiet:
        sys.stderr.write(f"Saved to {path}, without secrets.\n")
    return _EXIT_INCOMPLETE if incomplete and not settings.allow_partial else 0
