"""`keypolicy query`: a read-only SQL query over the inventory."""

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Final

from scanner.base.text import clean, clean_json, columns, plural
from scanner.cli.shared import inputs
from scanner.cli.shared.gaps import warn_of_gaps
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.owner import NAME_A_FILE, NO_FILE

_WIDEST: Final = 60
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("sql", metavar="SQL", help="one SELECT over the tables")
    inputs.add_source_arguments(parser)
    inputs.add_owners_argument(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=("table", "json", "jsonl", "csv"),
        default="table",
        help="table, json, jsonl or csv (default: table)",
    )
    inputs.add_partial_argument(output)


def run(namespace: argparse.Namespace) -> int:
    """Run the query and print its answer; returns 3 where a table it reads was not seen whole."""
    settings = inputs.settings(namespace)
    source = inputs.source(namespace, settings)
    as_of = inputs.as_of(namespace)
    from scanner.engine.database import connect  # noqa: PLC0415 - heavy
    from scanner.engine.judge.query import query, query_json, reads  # noqa: PLC0415
    from scanner.pipeline import open_inventory  # noqa: PLC0415

    with connect() as parser:
        # What is wrong with the query is told before anything is fetched.
        wanted = reads(parser, namespace.sql)
    if settings.owners is None and any("owner" in one for one in wanted.columns.values()):
        inputs.warn(f"`owner` is NULL everywhere: {NO_FILE}. {NAME_A_FILE}")
    with open_inventory(
        source, inputs.scope(namespace, settings), as_of, wanted, settings.owners
    ) as opened:
        gaps = warn_of_gaps(opened.loaded, wanted)
        connection = opened.connection
        if namespace.format in {"json", "jsonl"}:
            _print_json(query_json(connection, namespace.sql, as_of), namespace.format)
        else:
            answer = query(connection, namespace.sql, as_of)
            if namespace.format == "csv":
                _print_csv(answer.columns, answer.rows)
            else:
                _print_table(answer.columns, answer.rows)
    return EXIT_INCOMPLETE if gaps and not settings.allow_partial else 0


def _print_json(rows: Iterable[str], form: str) -> None:
    if form == "jsonl":
        for row in rows:
            sys.stdout.write(clean_json(row) + "\n")
        return
    separator = "[\n"
    for row in rows:
        sys.stdout.write(separator + clean_json(row))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _print_csv(names: Iterable[str], rows: Iterable[tuple[str | None, ...]]) -> None:
    import csv  # noqa: PLC0415 - only for this format

    from scanner.report.csv_findings import cell  # noqa: PLC0415 - only for this format

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(cell, names))
    for row in rows:
        # A negative number is none of the formulas that a sign begins.
        writer.writerow([v if v and _NUMBER.fullmatch(v) else cell(v) for v in row])


def _print_table(names: tuple[str, ...], rows: Iterable[tuple[str | None, ...]]) -> None:
    shown = [tuple("" if value is None else clean(value) for value in row) for row in rows]
    heads = tuple(map(clean, names))
    widths = [
        min(_WIDEST, max([columns(name), *(columns(row[n]) for row in shown)]))
        for n, name in enumerate(heads)
    ]
    for row in (heads, tuple("-" * width for width in widths), *shown):
        cells = (
            value + " " * (width - columns(value)) for value, width in zip(row, widths, strict=True)
        )
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write(f"({plural(len(shown), 'row')})\n")
