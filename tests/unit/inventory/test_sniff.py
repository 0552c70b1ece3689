import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TABLES
from scanner.inventory.sniff import PEEK_BYTES, Sniffed, sniff
from scanner.model.inventory import Layout

KEY = {"id": "ab", "name": "web", "public": "ab", "projectId": 2, "dsn": {"public": "https://x"}}
OLD_KEY = {"name": "web", "projectId": 2, "id": "ab", "isActive": True}
GLITCHTIP_KEY = {"id": "ab", "label": "web", "projectID": "2"}
PROJECT = {"id": "2", "slug": "web", "name": "Web", "platform": "go", "isMember": True}
DETAILED_PROJECT = {"id": "2", "slug": "web", "features": ["x"], "firstEvent": None}
ORGANIZATION = {"id": "1", "slug": "acme", "links": {"regionUrl": "x"}, "avatar": {}, "status": {}}
OLD_ORGANIZATION = {"id": "1", "slug": "acme", "require2FA": False, "projects": [PROJECT]}
INTEGRATION = {"uuid": "u", "slug": "bot", "name": "Bot", "scopes": [], "verifyInstall": False}
ORG_TOKEN = {"id": "1", "name": "ci", "scopes": ["org:ci"], "dateLastUsed": None}
API_KEY = {"id": "1", "label": "old", "key": "k", "scope_list": [], "status": 0}
HEADER = {"kind": "inventory", "record": {"version": 1}}
ENVELOPE = {"kind": "sentry_key", "organization": "acme", "project": "web", "record": KEY}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.json"


def _array(*records: object) -> str:
    return json.dumps(records)


def _lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (KEY, "sentry_key"),
        (OLD_KEY, "sentry_key"),
        (GLITCHTIP_KEY, "sentry_key"),
        (PROJECT, "sentry_project"),
        (DETAILED_PROJECT, "sentry_project"),
        (ORGANIZATION, "sentry_organization"),
        (OLD_ORGANIZATION, "sentry_organization"),
        (INTEGRATION, "sentry_integration"),
        (ORG_TOKEN, "sentry_org_auth_token"),
        (API_KEY, "sentry_api_key"),
    ],
)
@pytest.mark.parametrize(
    ("form", "layout"),
    [
        (_array, Layout.API_ARRAY),
        (_lines, Layout.API_LINES),
        (lambda record: json.dumps([record], indent=2) + "\n", Layout.API_ARRAY),
        (lambda record: json.dumps(record, indent=2), Layout.API_OBJECT),
        (json.dumps, Layout.API_LINES),
        (lambda record: json.dumps(record) * 2, Layout.API_OBJECT),
    ],
    ids=["array", "lines", "pretty array", "pretty object", "one line", "joined"],
)
def test_layout_and_kind(
    file: Path, record: object, kind: str, form: Callable[[object], str], layout: Layout
) -> None:
    file.write_text(form(record))
    assert sniff(file) == Sniffed(layout, kind)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (_lines(HEADER, ENVELOPE), Layout.INVENTORY_LINES),
        (_array(HEADER, ENVELOPE), Layout.INVENTORY_ARRAY),
        ("[\n" + json.dumps(HEADER) + "\n]\n", Layout.INVENTORY_ARRAY),
        (json.dumps(HEADER), Layout.INVENTORY_LINES),
    ],
)
def test_own_inventory(file: Path, text: str, layout: Layout) -> None:
    file.write_text(text)
    assert sniff(file) == Sniffed(layout)


def test_parquet_by_its_magic_bytes(file: Path) -> None:
    file.write_bytes(b"PAR1....PAR1")
    assert sniff(file) == Sniffed(Layout.INVENTORY_PARQUET)


def test_an_empty_list_tells_no_kind(file: Path) -> None:
    file.write_text(" [ \n ] ")
    assert sniff(file) == Sniffed(Layout.API_ARRAY, None, empty=True)


@pytest.mark.parametrize("space", ["\n\n  ", "\r\n\t"])
def test_leading_white_space(file: Path, space: str) -> None:
    file.write_text(space + _array(KEY) + space)
    assert sniff(file).layout is Layout.API_ARRAY


def test_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + _array(KEY).encode())
    assert sniff(file) == Sniffed(Layout.API_ARRAY, "sentry_key")
    # The engine's reader of lines refuses the mark, its reader of objects does not.
    file.write_bytes(b"\xef\xbb\xbf" + _lines(KEY, KEY).encode())
    assert sniff(file) == Sniffed(Layout.API_OBJECT, "sentry_key")


def test_windows_line_ends(file: Path) -> None:
    file.write_bytes(_lines(KEY, KEY).replace("\n", "\r\n").encode())
    assert sniff(file) == Sniffed(Layout.API_LINES, "sentry_key")


def test_braces_and_quotes_inside_strings_are_no_structure(file: Path) -> None:
    tricky = {"name": '}"]{\\', "label": "a\\", "slug": "x", "projectId": 1}
    file.write_text(_array(tricky))
    assert sniff(file).kind == "sentry_key"


def test_nested_fields_do_not_tell_the_kind(file: Path) -> None:
    file.write_text(_array({"slug": "web", "platform": "go", "organization": {"links": {}}}))
    assert sniff(file).kind == "sentry_project"


def test_a_first_record_longer_than_what_is_read(file: Path) -> None:
    file.write_text(_array({"id": "a", "public": "b", "name": "x" * (PEEK_BYTES + 9)}))
    assert sniff(file) == Sniffed(Layout.API_ARRAY, "sentry_key")


def test_hostile_beginnings_take_linear_time(file: Path) -> None:
    file.write_text('{"' + '\\"' * (PEEK_BYTES // 2))
    with pytest.raises(InventoryFileError, match="unknown kind"):
        sniff(file)
    file.write_text("[" + '{"a":' * (PEEK_BYTES // 5) + "]")
    with pytest.raises(InventoryFileError, match="unknown kind"):
        sniff(file)


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        (b"", "the file is empty", "API"),
        (b" \n\t", "only white space", "API"),
        (
            gzip.compress(gzip.compress(b"[]", mtime=0), mtime=0),
            "compressed with gzip, twice",
            "gunzip -k",
        ),
        (gzip.compress(b"[]", mtime=0)[:-3], "packed with gzip that was cut off", "Write it again"),
        (gzip.compress(b"PAR1 and PAR1", mtime=0), "a Parquet file packed with gzip", "unpacked"),
        (gzip.compress(b"<html>", mtime=0), "HTML", "/api/0/"),
        (gzip.compress(bytes(300 << 20), 9, mtime=0), "unpacks to 256 MiB or more", "as .jsonl"),
        (b"PK\x03\x04....", "compressed with zip", "unzip"),
        (b"\x28\xb5\x2f\xfd..", "packed with zstd that", "Write it again"),
        (_array(KEY).encode("utf-16"), "UTF-16", "PowerShell"),
        (_array(KEY).encode("utf-16-le"), "UTF-16", "utf8"),
        (_array(KEY).encode("utf-16-be"), "UTF-16", "utf8"),
        (b"<!DOCTYPE html><html>", "HTML", "/api/0/"),
        (b'<?xml version="1.0"?>', "HTML or XML", "/api/0/"),
        (b"HTTP/2 200 \r\ncontent-type: x\r\n\r\n[]", "HTTP answer", "without -i"),
        (b"id,name,public\n1,web,ab\n", "neither JSON", "keypolicy fetch"),
        (b'{"detail": "Invalid token"}', "the API answered.*: Invalid token", "token"),
        (b'{"detail": {"code": "x"}}', "the API answered", "token"),
        (b'[{"detail": "no"}]', "the API answered", "token"),
        (
            b'{"slug": "new", "detail": {"code": "resource-moved", "extra": {"slug": "new"}}}',
            "the API answered.*: it is now called new",
            "project",
        ),
        (b'"Too often. Limit is 20"', "the API answered.*: Too often. Limit is 20", "again"),
        (b'"cut', "the API answered", "again"),
        (b'["a", "b"]', "something else than records", "API"),
        (b"[[1]]", "something else than records", "API"),
        (b"[1, 2]", "something else than records", "API"),
        (b'[{"id": 1}, ', "cut off", "again"),
        (b'[{"id": 1', "cut off", "again"),
        (b"[", "cut off", "again"),
        (b"PAR1 and then nothing", "Parquet file that was cut off", "again"),
        (_lines(ENVELOPE).encode(), "without its first line", "keypolicy fetch"),
        (json.dumps(HEADER, indent=1).encode(), "reformatted", "jq -c"),
        (b"\xef\xbb\xbf" + _lines(HEADER).encode(), "reformatted", "keypolicy fetch"),
        (b'{"schema_version": "1", "findings": []}', "a report", "keypolicy fetch"),
        (b'{"version": "2.1.0", "runs": []}', "a report", "keypolicy fetch"),
        (b'[{"id": "1", "slug": "a", "name": "b"}]', "projects or organizations", "platform"),
        (b'[{"foo": 1, "bar": {"public": 2}}]', "unknown kind.*bar, foo", "API"),
        (b"[{}]", "unknown kind.*none", "API"),
        (b"{}", "unknown kind.*none", "API"),
    ],
)
def test_refusals(file: Path, content: bytes, message: str, remedy: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InventoryFileError, match=message) as refusal:
        sniff(file)
    assert refusal.value.where == str(file)
    assert remedy in refusal.value.remedy
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    "row",
    [
        *(dict.fromkeys(TABLES[name].columns) for name in TABLES if name != "sentry_token"),
        {"id": "ab", "name": "web", "public": "ab", "is_active": True},
        {**KEY, "rate_limit": {"window": 60, "count": 1}},
    ],
)
def test_rows_of_a_table_are_no_records_of_the_api(file: Path, row: dict[str, object]) -> None:
    file.write_text(_array(row))
    with pytest.raises(InventoryFileError, match=r"rows of a table, .* have \w+ where it has \w+"):
        sniff(file)


def test_a_record_with_a_column_beside_its_field_is_one(file: Path) -> None:
    file.write_text(_array({**KEY, "is_active": True, "isActive": True, "project_slug": "web"}))
    assert sniff(file).kind == "sentry_key"


def test_a_token_in_an_error_answer_is_not_repeated(file: Path) -> None:
    file.write_text('{"detail": "bad token sntryu_0123456789abcdef"}')
    with pytest.raises(InventoryFileError, match="the API answered") as refusal:
        sniff(file)
    assert "0123456789abcdef" not in str(refusal.value)


def test_a_missing_file(file: Path) -> None:
    with pytest.raises(InventoryFileError, match="no such file") as refusal:
        sniff(file)
    assert "Check the path" in refusal.value.remedy
    with pytest.raises(InventoryFileError, match="no such file") as refusal:
        sniff(Path("-"))
    assert "to a file" in refusal.value.remedy


def test_a_pipe_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="not a regular file"):
        sniff(Path("/dev/null"))
    with pytest.raises(InventoryFileError, match="not a regular file"):
        sniff(tmp_path)
