"""A message template and its table enter; what is wrong with the template leaves.

A template is text with columns in braces: `{name}`, `{date_created:date}` for the day, `{name:raw}`
for the value as it is stored. Braces that are text are doubled.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from scanner.base.hints import did_you_mean
from scanner.catalogue import TABLES

SPECS: Final = ("", "date", "raw")
"""What may follow the column, after a colon."""

MAX_LENGTH: Final = 4_000
MAX_FIELDS: Final = 50
"""Longest template, in characters, and the most columns that it may show."""

_SHORTEN: Final = "Write one line, or a title of one where there is no message."
_BRACES: Final = re.compile(r"\{\{|\}\}|\{(?P<column>[^{}:]*)(?::(?P<spec>[^{}]*))?\}|[{}]")


class TemplateFault(msgspec.Struct, frozen=True):
    """What is wrong, at which character of the template."""

    message: str
    code: str
    hint: str = ""
    offset: int = 0


def misplaced(template: str, resource: str) -> Iterator[TemplateFault]:
    """Give the braces that stand alone, and those around what is no column of the table."""
    columns = TABLES[resource].columns
    for found in _BRACES.finditer(template):
        column = found["column"]
        if found[0] in ("{", "}"):
            message = f"a single `{found[0]}`"
            yield TemplateFault(message, "bad-message", "Write it twice.", found.start())
        elif column is not None and column not in columns:
            hint = did_you_mean(column, columns, kind="columns")
            message = f"{resource} has no column `{column}`"
            yield TemplateFault(message, "unknown-column", hint, found.start())


def faults(template: str, resource: str) -> list[TemplateFault]:
    """Return everything that is wrong; of a template that is too large nothing but that."""
    if len(template) > MAX_LENGTH:
        message = f"the message is longer than {MAX_LENGTH:,} characters"
        return [TemplateFault(message, "bad-message", _SHORTEN)]
    shown = [found for found in _BRACES.finditer(template) if found["column"] is not None]
    if len(shown) > MAX_FIELDS:
        message = f"the message names {len(shown):,} columns; {MAX_FIELDS} is the most"
        return [TemplateFault(message, "bad-message", _SHORTEN)]
    hint = "Write {column} or {column:date}."
    return [
        *misplaced(template, resource),
        *(
            TemplateFault(
                f"the message formats `{found['column']}` in a way that is not supported",
                "bad-message",
                hint,
                found.start(),
            )
            for found in shown
            if (found["spec"] or "") not in SPECS
        ),
    ]
