"""From a source to an inventory file: as lines, as one JSON array, or as Parquet."""

import shutil
from pathlib import Path
from typing import Final

import _duckdb as duckdb
import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.catalogue import OWN, TABLES
from scanner.engine.database import Connection, connect, literal, reason
from scanner.engine.intake.envelope import read_envelopes
from scanner.engine.intake.reader import FEW, raw_relation, run_on
from scanner.inventory.envelope import ENDING, HEADER
from scanner.inventory.rows.members import NULLS, ODD, members, struct
from scanner.inventory.rows.unfold import unfolded
from scanner.inventory.source import Source
from scanner.inventory.spool import copy_inventory
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import TYPED_VERSION, Needs, RawInput, Scope

COPY: Final = "(FORMAT parquet, COMPRESSION zstd)"


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
        ending = read_envelopes(connection, {0: raw})[0].ending
        if output.suffix == ".parquet":
            _to_parquet(connection, raw, output)
        else:
            copy_inventory(raw.path, output)
    return ending.coverage, inventory.warnings


def _to_parquet(connection: Connection, raw: RawInput, output: Path) -> None:
    """Write an inventory of lines as Parquet with typed columns, once its envelope was read.

    It is made beside `raw`, where there is room for scratch files, and put in its place when it
    is whole. Raises UsageError where it cannot be written.
    """
    made = raw.path.with_name(f"{raw.path.name}.parquet")
    kinds = connection.execute(f"SELECT DISTINCT kind FROM ({FEW})").fetchall()
    names = {str(kind) for (kind,) in kinds}
    tables = [name for name in TABLES if name in names or name == OWN[name].keys]
    sql = typed(FEW, raw_relation(raw), tables)
    try:
        run_on(connection, (raw,), f"COPY ({sql}) TO {literal(str(made))} {COPY}", {})
        with made.open("rb") as source, replacing(output) as target:
            shutil.copyfileobj(source, target)
    except duckdb.IOException as error:
        raise UsageError(
            f"cannot be written: {reason(error)}",
            where=str(made),
            remedy="Name a file in a folder that has room and that you may write to.",
        ) from None
    finally:
        made.unlink(missing_ok=True)


def typed(few: str, many: str, tables: list[str]) -> str:
    """Return the SELECT of the rows of a file with typed columns, keys last.

    `few` is a SELECT of the lines that are no keys, `many` of all lines; both have kind,
    organization, project and record. What stands before the keys can be read without them.
    """
    said = {name: tuple(members(name)) for name in tables}
    patch = msgspec.json.encode({"version": TYPED_VERSION, "columns": said}).decode()
    nothing = ", ".join(f'CAST(NULL AS {struct(name)}) AS "{name}"' for name in tables)
    ends = (
        f"SELECT kind, organization, project, {nothing}, CAST(NULL AS VARCHAR) AS {NULLS},"
        f" CAST(NULL AS VARCHAR) AS {ODD}, CAST(CASE kind WHEN '{HEADER}' THEN"
        f" json_merge_patch(record, {literal(patch)}) ELSE record END AS VARCHAR) AS record"
        f" FROM ({few}) WHERE kind IN ('{HEADER}', '{ENDING}')"
    )
    parts = [
        f"(WITH raw AS (SELECT * FROM ({source}) WHERE kind = '{name}') {unfolded(name)})"
        for name in sorted(tables, key=lambda name: name == OWN[name].keys)
        for source in (many if name == OWN[name].keys else few,)
    ]
    return f"({ends}) UNION ALL BY NAME {' UNION ALL BY NAME '.join(parts)}"
