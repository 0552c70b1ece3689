"""Makes the parts of the language reference that the code knows best: checks and columns.

Run as a module with the reference's path to write them anew; a test fails when they are out of
date.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from scanner.catalogue import TABLES
from scanner.policy.checks import get_checks
from scanner.policy.checks.interface import Check


def checks() -> str:
    """Return the built-in checks as Markdown, a section each."""
    return "\n".join(_check(check) for check in get_checks())


def columns() -> str:
    """Return the tables and their columns as Markdown, a section each."""
    sections = []
    for name, table in TABLES.items():
        rows = [
            f"| `{column}` | {_type(details.type)} | {details.doc} |"
            for column, details in table.columns.items()
        ]
        head = ["| Column | Type | Meaning |", "|---|---|---|"]
        sections.append("\n".join([f"#### {name}", "", table.doc, "", *head, *rows, ""]))
    return "\n".join(sections)


def fill(text: str) -> str:
    """Return the reference with every generated section, between its markers, made anew."""
    for name, make in _SECTIONS.items():
        marked = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
        made = f"\n{make()}\n".replace("\\", "\\\\")
        text = marked.sub(made, text)
    return text


_SECTIONS: Final[dict[str, Callable[[], str]]] = {"checks": checks, "columns": columns}


def _check(check: Check[Any]) -> str:
    required = check.required()
    rows = [
        f"| `{argument}` | {slot.type} | {'yes' if argument in required else ''} | {slot.meaning} |"
        for argument, slot in check.slots().items()
    ]
    forms = []
    if check.flag:
        forms.append(f"`{check.name}: true` leaves every argument at its default.")
    if check.short:
        forms.append(f"A bare value is `{check.short}`.")
    lines = [
        f"#### {check.name}",
        "",
        check.description,
        "",
        "```yaml",
        check.example,
        "```",
        "",
        *(["| Argument | Type | Required | Meaning |", "|---|---|---|---|", *rows, ""]),
        " ".join([*forms, f"For {', '.join(f'`{table}`' for table in check.resources)}."]),
        "",
    ]
    return "\n".join(lines)


def _type(sql: str) -> str:
    return {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}.get(sql, sql)


if __name__ == "__main__":
    reference = Path(sys.argv[1])
    reference.write_text(fill(reference.read_text(encoding="utf-8")), encoding="utf-8")
