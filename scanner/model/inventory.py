"""What a source hands to the engine: where the records lie and how much of the truth they are."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import msgspec

from scanner.base.packed import Packing
from scanner.model.coverage import TableCoverage

FORMAT_VERSION: Final = 1
"""Version of the inventory file format that this release reads and writes."""

TYPED_VERSION: Final = 2
"""Version of that format in Parquet with columns; records as texts in Parquet have the other."""


class Layout(StrEnum):
    """How an input file is laid out."""

    API_ARRAY = "api-array"  # one JSON array of objects, as an API answer
    API_LINES = "api-lines"  # one JSON object a line
    API_OBJECT = "api-object"  # one JSON object, or several that follow each other
    INVENTORY_ARRAY = "inventory-array"  # the product's own envelope, in one JSON array
    INVENTORY_LINES = "inventory-lines"  # the product's own envelope, one a line
    INVENTORY_PARQUET = "inventory-parquet"  # the product's own envelope, as Parquet rows

    @property
    def is_inventory(self) -> bool:
        """Whether records come in the envelope that `keypolicy fetch` writes."""
        return self.value.startswith("inventory")


class RawInput(msgspec.Struct, frozen=True):
    """One file of records in the shape of a service's API.

    `kind` names the table of an API export. `organization` and `project` name what the records
    themselves lack; for the product's own inventories they are None. `server` is the base URL
    that links to a key's page are built on. `label` is how messages and reports call the file.
    `is_redacted`: this process wrote it, past the redaction.
    """

    path: Path
    layout: Layout
    label: str
    kind: str | None = None
    organization: str | None = None
    project: str | None = None
    server: str | None = None
    is_redacted: bool = False
    packing: Packing = "none"


class KeptInput(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted copy of an input, which it tells as RawInput does: the file `name`, gzip."""

    name: str
    layout: Layout
    label: str
    kind: str | None
    organization: str | None
    project: str | None
    server: str | None


class KeptInventory(msgspec.Struct, frozen=True, kw_only=True):
    """Redacted copies of an inventory's inputs, and what its source said besides them."""

    inputs: tuple[KeptInput, ...]
    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage]
    live: bool


class Scope(msgspec.Struct, frozen=True):
    """Which organizations and projects (by slug) a scan is about; empty means all."""

    organizations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()

    def renamed(self, slugs: Mapping[str, str]) -> Self:
        """Return the scope with these slugs in place of ids and older slugs of projects."""
        projects = tuple(dict.fromkeys(slugs.get(name, name) for name in self.projects))
        return msgspec.structs.replace(self, projects=projects)


class Reach(msgspec.Struct, frozen=True):
    """What one input can be about: the tables that it has, and the part of them it was asked for.

    `scope` None means that it does not tell: what it has no row of may exist nevertheless.
    `filters` name what leaves rows out wherever the scope lies. `is_export` is for an answer of
    the API as someone saved it; its scope, if any, is the project that the user says it is of.
    """

    tables: frozenset[str]
    scope: Scope | None = None
    filters: tuple[str, ...] = ()
    is_export: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it was asked for less than there may be, or does not tell."""
        return bool(self.filters) or self.scope != Scope()


class Needs(msgspec.Struct, frozen=True):
    """What an inventory has to hold: by table, the columns that something reads.

    A source delivers at least the tables; it may leave out facts that cost it extra requests
    and that none of the columns is made of.
    """

    columns: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, tables: Iterable[str]) -> Self:
        """Ask for tables with what belongs to them anyway."""
        return cls({table: frozenset() for table in tables})

    @property
    def tables(self) -> frozenset[str]:
        """The tables that are needed."""
        return frozenset(self.columns)

    def reads(self, table: str, columns: frozenset[str]) -> bool:
        """Whether any of these columns of the table is read."""
        return bool(self.columns.get(table, frozenset()) & columns)


class Inventory(msgspec.Struct, frozen=True):
    """A set of tables, still in files, with their coverage and origin.

    `coverage` lists only what the source itself knows; the product's own inventory files carry
    theirs inside and it is read with the data. `warnings` are for the user, one sentence each.
    `live`: the records were fetched for this scan, so that no one can mend them in a file.
    `renamed` has slugs of projects by the ids and older slugs that they were asked for.
    """

    inputs: tuple[RawInput, ...]
    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage] = {}
    warnings: tuple[str, ...] = ()
    live: bool = False
    renamed: Mapping[str, str] = {}
