"""The one catalogue of tables and columns: what all providers declare, gathered by name.

The database's tables, the words that a policy may use, strict ingestion and the documentation
all derive from it. A column names where its value comes from: `<$.path>` is the text of a field
of the API's record, `<type $.path>` the JSON type of that field (SQL NULL: the field is missing).
"""

from typing import Final

from scanner.model.moment import SKEW_MINUTES
from scanner.model.provider import Provider, load_providers
from scanner.model.table import INTEGER, NOWHERE, TEXTS, Column, Field, Table

__all__ = [
    "API",
    "BASIC",
    "COSTLY",
    "COUNTED",
    "INTEGER",
    "LIVE",
    "NOWHERE",
    "OWN",
    "PROVIDERS",
    "SKEW_MINUTES",
    "SUBJECT",
    "TABLES",
    "TEXTS",
    "TOKEN_SETTING",
    "URL_SETTING",
    "Column",
    "Field",
    "Table",
]

PROVIDERS: Final = load_providers()

LIVE: Final = PROVIDERS[0]
"""The provider whose server is asked, whose settings there are, and whose demo is shown."""

API: Final = LIVE.api
"""How that server is asked."""

URL_SETTING: Final = LIVE.variables.get("url", "--url")
TOKEN_SETTING: Final = LIVE.variables.get("token", "")
"""What messages call the settings of the server's address and of the token."""

OWN: Final[dict[str, Provider]] = {
    name: provider for provider in PROVIDERS for name in provider.tables
}
"""The provider of each table."""

TABLES: Final[dict[str, Table]] = {
    name: table for provider in PROVIDERS for name, table in provider.tables.items()
}
"""Every table by its name, in the order in which it is documented."""

SUBJECT: Final = " and ".join(f"{one.title} {one.tables[one.keys].title}s" for one in PROVIDERS)
"""What is looked at, as reports say it: the keys of every service."""

BASIC: Final = LIVE.basic
"""The tables that are fetched unless something else is asked for."""

COSTLY: Final[dict[str, frozenset[str]]] = {
    name: frozenset(column for column, spec in table.columns.items() if spec.costly)
    for name, table in TABLES.items()
}
"""By table, the columns that take a live source requests of their own."""

COUNTED: Final[dict[str, frozenset[str]]] = {
    name: frozenset(column for column, spec in table.columns.items() if spec.counted)
    for name, table in TABLES.items()
}
"""By table, the columns that are counted from the rows of other tables."""
