"""Message templates: plain column names in braces, made into SQL with bound literals."""

import string
from typing import Final

from scanner.base.errors import Problem
from scanner.base.hints import closest
from scanner.catalogue import TABLES, TEXTS, Column
from scanner.model.rule import Rule

SPECS: Final = ("", "date", "raw")
"""What may follow the column: `{date_created:date}` is the day, `:raw` the value as stored."""

MAX_LENGTH: Final = 4_000
MAX_FIELDS: Final = 50
"""Longest template, in characters, and the most columns that it may show."""

_MISSING: Final = "unknown"


def problems(rule: Rule) -> list[Problem]:
    """Return what is wrong with the rule's message template."""
    columns = TABLES[rule.resource].columns
    template = rule.message or rule.title
    if len(template) > MAX_LENGTH:
        message = f"The message is longer than {MAX_LENGTH:,} characters"
        return [Problem(rule.location, message, "bad-message")]
    try:
        fields = [
            (name, spec, conversion)
            for _, name, spec, conversion in string.Formatter().parse(rule.message)
            if name is not None
        ]
    except ValueError as error:
        return [Problem(rule.location, f"The message is malformed: {error}", "bad-message")]
    if len(fields) > MAX_FIELDS:
        message = f"The message names {len(fields):,} columns; {MAX_FIELDS} is the most"
        return [Problem(rule.location, message, "bad-message")]
    found = []
    for name, spec, conversion in fields:
        if conversion or spec not in SPECS:
            found.append(
                Problem(
                    rule.location,
                    f"The message formats `{name}` in a way that is not supported",
                    "bad-message",
                    "Write {column} or {column:date}.",
                )
            )
        elif name not in columns:
            near = closest(name, columns)
            hint = f"Did you mean `{near}`?" if near else "Plain column names only."
            message = f"The message names an unknown column `{name}` of {rule.resource}"
            found.append(Problem(rule.location, message, "unknown-column", hint))
    return found


def compile_message(rule: Rule, prefix: str) -> tuple[str, dict[str, str]]:
    """Return a SQL text expression for the rule's message, and the literals bound in it."""
    columns = TABLES[rule.resource].columns
    parts: list[str] = []
    params: dict[str, str] = {}
    # A title is no template: braces in it are braces.
    template = rule.message or rule.title.replace("{", "{{").replace("}", "}}")
    for literal, name, spec, _ in string.Formatter().parse(template):
        if literal:
            bound = f"{prefix}{len(params)}"
            params[bound] = literal
            parts.append(f"CAST(${bound} AS VARCHAR)")
        if name is not None:
            parts.append(f"coalesce({_shown(name, columns[name], spec or '')}, '{_MISSING}')")
    return f"concat({', '.join(parts)})" if parts else "''", params


def _shown(name: str, column: Column, spec: str) -> str:
    if spec == "date" or (column.type.startswith("TIMESTAMP") and not spec):
        return f"strftime(timezone('UTC', t.\"{name}\"), '%Y-%m-%d')"
    if column.type == TEXTS:
        return f'CAST(to_json(t."{name}") AS VARCHAR)'
    if column.type == "DOUBLE" and not spec:
        return f'CAST(round(t."{name}", 2) AS VARCHAR)'
    return f'CAST(t."{name}" AS VARCHAR)'
