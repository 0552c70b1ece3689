"""From a source to an inventory file: as lines, as one JSON array, or as Parquet."""

import shutil
from pathlib import Path

import _duckdb as duckdb

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.engine.database import connect, reason
from scanner.engine.intake.envelope import read_envelope
from scanner.engine.intake.reader import raw_relation
from scanner.inventory.source import Source
from scanner.inventory.spool import copy_inventory
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import Needs, RawInput, Scope


def fetch(
    source: Source, scope: Scope, wanted: Needs, workspace: Path, output: Path
) -> tuple[dict[str, TableCoverage], tuple[str, ...]]:
    """Collect an inventory and save it under `output`; returns its coverage and warnings.

    The suffix chooses the form: .jsonl, .json or .parquet. Raises FetchError where nothing could
    be seen, UsageError where the file cannot be written.
    """
    inventory = source.collect(scope, wanted, workspace)
    (raw,) = inventory.inputs
    with connect() as connection:
        ending = read_envelope(connection, raw).ending
    if output.suffix == ".parquet":
        to_parquet(raw, output)
    else:
        copy_inventory(raw.path, output)
    return ending.coverage, inventory.warnings


def to_parquet(raw: RawInput, output: Path) -> None:
    """Copy the product's own inventory, as lines, to a Parquet file with the same columns.

    It is made beside `raw`, where room for scratch files is, and appears under its name only when
    it is whole. Raises UsageError where it cannot be written.
    """
    made = raw.path.with_name(f"{raw.path.name}.parquet")
    quoted = str(made).replace("'", "''")
    relation = raw_relation(raw)
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                "CREATE TABLE lines AS SELECT kind, organization, project,"
                f" CAST(record AS VARCHAR) AS record FROM ({relation})",
                {"path": str(raw.path)},
            )
            connection.execute(f"COPY lines TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.IOException as error:
        raise UsageError(f"cannot be written: {reason(error)}", where=str(made)) from None
    with made.open("rb") as source, replacing(output) as target:
        shutil.copyfileobj(source, target)
