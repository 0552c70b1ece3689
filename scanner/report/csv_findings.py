"""Findings as CSV (RFC 4180), for spreadsheets: one line each, UTF-8, CRLF, every cell quoted.

A spreadsheet runs a cell that begins like a formula, so such a cell gets an apostrophe in front
(OWASP, "CSV Injection"). Quoting every cell keeps text in its cell wherever the separator is a
semicolon. Two reports of the same facts are byte-identical; nothing of the run is in them.
"""

import csv
import io
from typing import BinaryIO, Final

from scanner.base.text import clean
from scanner.model.run import Run
from scanner.report.interface import ReportOptions
from scanner.report.parts.flat import COLUMNS, row

# The full-width forms too: spreadsheets of some languages take them for the plain ones.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - these very characters


def write(run: Run, out: BinaryIO, options: ReportOptions) -> None:  # noqa: ARG001 - no option
    """Write the CSV report; see scanner.report.interface.Format."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(cell, row(finding)) for finding in run.findings)
        text.flush()
    finally:
        text.detach()  # the stream is the caller's: it must not be closed with the wrapper


def cell(value: str | None) -> str:
    """Return a cell that neither a spreadsheet nor a terminal nor a runner acts upon."""
    if not value:
        return ""
    # Before cleaning, since that turns a leading tab into a harmless but misleading escape.
    risky = value.lstrip(" ").startswith(_FORMULA)
    return f"'{clean(value)}" if risky else clean(value)
