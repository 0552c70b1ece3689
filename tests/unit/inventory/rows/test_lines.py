"""Lines that are read as text are those that the reader of JSON gives, none lost."""

from pathlib import Path
from typing import Any, Final

import _duckdb as duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.engine.database import Connection, connect
from scanner.engine.intake.reader import raw_relation
from scanner.inventory.rows import lines
from scanner.inventory.rows.lines import LONGEST, are_short, text_lines
from scanner.model.inventory import Layout, RawInput

MIB: Final = 1 << 20

ANY: Final = [
    *('{"id":"1"}', '{"id": "\u00e9\\u00e9\\n", "x": [1, 2.50, 1e5]}', "5", "null", "[1]", '"x"'),
    *("{", '{"a":1} {"b":2}', '{"a":1}x', '{"a":1,}', '{"a":NaN}', '{"a":"\t"}', '{"a":"\0"}'),
    *(' {"a":1} ', "", "\t", "\xa0", '{"a":"\\ud800"}', '{"a":1}//c', '{"a":"\u2028"}'),
    *('{"a":"b","a":"c"}', '{"A":1,"a":2}', '"', "\\", '{"a":"\\""}', '{"a":"' + "x" * 300 + '"}'),
]
OURS: Final = [
    '{"kind":"sentry_key","organization":"acme","project":"p","record":{"id":"1"}}',
    '{"kind":"sentry_key","organization":null,"project":null,"record":{"id":"1"}}',
    '{"kind": "sentry_key", "project":"p", "organization":"a","record":{"id":"\u00e9"}}',
    '{"kind":"sentry_key","organization":"\\u0061","record":{"x":"\\u0062","y":1e2}}',
    '{"kind":"sentry_key","organization":"a","project":"p","record":{},"more":1,"more":1}',
    *('{"kind":"sentry_key","record":null}', '{"kind":"null","record":"null"}', '{"kind":null}'),
    *('{"kind":"sentry_key","organization":5}', '{"kind":"sentry_key","organization":" "}'),
    *('{"kind":"a","organization":"a","organization":"b"}', '{"record":1,"record":2}', "{}"),
    # As long as what it tells, as 1e12 is told in eleven characters more.
    '{"kind":"sentry_key","organization":"a","project":"p","record":{"x":1e12},"kind":"a"}',
]


@pytest.fixture(scope="module")
def database() -> Any:
    with connect() as connection:
        yield connection


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as large that are not."""
    monkeypatch.setattr(lines, "_LARGE", 0)


def given_as(path: Path, layout: Layout, **more: Any) -> RawInput:
    return RawInput(path, layout, path.name, None if layout.is_inventory else "sentry_key", **more)


def found(connection: Connection, raw: RawInput, *, short: bool) -> list[tuple[Any, ...]] | None:
    """Return the rows of the file, None where the reader refuses it."""
    sql = raw_relation(raw, short=short)
    values = {"path": [str(raw.path)], "kind": raw.kind, "organization": None, "project": None}
    used = {name: value for name, value in values.items() if f"${name}" in sql}
    try:
        rows = connection.execute(f"SELECT * REPLACE (json(record) AS record) FROM ({sql})", used)
        return rows.fetchall()
    except duckdb.Error:
        return None


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("layout", [Layout.API_LINES, Layout.INVENTORY_LINES])
def test_what_is_read_as_text_is_what_is_read_as_json(
    layout: Layout, data: st.DataObject, tmp_path: Path, database: Connection
) -> None:
    # What is no object is refused with the envelope: it does not begin as a line of keys does.
    pool = OURS if layout is Layout.INVENTORY_LINES else ANY
    text = "\n".join(data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4)))
    path = tmp_path / "k.jsonl"
    path.write_text(text + data.draw(st.sampled_from(["", "\n", " \n\n"])), "utf-8")
    raw = given_as(path, layout)
    assert found(database, raw, short=True) == found(database, raw, short=False)


@pytest.mark.parametrize("layout", [Layout.API_LINES, Layout.INVENTORY_LINES])
def test_each_line_alone_is_read_alike(
    layout: Layout, tmp_path: Path, database: Connection
) -> None:
    for line in OURS if layout is Layout.INVENTORY_LINES else ANY:
        path = tmp_path / "k.jsonl"
        path.write_text(line, "utf-8")
        raw = given_as(path, layout)
        text, parsed = (found(database, raw, short=short) for short in (True, False))
        assert text == parsed, line


def test_lines_about_as_long_as_may_be_are_all_read(tmp_path: Path, database: Connection) -> None:
    lengths = [LONGEST - 1, 2, LONGEST // 2 - 1, 40, LONGEST // 2 - 1, *([700_001] * 9), 2, 9_999]
    path = tmp_path / "k.jsonl"
    path.write_text("".join(f"{'7' * (length - 1)}\n" for length in lengths), "utf-8")
    raw = given_as(path, Layout.API_LINES)
    # The first may be split so that half of it is seen to have no end.
    assert not are_short([raw])
    sql = f"SELECT strlen(json) + 1 FROM ({text_lines('none')})"
    read = database.execute(sql, {"path": [str(path)]}).fetchall()
    assert sorted(one for (one,) in read) == sorted(lengths)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("text", "short"),
    [
        (b"{}\n" * 9, True),
        (b"{}", True),
        (b"{}\n" + b" " * (LONGEST // 2 - 1), True),
        (b"{}\n" * 300_000, True),
        (b"\n" + b" " * (LONGEST // 2), False),
        (b"{}\n" * 300_000 + b" " * LONGEST + b"\n{}\n", False),
        (b"{}\r\n{}\r\n", False),
        *((sign.join((b"{}", b"{}\n")), False) for sign in (b"\r", b"\v", b"\f")),
        (b"{}\n{}\x1f{}\n", False),
    ],
)
def test_only_what_loses_nothing_is_read_as_text(
    tmp_path: Path, text: bytes, *, short: bool
) -> None:
    path = tmp_path / "k.jsonl"
    path.write_bytes(text)
    assert are_short([given_as(path, Layout.API_LINES)]) is short
    # A file that changes is looked at anew.
    path.write_bytes(b"{}\n\r")
    assert not are_short([given_as(path, Layout.API_LINES)])


@pytest.mark.usefixtures("large")
def test_other_files_are_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"{}\n")
    read = {layout for layout in Layout if are_short([given_as(path, layout)])}
    assert read == {Layout.API_LINES, Layout.INVENTORY_LINES}
    assert not are_short([given_as(path, Layout.API_LINES, packing="gzip")])
    assert not are_short([given_as(path, layout) for layout in Layout])


def test_small_files_are_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"{}\n")
    assert not are_short([given_as(path, Layout.API_LINES)])
