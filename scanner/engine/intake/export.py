"""Writing an inventory file as Parquet."""

import shutil
from pathlib import Path

import duckdb

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.engine.database import reason
from scanner.engine.intake.reader import raw_relation
from scanner.model.inventory import RawInput


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
