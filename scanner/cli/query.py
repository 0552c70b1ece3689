"""`keypolicy query`: a read-only SQL query over the inventory."""

import argparse
import sys
from collections.abc import Iterable
from typing import Final

from scanner.cli import inputs
from scanner.report.text import clean

_WIDEST: Final = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("sql", metavar="SQL", help="one SELECT over the tables")
    inputs.add_source_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=("table", "json", "jsonl", "csv"),
        default="table",
        help="table, json, jsonl or csv (default: table)",
    )


def run(namespace: argparse.Namespace) -> int:
    """Run the query and print its answer."""
    settings = inputs.settings(namespace)
    source = inputs.source(namespace, settings)
    as_of = inputs.as_of(namespace)
    from scanner.engine.database import connect  # noqa: PLC0415 - heavy
    from scanner.engine.query import query, query_json, reads  # noqa: PLC0415
    from scanner.pipeline import open_inventory  # noqa: PLC0415

    with connect() as parser:
        # What is wrong with the query is told before anything is fetched.
        wanted = reads(parser, namespace.sql)
    with open_inventory(source, inputs.scope(namespace, settings), as_of, wanted) as connection:
        if namespace.format in {"json", "jsonl"}:
            _print_json(query_json(connection, namespace.sql, as_of), namespace.format)
        else:
            answer = query(connection, namespace.sql, as_of)
            if namespace.format == "csv":
                _print_csv(answer.columns, answer.rows)
            else:
                _print_table(answer.columns, answer.rows)
    return 0


def _print_json(rows: Iterable[str], form: str) -> None:
    if form == "jsonl":
        for row in rows:
            sys.stdout.write(row + "\n")
        return
    separator = "[\n"
    for row in rows:
        sys.stdout.write(separator + row)
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _print_csv(columns: Iterable[str], rows: Iterable[tuple[str | None, ...]]) -> None:
    import csv  # noqa: PLC0415 - only for this format

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _print_table(columns: tuple[str, ...], rows: Iterable[tuple[str | None, ...]]) -> None:
    shown = [tuple("" if value is None else clean(value) for value in row) for row in rows]
    widths = [
        min(_WIDEST, max([len(name), *(len(row[n]) for row in shown)]))
        for n, name in enumerate(columns)
    ]
    for row in (columns, tuple("-" * width for width in widths), *shown):
        cells = (value.ljust(width) for value, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write(f"({len(shown)} row{'' if len(shown) == 1 else 's'})\n")
