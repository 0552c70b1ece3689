"""Copies of an inventory's files: without secrets, and the same tables come of them."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scanner.engine.intake.keep import keep
from scanner.engine.intake.load import load
from scanner.inventory.file import FileSource
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Inventory, KeptInventory, Needs, RawInput, Scope
from tests.unit.engine.support import fresh

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
CANARY = "c4nary5ecre7c4nary5ecre7c4nary00"
KEYS: list[dict[str, Any]] = [
    {
        "id": "a" * 32,
        "name": f"quotes {CANARY}",
        "secret": CANARY,
        "dsn": {"public": "https://a@s.io/1", "secret": f"https://a:{CANARY}@s.io/1"},
        "isActive": True,
        "rateLimit": {"window": 60, "count": 1500},
        "dateCreated": "2026-01-01T00:00:00Z",
    },
    {"id": "b" * 32, "name": "é\u202e😀", "isActive": None},
]


def _api(path: Path) -> None:
    path.write_text(json.dumps(KEYS))


def _lines(path: Path) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in KEYS))


def _own(path: Path) -> None:
    with Spool(path, sources=("x",), server="https://s", scope=Scope(("acme",))) as spool:
        for one in KEYS:
            spool.add("sentry_key", one, organization="acme", project="web")
        spool.finish({"sentry_key": TableCoverage(CoverageState.COMPLETE, "")})
    # Whoever has the file may put a secret back into it.
    path.write_text(path.read_text().replace('"isActive":null', f'"secret":"{CANARY}"'))


def _restored(kept: KeptInventory, folder: Path) -> Inventory:
    inputs = []
    for one in kept.inputs:
        path = folder / f"{one.name}.plain"
        path.write_bytes(gzip.decompress((folder / one.name).read_bytes()))
        inputs.append(
            RawInput(
                path, one.layout, one.label, one.kind, one.organization, one.project, one.server
            )
        )
    return Inventory(tuple(inputs), kept.sources, kept.coverage, live=kept.live)


@pytest.mark.parametrize("write", [_api, _lines, _own])
def test_the_same_tables_come_of_a_copy(tmp_path: Path, write: Any) -> None:
    source = tmp_path / ("keys.json" if write is _api else "keys.jsonl")
    write(source)
    files = FileSource([source], ("acme",), ("web",), "https://s")
    inventory = files.collect(Scope(), Needs({}), tmp_path)
    kept_in = tmp_path / "kept"
    kept_in.mkdir()
    with fresh() as connection:
        before = load(connection, inventory, Scope(), AS_OF, {})
        kept = keep(connection, inventory, kept_in)
    for path in kept_in.iterdir():
        assert CANARY.encode() not in gzip.decompress(path.read_bytes())
    with fresh() as connection:
        after = load(connection, _restored(kept, kept_in), Scope(), AS_OF, {})
    assert after == before


def test_what_this_process_wrote_is_copied_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    with Spool(path, sources=("x",), server=None, scope=Scope()) as spool:
        spool.add("sentry_key", KEYS[1], organization="acme", project="web")
        spool.finish({"sentry_key": TableCoverage(CoverageState.COMPLETE, "")})
    (raw,) = FileSource([path], (), (), None).collect(Scope(), Needs({}), tmp_path).inputs
    own = RawInput(raw.path, raw.layout, raw.label, is_redacted=True)
    kept_in = tmp_path / "kept"
    kept_in.mkdir()
    with fresh() as connection:
        kept = keep(connection, Inventory((own,), ("x",)), kept_in)
    (one,) = kept.inputs
    assert gzip.decompress((kept_in / one.name).read_bytes()) == path.read_bytes()
