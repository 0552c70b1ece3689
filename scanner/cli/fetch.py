"""`keypolicy fetch`: save the key inventory, without secrets, for later scans."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.scratch import scratch
from scanner.base.text import clean, plural
from scanner.catalogue import BASIC, LIVE
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_outputs
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs

SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".parquet")
EXTRAS: Final = LIVE.extras
"""What is fetched only when asked for, because it takes further requests or rights."""

_JOURNAL: Final = ".journal"
"""What is appended to the output's name for the journal, which lies beside it meanwhile."""

_ABSENT: Final = TableCoverage(CoverageState.ABSENT, "the source has nothing of this kind")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    inputs.add_source_arguments(parser, files=False)
    parser.add_argument(
        "--with",
        dest="extras",
        metavar="WHAT",
        action="append",
        default=[],
        help=f"fetch more than organizations, projects and keys: {', '.join(EXTRAS)};"
        " several with commas, or repeated",
    )
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


def needs(extras: Sequence[str]) -> Needs:
    """Return what is to be fetched with these extras. Raises UsageError for an unknown one."""
    chosen = {extra.strip() for text in extras for extra in text.split(",")}
    for extra in sorted(chosen.difference(EXTRAS)):
        raise UsageError(
            f"there is nothing called {extra!r} to fetch",
            where="--with",
            remedy=f"Use one of: {', '.join(EXTRAS)}.",
        )
    tables = dict.fromkeys(BASIC, frozenset[str]())
    for extra in EXTRAS:
        if extra in chosen:
            tables |= EXTRAS[extra]
    return Needs(tables)


def run(namespace: argparse.Namespace) -> int:
    """Fetch and save; returns 3 where something could not be seen."""
    path: Path = namespace.output
    if not path.name.endswith(SUFFIXES):
        raise UsageError(
            "an inventory file is needed",
            where=str(path),
            remedy=f"End the name in one of {', '.join(SUFFIXES)}.",
        )
    settings = inputs.settings(namespace)
    check_outputs([path], namespace, settings)
    wanted = needs(namespace.extras)
    journal = path.with_name(path.name + _JOURNAL)
    source = inputs.source(namespace, settings, journal)
    scope = inputs.scope(namespace, settings)
    from scanner.engine.intake.export import fetch  # noqa: PLC0415 - heavy, and mistakes come first

    with scratch() as workspace:
        coverage, warnings = fetch(source, scope, wanted, workspace, path)
    journal.unlink(missing_ok=True)
    coverage |= dict.fromkeys(sorted(wanted.tables - coverage.keys()), _ABSENT)
    for warning in warnings:
        inputs.warn(warning)
    incomplete = False
    for name, table in coverage.items():
        whole = table.state is CoverageState.COMPLETE
        incomplete |= not whole
        # Quiet or not: what makes the fetch fail is told.
        if not namespace.quiet or not (whole or settings.allow_partial):
            reason = "" if whole else f" ({table.reason})"
            told = f"{name}: {plural(table.rows or 0, 'record')}, {table.state.value}{reason}"
            sys.stderr.write(f"{clean(told)}\n")
    if not namespace.quiet:
        sys.stderr.write(f"Saved to {clean(str(path))}, without secrets.\n")
    return EXIT_INCOMPLETE if incomplete and not settings.allow_partial else 0
