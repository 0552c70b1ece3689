"""Findings as Parquet, for data platforms: the columns of the CSV, with their types.

The file's metadata tell run, moment and verdict; rows and order depend on the facts alone.
Values are as they came, without escapes: nothing renders them here.
"""

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

import duckdb
import msgspec

from scanner import __version__
from scanner.base.text import timestamp
from scanner.model.run import Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import gate_words, loosened
from scanner.report.parts.flat import COLUMNS, row

_TYPES: Final = {"first_seen": "TIMESTAMP WITH TIME ZONE"}  # the others are text


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the Parquet report; see scanner.report.interface.Format.

    The format ends with its index and cannot be streamed, so the rows go through a temporary
    file, never through memory. An error of the disk is an OSError.
    """
    with tempfile.TemporaryDirectory(prefix="keypolicy-") as workspace:
        rows, table = Path(workspace, "rows.jsonl"), Path(workspace, "rows.parquet")
        yield from _spool(rows)
        try:
            _convert(rows, table, _metadata(run))
        except duckdb.Error as error:
            raise OSError(f"the Parquet file could not be made: {error}") from error
        with table.open("rb") as made:
            shutil.copyfileobj(made, out)


def _spool(rows: Path) -> Writing:
    encoder = msgspec.json.Encoder()
    with rows.open("wb") as out:
        while found := (yield):
            out.write(encoder.encode_lines([row(finding)._asdict() for finding in found]))


def _convert(rows: Path, table: Path, metadata: dict[str, str]) -> None:
    columns = ", ".join(f"{name}: '{_TYPES.get(name, 'VARCHAR')}'" for name in COLUMNS)
    notes = ", ".join(f"{name}: {_literal(value)}" for name, value in metadata.items())
    # One thread, so that the rows keep the order of the findings.
    with duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT * FROM read_json({_literal(str(rows))}, format = 'newline_delimited',"
            f" columns = {{{columns}}})) TO {_literal(str(table))}"
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
