"""Findings as Parquet, for data platforms: the columns of the CSV, with their types.

The file's metadata tell run, moment and verdict; rows and order depend on the facts alone.
Values are as they came, without escapes: nothing renders them here.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import _duckdb as duckdb

from scanner import __version__
from scanner.base.scratch import scratch
from scanner.base.text import timestamp
from scanner.model.run import Run
from scanner.report.interface import ReportOptions
from scanner.report.parts.effect import gate_words, loosened
from scanner.report.parts.flat import COLUMNS

_TYPES: Final = {"first_seen": "TIMESTAMP WITH TIME ZONE"}  # the others are text


def write(run: Run, out: BinaryIO, options: ReportOptions) -> None:  # noqa: ARG001 - no option
    """Write the Parquet report; see scanner.report.interface.Format.

    The database writes the rows, so that none goes through Python. The format ends with its
    index and cannot be streamed. An error of the disk is an OSError.
    """
    if run.table is None:
        raise ValueError("the scan was not asked for a table")
    parts = run.table()
    with scratch() as workspace:
        table = workspace / "rows.parquet"
        try:
            _join(parts, table, _metadata(run))
        except duckdb.Error as error:
            raise OSError(f"the Parquet file could not be made: {error}") from error
        with table.open("rb") as made:
            shutil.copyfileobj(made, out)


def _join(parts: Sequence[Path], table: Path, metadata: dict[str, str]) -> None:
    columns = ", ".join(
        f"CAST(NULL AS {_TYPES.get(name, 'VARCHAR')}) AS {name}" for name in COLUMNS
    )
    listed = ", ".join(_literal(str(part)) for part in parts)
    # Where they lie is no part of what they hold: a folder may be named `run=7`.
    read = f"read_parquet([{listed}], hive_partitioning = false)"
    rows = f"FROM {read}" if parts else f"SELECT {columns} WHERE false"
    notes = ", ".join(f"{name}: {_literal(value)}" for name, value in metadata.items())
    # One thread, so that the rows keep the order of the findings.
    with duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # standard output is for reports
        connection.execute(
            f"COPY ({rows}) TO {_literal(str(table))}"
            f" (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{notes}}})"
        )


def _metadata(run: Run) -> dict[str, str]:
    return {
        "tool": f"keypolicy {__version__}",
        "run_id": run.info.id,
        "as_of": timestamp(run.info.as_of),
        "inventory_digest": run.inventory.digest,
        "gate": run.verdict.result.value,
        "gate_reasons": "; ".join(run.verdict.reasons),
        "gate_settings": "; ".join(gate_words(run)),
        "gate_loosened": "; ".join(loosened(run)),
    }


def _literal(text: str) -> str:
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"
