"""Both readings must agree: what the engine refuses, the slow reading finds and places."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.base.errors import InventoryFileError
from scanner.inventory.diagnose import diagnose_inputs, refused_row
from scanner.inventory.file import FileSource
from scanner.inventory.jsontext import LONGEST_RECORD, FaultError, Reader
from scanner.inventory.sniff import sniff
from scanner.model.inventory import Layout, RawInput, Scope
from scanner.pipeline import open_inventory

KEY = '{"id": "ab", "public": "ab"}'
HEADER = '{"kind": "inventory", "record": {"version": 1}}'
END = '{"kind": "end", "record": {"coverage": {}}}'


def _field(name: str, value: str) -> str:
    return f'[{{"id": "ab", "public": "ab", "{name}": {value}}}]'


def _inventory(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (HEADER, *lines, END))


def _key(record: str) -> str:
    return f'{{"kind": "sentry_key", "record": {record}}}'


# The place that has to be told is marked with ^, which is not part of the file.
WRONG_TYPES = [
    (_field("isActive", '^"yes"'), 'isActive: expected true or false, found a string: "yes"'),
    (_field("isActive", "^1"), "isActive: expected true or false, found an integer: 1"),
    ('[{"id": ^1, "public": "ab"}]', "id: expected a string, found an integer: 1"),
    (_field("name", "^{}"), "name: expected a string, found an object"),
    (_field("name", "^NaN"), "name: expected a string, found a number that is no 64-bit integer"),
    (_field("rateLimit", "^[1]"), "rateLimit: expected an object, found a list"),
    (_field("rateLimit", '^"1/s"'), 'rateLimit: expected an object, found a string: "1/s"'),
    (
        _field("rateLimit", '{"window": 60, "count": ^1.5}'),
        "rateLimit.count: expected an integer, found a number that is no 64-bit integer: 1.5",
    ),
    (_field("rateLimit", '{"count": ^"10"}'), 'rateLimit.count: .* found a string: "10"'),
    (_field("rateLimit", '{"count": ^1e3}'), "rateLimit.count: .* no 64-bit integer: 1000.0"),
    (
        _field("rateLimit", '{"count": ^18446744073709551615}'),
        "rateLimit.count: expected an integer of 64 bits, found an integer: 18446744073709551615",
    ),
    (_field("rateLimit", '{"count": ^18446744073709551616}'), "no 64-bit integer: 1844"),
    (
        _field("projectId", '^"2.5"'),
        'projectId: expected a whole number of 64 bits, found a string: "2.5"',
    ),
    (
        '[{"id": "ab", "projectId": 7, "projectID": ^8}]',
        "projectID: it is not what projectId is, which is the same by another name",
    ),
    (
        _field("projectID", "^9223372036854775808"),
        "projectID: expected a whole number of 64 bits, found an integer: 9223372036854775808",
    ),
    (
        _field("dateCreated", '^"yesterday"'),
        r'dateCreated: expected a date and time \(ISO 8601\), found a string: "yesterday"',
    ),
    (_field("dateCreated", "^1690000000"), "dateCreated: expected a string, found an integer"),
    (
        _field("dynamicSdkLoaderOptions", '{"hasDebug": ^1}'),
        "dynamicSdkLoaderOptions.hasDebug: expected true or false",
    ),
    ('[^{"public": "ab"}]', "id: it is missing or empty"),
    ('[{"id": ^null, "public": "ab"}]', "id: it is missing or empty"),
    ('[{"id": ^"", "public": "ab"}]', "id: it is missing or empty"),
    (f'[{KEY},\n {{\n  "public": ^5,\n  "id": "a"}}]', "record 2: field public"),
    (f'{KEY}\n{KEY}\n\n{{"id": "a", "public": ^5}}\n', "record 3: field public"),
    (f"[{KEY}, ^7]", "record 2: expected an object, found an integer"),
    (f"{KEY}\n^[]\n", "record 2: expected an object, found a list"),
    (_inventory(_key(KEY), _key('{"id": ^5}')), "record 3: field id"),
    (f"[{HEADER},\n{_key('^5')},\n{END}]", "record 2: expected an object"),
]

BROKEN = [
    (f"[{KEY} ^{KEY}]", "record 1: a comma or ] has to follow"),
    (f"[{KEY},^]", "record 2: not JSON: expecting value"),
    (f"[{KEY}]^[{KEY}]", "something follows the end of the list"),
    (f"[{KEY}]\n^]", "something follows the end of the list"),
    (f'[{KEY},\n{{"id": "a" ^"public": "b"}}]', "record 2: not JSON: expecting ',' delimiter"),
    (f'[{KEY},\n{{"id": ^tru}}]', "record 2: not JSON: expecting value"),
    (f"[{KEY},\n{{^'id': 1}}]", "record 2: not JSON: expecting property name"),
    (f'[{KEY},{{"id": "a^\nb"}}]', "record 2: not JSON: invalid control character"),
    (f'[{KEY},{{"id": "^\\x"}}]', "record 2: not JSON: invalid .escape"),
    (f'[{KEY},{{"id": "^\\ud800"}}]', r"record 2: half a surrogate pair \(.ud800\)"),
    (f'{KEY}\n{{"id":^ \n', "record 2: the file ends in the middle"),
    (f'{KEY}\n{{"id": "a^\n{KEY}\n', "record 2: the line ends in the middle"),
    (f"{KEY}\n{KEY}^,\n{KEY}\n", "record 2: something follows this record on its line"),
    (f"{KEY}\n{KEY}^{KEY}\n", "record 2: something follows this record on its line"),
    (f'{KEY}\n  {{^\n "id" 5}}', "record 2: the line ends in the middle"),
    ('{\n "id": "a",\n "public": "b"\n}\n{\n "id" ^5}', "record 2: not JSON: expecting ':'"),
]


def _marked(text: str) -> tuple[str, str]:
    """Return the text without its mark, and the mark's line:column."""
    before, _, after = text.partition("^")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _refused(path: Path) -> InventoryFileError:
    """Read with the engine, as a scan does."""
    source = FileSource([path], ("acme",), ("web",), None)
    with (
        pytest.raises(InventoryFileError) as refusal,
        open_inventory(source, Scope(), datetime(2026, 1, 1, tzinfo=UTC)),
    ):
        pass
    return refusal.value


@pytest.mark.parametrize(("marked", "message"), [*WRONG_TYPES, *BROKEN])
def test_a_fault_is_found_and_placed(tmp_path: Path, marked: str, message: str) -> None:
    text, place = _marked(marked)
    path = tmp_path / "keys.json"
    path.write_text(text)
    refusal = _refused(path)
    assert refusal.where == f"{path}:{place}"
    with pytest.raises(InventoryFileError, match=message):
        raise refusal
    assert refusal.remedy


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(f"[{KEY},\n".encode() + b'{"id": "\xc3\xa9t\xe9"}]')
    refusal = _refused(path)
    assert refusal.where == f"{path}:2:11"
    assert "byte 0xe9 is not UTF-8" in refusal.message


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        (f"{HEADER}\n{_key(KEY)}^\n", "no closing record"),
        (_inventory(_key(KEY)) + "^" + _key(KEY), "something follows the closing record"),
        (HEADER.replace("1", "^2") + f"\n{END}\n", "has format version 2; this release reads 1"),
        (f"{HEADER}\n^[1]\n{END}\n", "not a record of an inventory"),
        (f"{HEADER}\n^{KEY}\n{END}\n", "no kind: an inventory is only what"),
    ],
)
def test_faults_of_the_envelope(tmp_path: Path, marked: str, message: str) -> None:
    text, place = _marked(marked)
    path = tmp_path / "inventory.jsonl"
    path.write_text(text)
    refusal = diagnose_inputs((RawInput(path, sniff(path).layout, "label"),), "")
    assert refusal.where == f"label:{place}"
    assert message in refusal.message


def test_secrets_are_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('[{"id": "a", "public": "b", "secret": 12345678901}]')
    assert "12345678901" not in str(_refused(path))
    path.write_text('[{"id": "a", "public": "b", "isActive": "sntryu_0123456789abcdef"}]')
    assert "0123456789abcdef" not in str(_refused(path))


def test_the_second_of_two_inputs_is_named(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(f"[{KEY}]")
    wrong.write_text(_field("isActive", "0"))
    inputs = tuple(
        RawInput(path, Layout.API_ARRAY, path.name, "sentry_key") for path in (right, wrong)
    )
    assert diagnose_inputs(inputs, "").where == "wrong.json:1:43"


def test_the_fast_readers_words_where_nothing_is_found(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(f"[{KEY}]")
    raw = RawInput(path, Layout.API_ARRAY, "keys.json", "sentry_key")
    refusal = diagnose_inputs((raw,), "odd thing about sntryu_0123456789abcdef")
    assert refusal.where == "keys.json"
    assert refusal.message == "refused: odd thing about [redacted]"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    raw = RawInput(tmp_path / "gone.json", Layout.API_ARRAY, "gone.json", "sentry_key")
    assert "cannot be read: No such file" in str(diagnose_inputs((raw,), ""))


def _chunks(text: str, size: int) -> Iterator[bytes]:
    data = text.encode()
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_records_and_places_do_not_depend_on_how_the_bytes_come(size: int) -> None:
    records = [{"name": "é€😀", "n": n, "nested": [{"a": '}"'}]} for n in range(5)]
    text = json.dumps(records, indent=1, ensure_ascii=False)
    read = list(Reader(_chunks(text, size)).array())
    assert [record.value for record in read] == records
    assert [record.start for record in read] == [(2 + 9 * n, 2) for n in range(5)]
    fault = read[4].fault("wrong", "", "nested")
    assert fault.place == (41, 13)


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_lines_and_objects_do_not_depend_on_how_the_bytes_come(size: int) -> None:
    text = f"\n{KEY}\r\n\n  {KEY}"
    for read in (Reader.lines, Reader.objects):
        assert [record.start for record in read(Reader(_chunks(text, size)))] == [(2, 1), (4, 3)]


def test_a_byte_order_mark_is_no_column() -> None:
    (record,) = Reader(iter([b"\xef\xbb", b"\xbf[" + KEY.encode() + b"]"])).array()
    assert record.start == (1, 2)


def test_memory_is_bounded_when_a_record_does_not_end() -> None:
    piece = b'"x",' * (1 << 18)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'[{"id": ['
        while True:
            taken += len(piece)
            yield piece

    for read in (Reader.array, Reader.lines):
        taken = 0
        with pytest.raises(FaultError, match="record 1: longer than 16,777,216 characters"):
            next(read(Reader(endless())))
        assert taken <= 3 * LONGEST_RECORD


def test_nesting_is_bounded() -> None:
    text = "[" + '{"a":' * 100_000 + "1" + "}" * 100_000 + "]"
    with pytest.raises(FaultError, match="nested too deeply"):
        list(Reader(_chunks(text, 4096)).array())


def test_numbers_are_bounded() -> None:
    with pytest.raises(FaultError, match="too many digits"):
        list(Reader(iter([b"[" + b"9" * 5000 + b"]"])).array())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": "k", "isActive": "yes"}', "field isActive: expected true or false"),
        ('{"id": ""}', "field id: it is missing or empty"),
        (None, "expected an object, found null"),
        ("5", "expected an object, found an integer"),
        ('{"id": "k"', "the record is not JSON"),
        ("[" * 100_000, "the record is not JSON, or nested too deep"),
    ],
)
def test_a_row_is_told_by_its_number(tmp_path: Path, text: str | None, says: str) -> None:
    raw = RawInput(tmp_path / "i.parquet", Layout.INVENTORY_PARQUET, "i.parquet")
    rows = [(4, "sentry_key", '{"id": "sound"}'), (7, "sentry_key", text)]
    assert refused_row(raw, rows[:1]) is None
    assert str(refused_row(raw, rows)).startswith(f"i.parquet: row 7: {says}")
