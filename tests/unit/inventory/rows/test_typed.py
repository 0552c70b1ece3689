"""Records come back from the columns of a file as they were."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.inventory.rows.members import members
from scanner.inventory.rows.normalize import BAD
from scanner.inventory.rows.plain import plain
from scanner.inventory.rows.typed import again, rows
from scanner.inventory.rows.unfold import unfolded
from tests.unit.engine.support import AS_OF
from tests.unit.inventory.rows.test_plain import _USUAL, KEY, _first, records

_AS_LINES: Final = (
    "SELECT '{name}' AS kind, CAST($place AS VARCHAR) AS organization, CAST(unnest(range(len("
    "$records))) AS VARCHAR) AS project, CAST(unnest($records) AS JSON) AS record"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typed") / "i.parquet"


def write(connection: Connection, file: Path, name: str, told: list[str], place: Any) -> None:
    """Write records as a file with columns."""
    raw = _AS_LINES.format(name=name)
    sql = f"COPY (WITH raw AS ({raw}) {unfolded(name)}) TO '{file}' (FORMAT parquet)"
    connection.execute(sql, {"records": told, "place": place})


def found(connection: Connection, sql: str, **values: Any) -> list[dict[str, Any]]:
    """Return the rows that a SELECT gives."""
    used = {name: value for name, value in {**values, "as_of": AS_OF}.items() if f"${name}" in sql}
    done = connection.execute(sql, used)
    names = [one[0] for one in done.description]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def served(raw: str) -> str:
    return f"SELECT *, 'https://s.test' AS server, 0 AS file FROM ({raw})"


def same(value: Any) -> str:
    """Return a value as text, without the order of an object's members."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("table", sorted(TABLES))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_columns_give_back_the_records(
    connection: Connection, file: Path, table: str, data: Any
) -> None:
    told = data.draw(st.lists(records(table), min_size=1, max_size=25))
    write(connection, file, table, told, data.draw(st.sampled_from(["acme", None, "a\x1fb"])))
    whole = again({table: tuple(members(table))})
    back = {int(one["project"]): one["record"] for one in found(connection, whole, path=str(file))}
    normal = "SELECT CAST(json_extract(CAST(unnest($records) AS JSON), '$') AS VARCHAR) AS record"
    for number, one in enumerate(found(connection, normal, records=told)):
        first = json.loads(one["record"], object_pairs_hook=_first)
        if isinstance(first, dict):
            made = json.loads(back[number], object_pairs_hook=_first)
            assert same(made) == same(first), (told[number], back[number])


def test_usual_records_are_plain(connection: Connection, file: Path) -> None:
    """Else all of this would hold, and nothing be quicker."""
    usual = [{**one, "dateCreated": "2026-02-01T00:00:00.500000Z"} for one in _USUAL]
    usual = [{name: value for name, value in one.items() if name != "secret"} for one in usual]
    write(connection, file, KEY, list(map(json.dumps, usual)), "acme")
    read = served(rows(KEY, {KEY: tuple(members(KEY))}, ["id"]))
    made = f"WITH raw AS ({read}) {plain(KEY, ['id', 'name'], typed=True)}"
    quick = found(connection, made, path=str(file))
    assert [row[BAD] for row in quick] == [False] * len(usual)
