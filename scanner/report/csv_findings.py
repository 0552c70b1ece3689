"""Findings as CSV (RFC 4180), for spreadsheets: one line each, UTF-8, CRLF, every cell quoted.

A spreadsheet runs a cell that begins like a formula, so such a cell gets an apostrophe in front
(OWASP, "CSV Injection"). Quoting every cell keeps text in its cell wherever the separator is a
semicolon. Two reports of the same facts are byte-identical; nothing of the run is in them.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import call
from typing import BinaryIO, Final

from scanner.base.text import clean
from scanner.model.run import Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.flat import COLUMNS, FlatRow, row

# The full-width forms too: spreadsheets of some languages take them for the plain ones.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - these very characters

_FIRST: Final = frozenset((" ", *_FORMULA))
_MANY: Final = {"message", "resource_id", "resource_name", "url", "evidence", "fingerprint"}
_FEW: Final = 1_000  # cells that are kept of the columns that are not among these


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the CSV report; see scanner.report.interface.Format."""
    out.write(_lines([COLUMNS]))
    cells = _cells()
    while found := (yield):
        out.write(_lines(map(cells, map(row, found))))


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows of cells as lines.

    A cell holds no control, so two of them can stand between cells and rows until all quotes are
    doubled at once: the module csv looks at every character by itself, which takes four times as
    long.
    """
    text = "\x1e".join(map("\x1f".join, rows)).encode().replace(b'"', b'""')
    return b'"%s"\r\n' % text.replace(b"\x1f", b'","').replace(b"\x1e", b'"\r\n"')


def _cells() -> Callable[[FlatRow], Iterator[str]]:
    """Return what makes cells of a row; of columns with few values each is looked at once."""
    few = lru_cache(maxsize=_FEW)(cell)
    makers = [cell if name in _MANY else few for name in COLUMNS]
    return lambda values: map(call, makers, values)


def cell(value: str | None) -> str:
    """Return a cell that neither a spreadsheet nor a terminal nor a runner acts upon."""
    if not value:
        return ""
    # Before cleaning, since that turns a leading tab into a harmless but misleading escape.
    if value[0] in _FIRST and value.lstrip(" ").startswith(_FORMULA):
        return f"'{clean(value)}"
    return clean(value)
