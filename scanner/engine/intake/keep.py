"""In come the files that tables were filled from; out come redacted copies to fill them from anew.

A copy has what is in the file and no secret: records are redacted as those are that are fetched,
whoever wrote the file. It is JSON Lines, packed with gzip.
"""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import _duckdb as duckdb
import msgspec

from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_record, redact_text, redacted
from scanner.engine.database import Connection, reason
from scanner.engine.intake.envelope import columns_of
from scanner.engine.intake.reader import BATCH, raw_relation, run_on
from scanner.inventory.envelope import HEADER
from scanner.model.inventory import (
    FORMAT_VERSION,
    Inventory,
    KeptInput,
    KeptInventory,
    Layout,
    RawInput,
)

_LEVEL: Final = 6


def keep(connection: Connection, inventory: Inventory, folder: Path) -> KeptInventory:
    """Copy every input into `folder`. Raises OSError, and BadInputError for what cannot be read."""
    try:
        return _copied(connection, inventory, folder)
    except duckdb.Error as error:
        raise OSError(reason(error, quotes=False)) from None


def _copied(connection: Connection, inventory: Inventory, folder: Path) -> KeptInventory:
    inputs = []
    for number, raw in enumerate(inventory.inputs):
        name = f"inventory-{number}.jsonl.gz"
        with packed(folder / name) as out:
            if raw.is_redacted and raw.layout in {Layout.INVENTORY_LINES, Layout.API_LINES}:
                with raw.path.open("rb") as source:
                    shutil.copyfileobj(source, out, 1 << 20)
            else:
                out.writelines(_lines(connection, raw))
        own = raw.layout.is_inventory
        inputs.append(
            KeptInput(
                name=name,
                layout=Layout.INVENTORY_LINES if own else Layout.API_LINES,
                label=redact_text(raw.label),
                kind=raw.kind,
                organization=raw.organization,
                project=raw.project,
                server=raw.server,
            )
        )
    return KeptInventory(
        inputs=tuple(inputs),
        sources=tuple(map(redact_text, inventory.sources)),
        coverage=inventory.coverage,
        live=inventory.live,
    )


def packed(path: Path) -> IO[bytes]:
    """Open a file that is packed with gzip, for writing; its bytes depend on the content alone."""
    opened = gzip.GzipFile(path, "wb", compresslevel=_LEVEL, mtime=0)
    return cast("IO[bytes]", opened)


def _lines(connection: Connection, raw: RawInput) -> Iterator[bytes]:
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
    typed = raw.layout is Layout.INVENTORY_PARQUET
    relation = raw_relation(raw, present=columns_of(connection, raw) if typed else None)
    sql = f"SELECT kind, organization, project, CAST(record AS VARCHAR) FROM ({relation})"
    # A cursor of its own: what was loaded stays as it is.
    rows = run_on(connection.cursor(), (raw,), sql, {})
    while batch := rows.fetchmany(BATCH):
        for kind, organization, project, text in batch:
            record = decode(text)
            if kind == HEADER and isinstance(record, dict):  # lines have no columns
                record = {**record, "version": FORMAT_VERSION, "columns": {}}
            is_record = kind in TABLES and isinstance(record, dict)
            clean = redact_record(record, kind) if is_record else redacted(record)
            if not raw.layout.is_inventory:
                yield encode(clean) + b"\n"
                continue
            places = {"organization": redacted(organization), "project": redacted(project)}
            yield encode({"kind": kind, **places, "record": clean}) + b"\n"
