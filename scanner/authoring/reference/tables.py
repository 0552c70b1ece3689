"""The words of predicates for the generated pages: tables, columns and functions."""

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
