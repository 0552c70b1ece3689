"""From a source to full tables: the one place where a source meets the database."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from scanner.base.errors import InventoryFileError
from scanner.base.scratch import scratch
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake import columnar
from scanner.engine.intake.load import Loaded, load
from scanner.engine.intake.owners import assign, with_teams
from scanner.engine.intake.reader import BadInputError
from scanner.engine.judge.places import Unseen
from scanner.inventory.source import Source
from scanner.model.inventory import Inventory, Layout, Needs, Scope
from scanner.model.owner import Owners
from scanner.model.run import InventorySummary, TableSummary

Keep = Callable[[Connection, Inventory], None]
"""Called when the tables are full, while the files that they were filled from are still there."""


class Opened(msgspec.Struct, frozen=True):
    """An inventory in its database, what is in it, and what its tables may lack."""

    connection: Connection
    loaded: Loaded
    unseen: Unseen


def fill(  # noqa: PLR0913, PLR0917 - what a source is asked for, and what is made of it
    connection: Connection,
    source: Source,
    scope: Scope,
    as_of: datetime,
    wanted: Needs,
    read: Mapping[str, frozenset[str]],
    owners: Owners | None,
    keep: Keep | None = None,
    ahead: int = 0,
    *,
    digested: bool = True,
) -> Loaded:
    """Collect what is wanted, and load it; `read`, `ahead` and `digested` are as in load.

    Raises FetchError where nothing could be seen, InventoryFileError for a bad file.
    """
    with scratch() as workspace:
        inventory = source.collect(scope, with_teams(wanted, owners), workspace)
        try:
            loaded = load(connection, inventory, scope, as_of, read, ahead, digested=digested)
        except BadInputError as error:
            raise _diagnosed(connection, error) from error
        if keep is not None:
            keep(connection, inventory)
    if owners is None:
        return loaded
    warnings = (*loaded.warnings, *assign(connection, owners))
    return msgspec.structs.replace(loaded, warnings=warnings)


def _diagnosed(connection: Connection, error: BadInputError) -> InventoryFileError:
    """Return the error that says what is wrong with a file that was refused, and where."""
    # Imported here: only needed to say what is wrong with a file.
    from scanner.inventory.diagnose import diagnose_inputs  # noqa: PLC0415

    for raw in error.inputs:
        in_rows = raw.layout is Layout.INVENTORY_PARQUET
        if in_rows and (fault := columnar.refused(connection, raw)):
            return fault
    return diagnose_inputs(error.inputs, error.message)


def summary_of(loaded: Loaded, needed: frozenset[str]) -> InventorySummary:
    """Return what was loaded as reports tell it; rules read the tables that are needed."""
    tables = {
        name: TableSummary(loaded.rows[name], loaded.coverage[name], name in needed)
        for name in TABLES
    }
    places = loaded.organizations, loaded.servers, loaded.reaches
    return InventorySummary(loaded.sources, tables, loaded.digest, *places, loaded.warnings)
