"""No secret gets through: canaries in every field, by every road in, in all that comes out."""

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pypdf
import pytest
from pypdf.generic import StreamObject

from scanner.catalogue import TABLES, Field
from scanner.cli.main import main
from scanner.inventory.diagnose import diagnose_inputs
from scanner.model.inventory import Layout, RawInput
from scanner.report import FORMATS
from tests.unit.engine.support import to_parquet
from tests.unit.report.papers import letters, needs_paper, pages

CANARY = "kanarienvogel"
HIDDEN = f"{CANARY}-in-the-secret-field"
LEGACY = "c0ffee15" * 8
SHAPES = (
    f"https://pub:{CANARY}@host/1 sntrys_{CANARY} SNTRYU_{CANARY} Bearer {CANARY} basic {CANARY}"
    f" Authorization: {CANARY}x X-Sentry-Auth: sentry_secret={CANARY} https://:{CANARY}@h/2"
    f" https://pub:{CANARY}@{CANARY}@host/3 {LEGACY}"
)
TEXT = f"{SHAPES} was {HIDDEN}"
TIME = "2025-01-01T00:00:00Z"
PRINTED = [name for name in FORMATS if name != "pdf"]  # whose text is compressed
WRITTEN = [suffix for name in PRINTED for suffix in FORMATS[name].suffixes]
TAKEN_OUT = {"secret", "dsn"}  # whatever they are
PLACED = [name for name in TABLES if name != "sentry_token"]
EVERYTHING = "SELECT to_json(t) AS row FROM {} AS t"


def _value(types: tuple[str, ...]) -> Any:
    if "VARCHAR" in types:
        return TEXT
    nested = {"name": TEXT, "secret": HIDDEN, "deep": [{"token": HIDDEN, TEXT: 1}]}
    return {"OBJECT": nested, "ARRAY": [TEXT, nested], "BOOLEAN": True}.get(types[0], 1)


def _record(table: str) -> dict[str, Any]:
    """A record with a canary in each field that can hold text."""
    record: dict[str, Any] = {
        "secret": HIDDEN, "token": HIDDEN, "clientSecret": HIDDEN, "key": HIDDEN, "apiKey": HIDDEN,
    }  # fmt: skip
    for path, field in TABLES[table].fields.items():
        *above, name = path.split(".")[1:]
        holder = record
        for part in above:
            holder = holder[part]
        if name not in record:
            value = 1 if field.number else _value(field.types)
            holder[name] = TIME if field.timestamp else value
    if table == "sentry_key":
        record["dsn"] = {
            "public": TEXT,
            "csp": TEXT,
            "secret": f"https://p:{HIDDEN}@h/1",
            "new": TEXT,
        }
        record["projectId"] = record["projectID"] = 1
    if table == "sentry_integration":
        record["isAlertable"] = True
    if table == "sentry_api_key":
        del record["secret"]
    return record


def _api(folder: Path, suffix: str, form: Callable[[dict[str, Any]], str]) -> list[Path]:
    files = [folder / f"{table}{suffix}" for table in PLACED]
    for table, file in zip(PLACED, files, strict=True):
        file.write_text(form(_record(table)), "utf-8")
    return files


def _envelopes() -> list[dict[str, Any]]:
    gap = {"reason": SHAPES, "organization": SHAPES, "project": SHAPES}
    coverage = {"state": "partial", "reason": SHAPES, "gaps": [gap]}
    server = f"https://user:{CANARY}@host.example"
    return [
        {
            "kind": "inventory",
            "record": {"version": 1, "server": server, "sources": [SHAPES, server]},
        },
        *(
            {"kind": table, "organization": SHAPES, "project": SHAPES, "record": _record(table)}
            for table in TABLES
        ),
        {"kind": "end", "record": {"coverage": dict.fromkeys(TABLES, coverage)}},
    ]


def _lines(folder: Path) -> list[Path]:
    file = folder / "own.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in _envelopes()), "utf-8")
    return [file]


def _array(folder: Path) -> list[Path]:
    file = folder / "own.json"
    file.write_text(json.dumps(_envelopes()), "utf-8")
    return [file]


def _parquet(folder: Path) -> list[Path]:
    file = folder / "own.parquet"
    rows = [
        (one["kind"], one.get("organization"), one.get("project"), json.dumps(one["record"]))
        for one in _envelopes()
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (kind TEXT, organization TEXT, project TEXT, record TEXT)"
        )
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    return [file]


def _columns(folder: Path) -> list[Path]:
    """A file with columns that somebody made of lines with secrets: `fetch` writes none."""
    (lines,) = _lines(folder)
    to_parquet(RawInput(lines, Layout.INVENTORY_LINES, "own"), folder / "columns.parquet")
    lines.unlink()
    return [folder / "columns.parquet"]


LAYOUTS: dict[str, Callable[[Path], list[Path]]] = {
    "api array": lambda folder: _api(folder, ".json", lambda record: json.dumps([record])),
    "api lines": lambda folder: _api(folder, ".jsonl", lambda record: json.dumps(record) + "\n"),
    "api object": lambda folder: _api(folder, ".json", lambda record: json.dumps(record, indent=1)),
    # The same letters, spelled so that no search of the file's text finds them.
    "api escaped": lambda folder: _api(
        folder,
        ".json",
        lambda record: json.dumps([record]).replace("/", "\\/").replace("@", "\\u0040"),
    ),
    "own lines": _lines,
    "own array": _array,
    "own parquet": _parquet,
    "own columns": _columns,
}


def _laid_out(layout: str, folder: Path) -> list[str]:
    """Write an inventory of that layout, and return the arguments that name it."""
    inventory = folder / "inventory"
    inventory.mkdir()
    LAYOUTS[layout](inventory)
    return ["--inventory", str(inventory)]


def _policy(folder: Path, *tables: str) -> Path:
    """Rules that read every column of the tables, and name it in evidence and message."""
    rules = []
    for table in tables:
        columns = [column for column in TABLES[table].columns if column != "owner"]  # in no file
        requirement = " AND ".join(f'"{column}" IS NULL' for column in columns)
        message = " ".join(f"{{{column}}}" for column in columns[:50])
        rules.append(
            {"id": table.replace("_", "-"), "title": "All", "severity": "high", "resource": table,
             "require": requirement, "message": message}
        )  # fmt: skip
    file = folder / "all.yaml"
    file.write_text(
        json.dumps({"policy": "all", "version": "1.0.0", "title": "All", "rules": rules})
    )
    return file


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_canary_comes_out(
    layout: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    given = _laid_out(layout, tmp_path)
    commands = [
        ["query", " UNION ALL ".join(map(EVERYTHING.format, TABLES)), *given, "--format", "json"]
    ]
    written = []
    # What is written is made of the same tables, however they were read.
    if layout == "own lines":
        written = WRITTEN
        files = [part for suffix in written for part in ("-o", f"report{suffix}")]
        every = ["--policy", str(_policy(tmp_path, *TABLES)), *given]
        (tmp_path / "keys").mkdir()
        rules = ["--policy", str(_policy(tmp_path / "keys", "sentry_key")), *given]
        commands += [
            ["scan", *every, *files, "--format", "github"],
            *(
                ["query", "SELECT * FROM sentry_key", *given, "--format", form]
                for form in ("table", "csv", "jsonl")
            ),
            ["explain", "sentry-key", *rules, "--key", "x"],
            ["explain", "sentry-key", *rules, "--key", "x", "--format", "json"],
            ["baseline", "write", "-o", "known.jsonl", *rules],
        ]
    seen = ""
    for command in commands:
        assert main(command) in {0, 1, 2, 3}, command
        told = capfd.readouterr()
        assert command[0] != "query" or "[redacted]" in told.out, command
        seen += told.out
        for text in (told.out, told.err):
            assert CANARY not in text, command
            assert LEGACY not in text, command
    for suffix in written:
        assert (tmp_path / f"report{suffix}").is_file()
    for file in tmp_path.glob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file
            assert LEGACY.encode() not in file.read_bytes(), file
    assert seen.count("[redacted]") > len(commands)


@pytest.mark.parametrize("form", ["terminal", "json", "html"])
def test_no_canary_is_printed(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given = _laid_out("own lines", tmp_path)
    policy = str(_policy(tmp_path, "sentry_key"))
    assert main(["scan", *given, "--policy", policy, "--format", form]) in {0, 1, 3}
    told = capfd.readouterr()
    assert told.out
    for text in (told.out, told.err):
        assert CANARY not in text
        assert LEGACY not in text


@needs_paper
def test_no_canary_is_on_paper(tmp_path: Path) -> None:
    given = _laid_out("own array", tmp_path)
    policy, paper = str(_policy(tmp_path, "sentry_key")), tmp_path / "keys.pdf"
    assert main(["scan", *given, "--policy", policy, "-o", str(paper)]) in {0, 1, 3}
    read = pypdf.PdfReader(paper)
    parts = [read.get_object(number) for number in range(1, len(read.xref[0]) + 1)]
    streams = [one.get_data() for one in parts if isinstance(one, StreamObject)]
    told = "".join(map(letters, pages(paper.read_bytes())))
    assert "[redacted]" in told
    assert streams
    for text in (told, *map(str, parts), *map(str, streams)):
        assert CANARY not in text
        assert LEGACY not in text


def _wrong(table: str) -> Iterator[tuple[str, Field, dict[str, Any]]]:
    """Records of which each has one field of a type that it may not have, with the field's name."""
    for path, field in TABLES[table].fields.items():
        *above, name = path.split(".")[1:]
        record = _record(table)
        holder = record
        for part in above:
            holder = holder[part]
        text = field.timestamp or "VARCHAR" not in field.types
        holder[name] = TEXT if text else {"secret": TEXT}
        yield name, field, record


@pytest.mark.parametrize("table", PLACED)
def test_a_wrong_value_is_placed_without_the_canary(table: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    for name, _, record in _wrong(table):
        file.write_text(json.dumps([record]), "utf-8")
        told = str(diagnose_inputs([RawInput(file, Layout.API_ARRAY, "file", kind=table)], ""))
        assert "expected" in told or name in TAKEN_OUT, told
        assert CANARY not in told, (record, told)
        assert LEGACY not in told


def _one_of_each_kind() -> list[tuple[str, str, dict[str, Any]]]:
    """Table, field and record for each kind of field, and for each table at least one."""
    fields = [(table, *one) for table in PLACED for one in _wrong(table)]
    found = {
        (field.types, field.timestamp, field.number, name in TAKEN_OUT and name): at
        for at, (_, name, field, _) in enumerate(fields)
    }
    first = {table: at for at, (table, *_) in reversed([*enumerate(fields)])}
    chosen = sorted({*found.values(), *first.values()})
    return [(table, name, record) for table, name, _, record in map(fields.__getitem__, chosen)]


@pytest.mark.parametrize("form", ["array", "parquet"])
def test_a_wrong_value_is_told_without_the_canary(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A field of each kind in turn has a type that it may not have, in one form or the other."""
    own = _parquet(tmp_path)[0]
    whole = duckdb.connect()
    whole.execute(f"CREATE TABLE t AS FROM '{own}' WHERE kind IN ('inventory', 'end')")
    own.unlink()
    for table, name, record in _one_of_each_kind()[form == "parquet" :: 2]:
        if form == "array":
            file = tmp_path / f"{table}.json"
            file.write_text(json.dumps([record]), "utf-8")
        else:
            file = tmp_path / "own.parquet"
            changed = "FROM t UNION ALL SELECT ?, 'a', 'b', ?"
            whole.execute(
                f"COPY ({changed}) TO '{file}' (FORMAT parquet)", [table, json.dumps(record)]
            )
        code = main(["query", f"SELECT * FROM {table}", "--inventory", str(file)])
        told = capfd.readouterr()
        assert code == 2 or name in TAKEN_OUT, told
        assert CANARY not in told.out + told.err, told
        assert LEGACY not in told.out + told.err
    whole.close()


BROKEN = {
    "cut": lambda text: text[:-9],
    "no json": lambda text: text.replace('"id"', "id"),
    "letters": lambda text: text.replace(": 1", ": tru"),
    "half a pair": lambda text: text.replace("basic", "\\ud800", 1),
    "control": lambda text: text.replace("basic", "\x01", 1),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("own", ["api", "own"])
def test_a_broken_file_is_told_without_the_canary(
    how: str,
    own: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    whole = (
        "\n".join(json.dumps(one) for one in _envelopes())
        if own == "own"
        else json.dumps([_record("sentry_key")])
    )
    file = tmp_path / "broken.jsonl"
    file.write_text(BROKEN[how](whole), "utf-8")
    assert main(["scan", "--inventory", str(file)]) in {2, 3}
    told = capfd.readouterr()
    assert CANARY not in told.out + told.err
    assert LEGACY not in told.out + told.err


UNREADABLE = ['{"secret": "%s", "a": tru}', '{"secret": "%s', "%s", '["%s"]', '"%s"']


# All of them as a key, and as each of the other kinds one that is no JSON, and one that is.
@pytest.mark.parametrize(
    ("kind", "record"),
    [*product(["sentry_key"], UNREADABLE), *product(["inventory", "end"], UNREADABLE[1::2])],
)
def test_what_the_engine_says_of_a_parquet_file_quotes_nothing(
    record: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (file,) = _parquet(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS FROM '{file}' WHERE kind <> '{kind}'")
        connection.execute("INSERT INTO t VALUES (?, 'a', 'b', ?)", [kind, record % HIDDEN])
        connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    assert main(["scan", "--inventory", str(file)]) == 2
    told = capfd.readouterr()
    assert CANARY not in told.out + told.err
    assert str(file) in told.err
