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
_FORMS: Final = "Write {column}, {column:date} for the day of a time, or {column:raw}."
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
    return [
        *misplaced(template, resource),
        *(
            TemplateFault(message, "bad-message", _FORMS, found.start())
            for found in shown
            if (message := _misformatted(found["column"], found["spec"] or "", resource))
        ),
    ]


def _misformatted(name: str, spec: str, resource: str) -> str:
    """Say what is wrong with what follows a column."""
    column = TABLES[resource].columns.get(name)
    if spec not in SPECS:
        return f"the message formats `{name}` in a way that is not supported"
    if spec == "date" and column and not column.type.startswith("TIMESTAMP"):
        return f"the message asks for the day of `{name}`, which is {column.type} and no time"
    return ""
