"""What the actions share: the history that is meant, and tables, lines of blocks and JSON."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.text import aligned, clean, clean_json, timestamp
from scanner.cli.shared import inputs
from scanner.history.folder import History
from scanner.history.manifest import DamageError
from scanner.model.outcome import WORST_FIRST, Severity
from scanner.report.parts.markup import escaped

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_WIDEST: Final = 60

Cells = Sequence[str]


def folder_of(namespace: argparse.Namespace) -> Path | None:
    """Return the folder that the options or the settings name."""
    return inputs.settings(namespace).history


def opened(folder: Path | None) -> History:
    """Open the history. Raises UsageError where none is named, DamageError where it is none."""
    if folder is None:
        raise UsageError(
            "there is no history",
            where="history",
            remedy="Name it: --history DIR, KEYPOLICY_HISTORY, or `history` in keypolicy.yaml.",
        )
    return History(folder)


def warn_of(damage: Iterable[DamageError]) -> None:
    """Warn of runs that are passed over."""
    for error in damage:
        inputs.warn(f"{error.where}: {error.message}; see `keypolicy history verify`")


class Printout:
    """A page of headings, lines and tables, for a terminal or as Markdown."""

    def __init__(self, form: str) -> None:
        self._is_markdown = form == "markdown"
        self._lines: list[str] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        if self._lines:
            self._lines.append("")
        self._lines.append(f"## {escaped(text)}" if self._is_markdown else clean(text))
        if self._is_markdown:
            self._lines.append("")

    def line(self, text: str) -> None:
        """Add a line; in Markdown, an item of a list."""
        self._lines.append(f"- {escaped(text)}" if self._is_markdown else f"  {clean(text)}")

    def table(self, head: Cells, rows: Sequence[Cells]) -> None:
        """Add a table with its heads."""
        if not self._is_markdown:
            self._lines += [f"  {line}" for line in aligned([[h.upper() for h in head], *rows])]
            return
        rule = ["---"] * len(head)
        cells = [head, rule, *([escaped(cell) for cell in row] for row in rows)]
        self._lines += [f"| {' | '.join(row)} |" for row in cells]

    def print(self) -> None:
        """Write it to standard output."""
        sys.stdout.writelines(f"{line}\n" for line in self._lines)


def print_json(value: object) -> None:
    """Write a value to standard output, safe for logs."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    sys.stdout.write(clean_json(text) + "\n")


def spark(values: Sequence[float | None], top: float | None = None) -> str:
    """Draw numbers from 0 on as blocks, the latest of them; what is not known is a space."""
    shown = values[-_WIDEST:]
    most = top or max((value for value in shown if value is not None), default=0) or 1
    last = len(_BLOCKS) - 1
    return "".join(
        " " if value is None else _BLOCKS[min(last, round(value / most * last))] for value in shown
    )


def day(moment: datetime) -> str:
    """Write a time as far as a table of runs needs it, to the minute."""
    return timestamp(moment)[:16].replace("T", " ")


def by_severity(counted: Callable[[Severity], int]) -> list[str]:
    """Write a number for each severity, the worst first."""
    return [f"{counted(severity):,}" for severity in WORST_FIRST]
