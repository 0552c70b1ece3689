"""The words of predicates for the generated pages: tables, columns and functions.

Run as a module with the language reference's path to write its section of functions anew; a test
fails when it is out of date.
"""

import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from scanner.catalogue import TABLES
from scanner.engine.predicate.vocabulary import FUNCTIONS, WINDOWS


class ColumnEntry(msgspec.Struct, frozen=True):
    """A column of a table."""

    name: str
    type: str
    description: str


class TableEntry(msgspec.Struct, frozen=True):
    """A table of the inventory."""

    name: str
    description: str
    columns: list[ColumnEntry]


def table_entries() -> list[TableEntry]:
    """Describe the tables of the inventory."""
    return [
        TableEntry(
            name,
            table.doc,
            [ColumnEntry(key, column.type, column.doc) for key, column in table.columns.items()],
        )
        for name, table in TABLES.items()
    ]


def functions_markdown() -> str:
    """Return the functions that a predicate may call, as Markdown tables."""
    plain = {name: doc for name, doc in FUNCTIONS.items() if name.isidentifier()}
    operators = {name: doc for name, doc in FUNCTIONS.items() if name not in plain}
    parts = [
        *_words("Function", plain),
        "",
        "With `OVER (...)`, and only with it:",
        "",
        *_words("Window", WINDOWS),
        "",
        "Operators, by DuckDB's names for them:",
        "",
        *_words("Operator", operators),
    ]
    return "\n".join(parts)


def _words(title: str, words: dict[str, str]) -> list[str]:
    rows = [f"| `{name.replace('|', _BAR)}` | {doc} |" for name, doc in words.items()]
    return [f"| {title} | Meaning |", "|---|---|", *rows]


_BAR: Final = "\\|"
_FUNCTIONS: Final = re.compile(r"(?<=<!-- functions -->\n).*?(?=<!-- /functions -->)", re.DOTALL)


def fill_functions(text: str) -> str:
    """Return the language reference with its section of functions made anew."""
    return _FUNCTIONS.sub(lambda _: f"\n{functions_markdown()}\n\n", text)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(fill_functions(page.read_text(encoding="utf-8")), encoding="utf-8")
