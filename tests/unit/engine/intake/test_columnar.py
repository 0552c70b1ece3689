"""An inventory with columns is the inventory of lines that it was made of, or is refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_record
from scanner.engine.database import connect
from scanner.engine.intake.export import to_parquet
from scanner.engine.intake.load import load
from scanner.engine.intake.reader import BadInputError
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from tests.unit.engine.support import AS_OF
from tests.unit.inventory.rows.test_plain import _first, records

LIGHT: Final = {name: frozenset({"id", "name"}) for name in TABLES}
WHOLE: Final = {name: frozenset(spec.columns) for name, spec in TABLES.items()}
WHOLLY: Final = {"state": "complete", "reason": ""}
HEADER: Final = {
    "version": 1,
    "server": "https://s.test",
    "sources": ["a test"],
    "scope": {"organizations": [], "projects": []},
}


def write(file: Path, lines: Sequence[tuple[str, Any]]) -> None:
    """Write an inventory as lines."""
    told = [{"kind": "inventory", "record": HEADER}]
    told += [
        {"kind": kind, "organization": "acme", "project": "web", "record": record}
        for kind, record in lines
    ]
    told += [{"kind": "end", "record": {"coverage": dict.fromkeys(TABLES, WHOLLY)}}]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in told), "utf-8")


def outcome(raw: RawInput, read: dict[str, frozenset[str]]) -> Any:
    """Return all that a scan would know of the inventory; why it is refused, where it is."""
    with connect() as connection:
        try:
            loaded = load(connection, Inventory((raw,), ()), Scope(), AS_OF, read)
        except (BadInputError, InventoryFileError) as error:
            return type(error)
        rows = {
            name: sorted(map(repr, connection.execute(f'FROM "{name}"').fetchall()))
            for name in TABLES
        }
        return loaded, rows


def in_columns(folder: Path) -> tuple[RawInput, RawInput]:
    lines = RawInput(folder / "i.jsonl", Layout.INVENTORY_LINES, "i")
    to_parquet(lines, folder / "i.parquet")
    return lines, RawInput(folder / "i.parquet", Layout.INVENTORY_PARQUET, "i")


@st.composite
def _lines(draw: Any) -> list[tuple[str, Any]]:
    """Records of all tables, most of them sound, without their secrets."""
    found = []
    kinds = st.sampled_from(["sentry_key", *TABLES])
    for kind in draw(st.lists(kinds, min_size=1, max_size=4)):
        record = json.loads(draw(records(kind)), object_pairs_hook=_first)
        if isinstance(record, dict) and "Infinity" not in json.dumps(record):
            found.append((kind, redact_record(record, kind)))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=_lines(), read=st.sampled_from([LIGHT, WHOLE]))
def test_columns_and_lines_are_one_inventory(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, Any]],
    read: dict[str, frozenset[str]],
) -> None:
    folder = tmp_path_factory.mktemp("columns")
    write(folder / "i.jsonl", lines)
    one, other = in_columns(folder)
    assert outcome(one, read) == outcome(other, read)
