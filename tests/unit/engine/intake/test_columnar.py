"""An inventory with columns is the inventory of lines that it was made of, or is refused."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_record
from scanner.engine.intake.fill import fill
from scanner.engine.intake.load import load
from scanner.engine.intake.reader import BadInputError
from scanner.inventory.file import FileSource
from scanner.inventory.rows.facts import ROW
from scanner.inventory.rows.members import members
from scanner.inventory.rows.plain import plain
from scanner.inventory.rows.typed import rows
from scanner.model.inventory import Inventory, Layout, Needs, RawInput, Scope
from tests.unit.engine.support import AS_OF, fresh, to_parquet
from tests.unit.inventory.rows.test_plain import _FETCHED, _first, records

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


def outcome(raw: RawInput, read: dict[str, frozenset[str]], *, digested: bool = True) -> Any:
    """Return all that a scan would know of the inventory; why it is refused, where it is."""
    with fresh() as connection:
        try:
            inventory = Inventory((raw,), ())
            loaded = load(connection, inventory, Scope(), AS_OF, read, digested=digested)
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


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=_lines(), read=st.sampled_from([LIGHT, WHOLE]))
def test_columns_and_lines_are_one_inventory_with_a_digest_or_without(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, Any]],
    read: dict[str, frozenset[str]],
) -> None:
    folder = tmp_path_factory.mktemp("columns")
    write(folder / "i.jsonl", lines)
    one, other = in_columns(folder)
    found = outcome(one, read)
    assert outcome(other, read) == found
    for raw in (one, other):
        without = outcome(raw, read, digested=False)
        if isinstance(found, type):
            assert without is found
            continue
        loaded, rows = found
        assert loaded.digest
        assert without == (msgspec.structs.replace(loaded, digest=""), rows)


def _key(**fields: Any) -> tuple[str, Any]:
    return "sentry_key", {**_FETCHED, "dateCreated": "2026-02-01T00:00:00.500000Z", **fields}


@cache
def _sound() -> duckdb.DuckDBPyConnection:
    """Return a database that holds, as the relation `file`, a sound inventory in columns."""
    connection = duckdb.connect()
    with TemporaryDirectory() as folder:
        write(Path(folder, "i.jsonl"), [_key(), _key(id="k2", rateLimit=None)])
        _, raw = in_columns(Path(folder))
        connection.execute(f"CREATE TABLE file AS FROM '{raw.path}'")
    return connection


def _edited(folder: Path, sql: str) -> RawInput:
    """Return a sound inventory after an edit; `sql` is a SELECT of the relation `file` to come."""
    last = " FROM file WHERE false" if sql.endswith("UNION ALL SELECT *") else " FROM file"
    _sound().execute(f"COPY ({sql}{last}) TO '{folder}/e.parquet' (FORMAT parquet)")
    return RawInput(folder / "e.parquet", Layout.INVENTORY_PARQUET, "e.parquet")


def _without(column: str) -> str:
    kept = ", ".join(
        f"'{name}': sentry_key.\"{name}\"" for name in members("sentry_key") if name != column
    )
    return f"SELECT * REPLACE (CASE WHEN sentry_key IS NOT NULL THEN {{{kept}}} END AS sentry_key)"


def _with(column: str, value: str) -> str:
    named = {name: f'sentry_key."{name}"' for name in members("sentry_key")} | {column: value}
    listed = ", ".join(f"'{name}': {value}" for name, value in named.items())
    return (
        f"SELECT * REPLACE (CASE WHEN sentry_key IS NOT NULL THEN {{{listed}}} END AS sentry_key)"
    )


def _odd(record: str) -> str:
    return (
        f"SELECT * REPLACE ('is_active' AS odd, '{record}' AS record) FROM file"
        " WHERE kind = 'sentry_key' UNION ALL SELECT * FROM file WHERE kind <> 'sentry_key'"
        " UNION ALL SELECT *"
    )


EDITS: Final = {
    "a type": (_with("is_active", "CAST(sentry_key.is_active AS VARCHAR)"), "has VARCHAR in"),
    "a type of a part": (
        _with("rate_limit", "{'window': 1.5, 'count': CAST(2 AS BIGINT)}"),
        "column sentry_key.rate_limit",
    ),
    "a date as text": (_with("date_created", "'2026-02-01'"), "VARCHAR in its column"),
    "no column": (_without("is_active"), "lacks the column sentry_key.is_active"),
    "a new column": (_with("is_admin", "true"), "sentry_key.is_admin, which this release"),
    "no table": ("SELECT * EXCLUDE (sentry_key)", "lacks the column sentry_key"),
    "no struct": ("SELECT * REPLACE (kind AS sentry_key)", "STRUCT belongs there"),
    "no nulls": ("SELECT * EXCLUDE (nulls)", "has no column nulls"),
    "numbers for kinds": ("SELECT * REPLACE (5 AS kind)", "INTEGER in its column kind"),
    "no record": ("SELECT * EXCLUDE (record)", "has no column record"),
    "no odd": ("SELECT * EXCLUDE (odd)", "has no column odd"),
    "neither odd nor nulls": ("SELECT * EXCLUDE (odd, nulls)", "has no column nulls"),
    "something else": ("SELECT 'k' AS id, true AS is_active", "it has no column kind"),
    "no places": ("SELECT 'x' AS kind, '{}' AS record", "it has no column organization"),
    "an empty place": ("SELECT * REPLACE (' ' AS project)", "expected a slug or null"),
    "no kind": ("SELECT * REPLACE (nullif(kind, 'sentry_key') AS kind)", "no kind"),
    "another kind": ("SELECT * REPLACE ('x' || kind AS kind)", "unknown kind"),
    "another version": (
        "SELECT * REPLACE (replace(record, '\"version\":2', '\"version\":3') AS record)",
        "has format version 3; this release reads 2",
    ),
    "an older version": (
        "SELECT * REPLACE (replace(record, '\"version\":2', '\"version\":1') AS record)",
        "has format version 1; this release reads 2",
    ),
    "no id": (_with("id", "CAST(NULL AS VARCHAR)"), "have a wrong type"),
    "an empty id": (_with("id", "''"), "have a wrong type"),
    "a date that is none": (_with("date_created", "'infinity'::TIMESTAMPTZ"), "wrong type"),
    "a date of long ago": (_with("date_created", "'0001-01-01'::TIMESTAMPTZ"), "wrong type"),
    "odd and no value": (_odd('{"isActive": 5}'), "wrong type"),
    "broken": (_odd('{"isActive": '), "the record is not JSON"),
    "cut off": ("SELECT * FROM file WHERE kind <> 'end' UNION ALL SELECT *", "cut off"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_refused(tmp_path: Path, edit: str) -> None:
    sql, told = EDITS[edit]
    raw = _edited(tmp_path, sql)
    with fresh() as connection, pytest.raises((BadInputError, InventoryFileError)) as refusal:
        load(connection, Inventory((raw,), ()), Scope(), AS_OF, LIGHT)
    assert told in str(refusal.value)
    assert refusal.value.exit_code == 2


WRONG: Final = {
    "no id": "field id: it is missing or empty",
    "an empty id": "field id: it is missing or empty",
    "a date that is none": "field dateCreated: expected a date and time",
    "a date of long ago": "field dateCreated: expected a date and time",
    "odd and no value": "field isActive: expected true or false, found an integer: 5",
    "broken": "the record is not JSON",
}
"""By edit: what is told of the first row that is wrong."""


@pytest.mark.parametrize("edit", WRONG)
def test_the_first_wrong_row_is_told(tmp_path: Path, edit: str) -> None:
    raw = _edited(tmp_path, EDITS[edit][0])
    write(tmp_path / "i.jsonl", [_key(id="k3")])
    _, sound = in_columns(tmp_path)
    source = FileSource((sound.path, raw.path), (), (), None)
    with fresh() as connection, pytest.raises(InventoryFileError) as refusal:
        fill(connection, source, Scope(), AS_OF, Needs.of(()), LIGHT, None)
    place = rf"{re.escape(str(raw.path))}: (?:refused: )?row (\d+): (.*)"
    told = re.fullmatch(place, str(refusal.value), re.DOTALL)
    assert told
    assert told[2].startswith(WRONG[edit])
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT kind FROM read_parquet('{raw.path}')").fetchall()
    assert int(told[1]) == rows.index(("sentry_key",)) + 1, "counted from 1, whatever its kind"


@pytest.mark.parametrize("part", range(0, 40, 2))
def test_a_file_that_is_damaged_anywhere_is_refused_in_words(tmp_path: Path, part: int) -> None:
    """Or is read, where nothing is made of what was damaged."""
    raw = _edited(tmp_path, "SELECT *")
    data = bytearray(raw.path.read_bytes())
    start = 4 + (len(data) - 24) * part // 40
    data[start : start + 16] = b"\xff" * 16
    raw.path.write_bytes(data)
    source = FileSource((raw.path,), (), (), None)
    with fresh() as connection, suppress(InventoryFileError):
        fill(connection, source, Scope(), AS_OF, Needs.of(()), WHOLE, None)


@pytest.mark.parametrize("name", [b"kind", b"sentry_key", b"is_active", b"window"])
def test_a_name_of_a_column_that_is_damaged_is_told(tmp_path: Path, name: bytes) -> None:
    raw = _edited(tmp_path, "SELECT *")
    data = raw.path.read_bytes()
    raw.path.write_bytes(data.replace(name, b"\xe1" + name[1:]))
    source = FileSource((raw.path,), (), (), None)
    with fresh() as connection, pytest.raises(InventoryFileError) as refusal:
        fill(connection, source, Scope(), AS_OF, Needs.of(()), LIGHT, None)
    assert "it may be damaged: " in refusal.value.message


@pytest.mark.parametrize("edit", ["another version", "an older version", "a new column"])
def test_a_file_of_another_release_is_not_told_to_be_exported_again(
    tmp_path: Path, edit: str
) -> None:
    raw = _edited(tmp_path, EDITS[edit][0])
    with fresh() as connection, pytest.raises(InventoryFileError) as refusal:
        load(connection, Inventory((raw,), ()), Scope(), AS_OF, LIGHT)
    assert refusal.value.remedy.startswith("Read it with the version of keypolicy that wrote it")


def test_an_unedited_file_is_read(tmp_path: Path) -> None:
    raw = _edited(tmp_path, "SELECT *")
    assert outcome(raw, LIGHT)[0].rows["sentry_key"] == 2


def test_only_columns_that_are_read_are_scanned(tmp_path: Path) -> None:
    write(tmp_path / "i.jsonl", [_key()])
    _, raw = in_columns(tmp_path)
    key = {"sentry_key": tuple(members("sentry_key"))}

    def scanned(*columns: str) -> str:
        """Return what the plan says of the reading of rows that are not odd."""
        typed = rows("sentry_key", key, columns)
        sql = f"WITH raw AS (SELECT *, NULL AS server, 0 AS file FROM ({typed}))"
        sql = f"EXPLAIN (FORMAT json) {sql} {plain('sentry_key', columns, typed=True)}"
        with fresh() as connection:
            values = {"path": str(raw.path)} | ({"as_of": AS_OF} if "$as_of" in sql else {})
            ((_, plan),) = connection.execute(sql, values).fetchall()
        found: list[str] = []

        def walk(node: dict[str, Any]) -> None:
            found.append(json.dumps(node.get("extra_info", {}).get("Projections", "")))
            for child in node["children"]:
                walk(child)

        for node in json.loads(plan):
            walk(node)
        return " ".join(text for text in found if "sentry_key." in text)

    assert "sentry_key.dsn" in scanned("id", "dsn")
    light = scanned("id", "is_active")
    assert "sentry_key.is_active" in light
    assert not re.search(r"sentry_key\.(dsn|label|use_case)", light)
    assert "sentry_key.label" in scanned("id", "label")
    digested = scanned("id", ROW)
    assert "sentry_key.label" in digested
    assert "sentry_key.dsn" not in digested


@pytest.mark.parametrize("when", ["2026-02-01T00:00:00.5Z", "2026-02-01", "2026-02-01T00:00:00+00"])
def test_a_date_in_another_form_is_in_its_column_too(tmp_path: Path, when: str) -> None:
    write(tmp_path / "i.jsonl", [_key(dateCreated=when)])
    one, other = in_columns(tmp_path)
    with duckdb.connect() as connection:
        sql = f"SELECT epoch(sentry_key.date_created), odd FROM '{other.path}' WHERE kind = ?"
        ((seconds, odd),) = connection.execute(sql, ["sentry_key"]).fetchall()
    assert (int(seconds), odd) == (1769904000, "date_created")
    assert outcome(one, WHOLE) == outcome(other, WHOLE)
