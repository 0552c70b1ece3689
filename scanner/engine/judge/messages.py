"""Message templates: plain column names in braces, made into SQL with bound literals."""

import string
from typing import Final

from scanner.base.errors import Problem
from scanner.catalogue import TABLES, TEXTS, Column
from scanner.model.rule import Rule
from scanner.policy.language.templates import MAX_LENGTH, faults

_MISSING: Final = "unknown"


def problems(rule: Rule) -> list[Problem]:
    """Return what is wrong with the rule's message; of a title, only that it is too long."""
    template = rule.message or (rule.title if len(rule.title) > MAX_LENGTH else "")
    found = faults(template, rule.resource)
    return [Problem(rule.location, one.message, one.code, one.hint) for one in found]


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
