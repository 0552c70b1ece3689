"""Many files at once: read by few statements, and told apart nevertheless."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake import reader
from scanner.engine.intake.load import Loaded, load
from scanner.engine.intake.reader import BadInputError
from scanner.inventory.diagnose import diagnose_inputs
from scanner.inventory.rows import lines
from scanner.inventory.spool import Spool, copy_inventory
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from tests.unit.engine.intake.test_load import ALL, CANARY, KEY, fill
from tests.unit.engine.support import AS_OF, fresh, to_parquet

COMPLETE = TableCoverage(CoverageState.COMPLETE, "given")
PAGE = 100
TOKEN = "sntryu_" + "0123456789abcdef"

Write = Callable[[Path, Sequence[dict[str, Any]]], RawInput]


def key(number: int) -> dict[str, Any]:
    """Return a key: every fourth has an escape, every fifth what looks like a token."""
    name = "a\\b" if number % 4 == 0 else TOKEN if number % 5 == 0 else "web"
    return {**KEY, "id": f"k{number}", "name": name, "projectId": number % 3}


def _array(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    path.write_text(json.dumps(records), "utf-8")
    return _export(path, Layout.API_ARRAY)


def _lines(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    path.write_text("\n".join(map(json.dumps, records)), "utf-8")
    return _export(path, Layout.API_LINES)


def _objects(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    path.write_text("\n".join(json.dumps(one, indent=1) for one in records), "utf-8")
    return _export(path, Layout.API_OBJECT)


def _packed(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    return _export(path, Layout.API_LINES, packing="gzip")


def _export(path: Path, layout: Layout, **more: Any) -> RawInput:
    return RawInput(path, layout, path.name, "sentry_key", server="https://s.test", **more)


def _own(path: Path, records: Sequence[dict[str, Any]], server: str = "https://s.test") -> RawInput:
    kinds = ("sentry_key", "sentry_project")
    with Spool(path, sources=("made up",), server=server, scope=Scope()) as spool:
        for record in records:
            project = str(record["projectId"])
            spool.add("sentry_key", record, organization=path.stem, project=f"p{project}")
        for project in sorted({str(record["projectId"]) for record in records}):
            told = {"id": project, "slug": f"p{project}", "name": "a\\b"}
            spool.add("sentry_project", told, organization=path.stem, project=None)
        spool.finish(dict.fromkeys(kinds, COMPLETE))
    return RawInput(path, Layout.INVENTORY_LINES, path.name)


def _own_array(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    copy_inventory(_own(path, records).path, path.with_suffix(".json"))
    return RawInput(path.with_suffix(".json"), Layout.INVENTORY_ARRAY, path.name)


def _own_columns(path: Path, records: Sequence[dict[str, Any]]) -> RawInput:
    to_parquet(_own(path, records), path.with_suffix(".parquet"))
    return RawInput(path.with_suffix(".parquet"), Layout.INVENTORY_PARQUET, path.name)


EXPORTS: list[Write] = [_array, _lines, _objects, _packed]
OWN: list[Write] = [_own, _own_array, _own_columns]


def told(*inputs: RawInput) -> tuple[Loaded, list[tuple[Any, ...]]]:
    """Load the files; return what is said of them, and the rows of keys."""
    with fresh() as connection:
        loaded = fill(connection, *inputs)
        found = connection.execute("SELECT * FROM sentry_key ORDER BY id, organization_slug")
        return loaded, found.fetchall()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements that read files, noted from now on."""
    noted: list[str] = []
    run = reader.run_on

    def run_on(
        connection: Connection, inputs: Sequence[RawInput], sql: str, params: dict[str, Any]
    ) -> Connection:
        noted.extend([sql] if "$path" in sql else [])
        return run(connection, inputs, sql, params)

    monkeypatch.setattr(reader, "run_on", run_on)
    return noted


@pytest.mark.parametrize("write", EXPORTS)
def test_many_exports_are_as_one(tmp_path: Path, write: Write, readings: list[str]) -> None:
    keys = [key(number) for number in range(40)]
    one, rows = told(write(tmp_path / "all.json", keys))
    passes = len(readings)
    assert passes == 3, "plain rows, odd ones, and those that a secret may be in"
    many, same = told(*(write(tmp_path / f"{n}.json", keys[n::8]) for n in range(8)))
    assert same == rows
    assert (many.digest, many.rows) == (one.digest, one.rows)
    assert len(readings) == 2 * passes


@pytest.mark.parametrize("write", OWN)
def test_many_inventories_are_read_by_as_few_statements_as_one(
    tmp_path: Path, write: Write, readings: list[str]
) -> None:
    keys = [key(number) for number in range(40)]
    _, rows = told(write(tmp_path / "o0.jsonl", keys[0::4]))
    passes = len(readings)
    places = [write(tmp_path / f"o{n}.jsonl", keys[n::4]) for n in range(4)]
    loaded, found = told(*places)
    assert [row for row in found if row in rows] == rows
    assert loaded.rows["sentry_key"] == 40
    assert loaded.organizations == {f"o{n}": 3 for n in range(4)}
    assert len(readings) == 2 * passes


@pytest.mark.parametrize("write", [_lines, _own])
def test_large_files_of_lines_are_read_as_text_to_the_same_rows(
    tmp_path: Path, write: Write, readings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [key(number) for number in range(40)]
    inputs = [write(tmp_path / f"o{n}.jsonl", keys[n::4]) for n in range(4)]
    small, rows = told(*inputs)
    passes = len(readings)
    assert any("read_json" in sql for sql in readings)
    monkeypatch.setattr(lines, "_LARGE", 0)
    large, same = told(*inputs)
    assert (same, large) == (rows, small)
    assert len(readings) == 2 * passes
    assert all("read_csv" in sql for sql in readings[passes:])


def test_files_that_are_read_in_other_ways_go_together(tmp_path: Path) -> None:
    writes = [*EXPORTS, *EXPORTS, *OWN, *OWN]
    inputs = [write(tmp_path / f"o{n}.x", [key(n)]) for n, write in enumerate(writes)]
    loaded, rows = told(*inputs)
    assert len(rows) == len(writes)
    assert loaded.rows["sentry_project"] == 6


def test_each_inventory_links_to_its_own_server(tmp_path: Path) -> None:
    servers = ["https://a.test", "https://b.test", "https://a.test"]
    inputs = [_own(tmp_path / f"o{n}", [key(n)], server) for n, server in enumerate(servers)]
    with fresh() as connection:
        fill(connection, *inputs)
        urls = connection.execute("SELECT url FROM sentry_key ORDER BY id").fetchall()
        assert [url.partition("/settings/")[0] for (url,) in urls] == servers


@pytest.mark.parametrize("number", range(3))
def test_the_file_that_may_be_cut_at_a_page_is_named(tmp_path: Path, number: int) -> None:
    keys = [key(one) for one in range(PAGE + 2)]
    parts = [keys[PAGE : PAGE + 1], keys[PAGE + 1 :]]
    parts.insert(number, keys[:PAGE])
    loaded, _ = told(*(_array(tmp_path / f"{n}.json", part) for n, part in enumerate(parts)))
    (gap,) = loaded.coverage["sentry_key"].gaps
    assert gap.reason.startswith(f"{number}.json holds exactly {PAGE} keys")


@pytest.mark.parametrize("write", [_own, _own_array])
@pytest.mark.parametrize("kind", ["sentry_key", "sentry_project"])
@pytest.mark.parametrize("number", [0, 2])
def test_the_inventory_that_has_lost_a_record_is_named(
    tmp_path: Path, write: Write, kind: str, number: int
) -> None:
    inputs = [write(tmp_path / f"o{n}", [key(n)]) for n in range(3)]
    path = inputs[number].path
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if f'"kind":"{kind}"' not in x), "utf-8")
    with pytest.raises(InventoryFileError, match=f"^o{number}: says that it holds 1 record "):
        told(*inputs)


@pytest.mark.parametrize("write", EXPORTS)
@pytest.mark.parametrize("number", [0, 5])  # what has an escape, what looks like a token
def test_two_that_contradict_each_other_are_named(
    tmp_path: Path, write: Write, number: int
) -> None:
    parts = [[key(3 * n), key(3 * n + 1), key(3 * n + 2)] for n in range(6)]
    parts[4].append({**key(number), "isActive": False})
    inputs = [write(tmp_path / f"{n}.json", part) for n, part in enumerate(parts)]
    with pytest.raises(InventoryFileError) as refused:
        told(*inputs)
    assert f"in {number // 3}.json and in 4.json" in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("write", [*EXPORTS, _own, _own_array])
@pytest.mark.parametrize("number", [0, 2])
def test_the_file_with_a_wrong_record_is_named(tmp_path: Path, write: Write, number: int) -> None:
    records = [[key(1)], [key(2)], [key(3)]]
    records[number][0]["isActive"] = "yes"
    inputs = [write(tmp_path / f"o{n}", part) for n, part in enumerate(records)]
    with pytest.raises(BadInputError) as refused:
        told(*inputs)
    fault = diagnose_inputs(refused.value.inputs, refused.value.message)
    assert str(fault).startswith(f"o{number}:")
    assert "isActive" in str(fault)


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: [*lines, *lines],
        lambda lines: [lines[0].replace('"version":1', '"version":9'), *lines[1:]],
        lambda lines: [*lines[:-1], "{", lines[-1]],
    ],
)
def test_the_inventory_that_is_none_is_named(
    tmp_path: Path, number: int, edit: Callable[[list[str]], list[str]]
) -> None:
    inputs = [_own(tmp_path / f"o{n}", [key(n)]) for n in range(3)]
    path = inputs[number].path
    path.write_text("\n".join(edit(path.read_text("utf-8").splitlines())) + "\n", "utf-8")
    try:
        told(*inputs)
    except BadInputError as error:
        fault: InventoryFileError = diagnose_inputs(error.inputs, error.message)
    except InventoryFileError as error:
        fault = error
    assert str(fault).startswith(f"o{number}:")


def test_what_is_put_aside_is_gone_and_so_are_the_numbers_of_files(tmp_path: Path) -> None:
    inputs = tuple(_own(tmp_path / f"o{n}", [key(n)]) for n in range(3))
    with fresh() as connection:
        load(connection, Inventory(inputs, ()), Scope(), AS_OF, ALL)
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert {name for (name,) in names} == set(TABLES)
        for name in TABLES:
            columns = [one[0] for one in connection.execute(f'SELECT * FROM "{name}"').description]
            assert set(columns) <= set(TABLES[name].columns)
