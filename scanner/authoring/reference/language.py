"""Makes the parts of the language reference that the code knows best: checks, functions, columns.

Run as a module with the reference's path to write them anew; a test fails when they are out of
date.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from scanner.authoring.reference.tables import functions_markdown
from scanner.catalogue import TABLES
from scanner.policy.actions import get_actions
from scanner.policy.checks import get_checks
from scanner.policy.language.signature import Signature

_TYPES: Final = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
"""How types are told that have a shorter name."""


def checks() -> str:
    """Return the built-in checks as Markdown, a section each."""
    return "\n".join(
        _used(check, f"For {', '.join(f'`{table}`' for table in check.resources)}.")
        for check in get_checks()
    )


def actions() -> str:
    """Return the actions of remedies as Markdown, a section each."""
    return "\n".join(
        _used(one, f"For `{one.resource}`. Risk: {one.risk}.") for one in get_actions()
    )


def columns() -> str:
    """Return the tables and their columns as Markdown, a section each."""
    sections = []
    for name, table in TABLES.items():
        rows = [
            f"| `{column}` | {_TYPES.get(details.type, details.type)} | {details.doc} |"
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


_SECTIONS: Final[dict[str, Callable[[], str]]] = {
    "checks": checks,
    "actions": actions,
    "columns": columns,
    "functions": lambda: f"{functions_markdown()}\n",
}


_HEAD: Final = ("| Argument | Type | Required | Meaning |", "|---|---|---|---|")


def _used(used: Signature[Any], told: str) -> str:
    required = used.required()
    rows = [
        f"| `{argument}` | {slot.type} | {'yes' if argument in required else ''} | {slot.meaning} |"
        for argument, slot in used.slots().items()
    ]
    forms = []
    if used.flag:
        how = "leaves every argument at its default" if rows else "is all there is to say"
        forms.append(f"`{used.name}: true` {how}.")
    if used.short:
        forms.append(f"A bare value is `{used.short}`.")
    lines = [
        f"#### {used.name}",
        "",
        used.description,
        "",
        "```yaml",
        used.example,
        "```",
        "",
        *([*_HEAD, *rows, ""] if rows else []),
        " ".join([*forms, told]),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    reference = Path(sys.argv[1])
    reference.write_text(fill(reference.read_text(encoding="utf-8")), encoding="utf-8")
