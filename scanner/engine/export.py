"""Writing an inventory file as Parquet."""

from pathlib import Path

import duckdb

from scanner.engine.reader import raw_relation
from scanner.model.errors import UsageError
from scanner.model.inventory import RawInput


def to_parquet(raw: RawInput, output: Path) -> None:
    """Copy the product's own inventory, as lines, to a Parquet file with the same columns.

    The file appears under its name only when it is whole. Raises UsageError where it cannot be
    written.
    """
    temporary = output.with_name(f".{output.name}.partial")
    quoted = str(temporary).replace("'", "''")
    relation = raw_relation(raw)
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                "CREATE TABLE lines AS SELECT kind, organization, project,"
                f" CAST(record AS VARCHAR) AS record FROM ({relation})",
                {"path": str(raw.path)},
            )
            connection.execute(f"COPY lines TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
        temporary.replace(output)
    except (OSError, duckdb.IOException) as error:
        raise UsageError(f"cannot be written: {error}", where=str(output)) from error
    finally:
        temporary.unlink(missing_ok=True)
