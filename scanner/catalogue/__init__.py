"""The one catalogue of tables and columns.

The database's tables, the words that a policy may use, strict ingestion and the documentation
all derive from it. A column names where its value comes from: `<$.path>` is the text of a field
of the API's record, `<type $.path>` the JSON type of that field (SQL NULL: the field is missing).
Column names follow Steampipe's `sentry_key`, so that its published queries run unchanged.
"""

from typing import Final

from scanner.catalogue.columns import INTEGER, NOWHERE, TEXTS, Column, Field, Table
from scanner.catalogue.moments import SKEW_MINUTES
from scanner.providers.sentry.tables.client_keys import KEY, USAGE
from scanner.providers.sentry.tables.credentials import API_KEY, INTEGRATION, ORG_AUTH_TOKEN, TOKEN
from scanner.providers.sentry.tables.places import ORGANIZATIONS, PROJECT

__all__ = [
    "BASIC",
    "COSTLY",
    "COUNTED",
    "INTEGER",
    "NOWHERE",
    "SKEW_MINUTES",
    "TABLES",
    "TEXTS",
    "USAGE",
    "Column",
    "Field",
    "Table",
]

TABLES: Final[dict[str, Table]] = {
    "sentry_key": KEY,
    "sentry_project": PROJECT,
    "sentry_organization": ORGANIZATIONS,
    "sentry_integration": INTEGRATION,
    "sentry_org_auth_token": ORG_AUTH_TOKEN,
    "sentry_api_key": API_KEY,
    "sentry_token": TOKEN,
}
"""Every table by its name, in the order in which it is documented."""

BASIC: Final = ("sentry_organization", "sentry_project", "sentry_key")
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
