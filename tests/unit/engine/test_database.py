"""What the engine says of an error, and that nobody tells it otherwise."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import scanner
import scanner.engine
from scanner.engine.database import Connection, connect, reason, seal

SECRET = "ca4a7e5ec7e70000aaaabbbbccccdddd"


@pytest.mark.parametrize(
    "text",
    [
        f'Conversion Error: Malformed JSON at byte 4.  Input: "{{"secret": "{SECRET}"',
        f"Conversion Error: Could not convert string '{SECRET}' to INT32",
        f"Invalid Input Error: near \"{SECRET} and 'no end {SECRET}",
    ],
)
def test_nothing_that_is_quoted_of_a_file_is_told(text: str) -> None:
    told = reason(duckdb.Error(text), quotes=False)
    assert SECRET not in told
    assert told
    assert "Error" not in told


def test_an_apostrophe_within_a_word_quotes_nothing() -> None:
    told = reason(duckdb.Error(f"don't know what 't {SECRET}' is: can't read"), quotes=False)
    assert told == "don't know what ... is: can't read"


def test_what_the_engine_tells_as_json_is_told_in_words() -> None:
    inner = r'{"exception_type":"IO","exception_message":"No room for \"/t/x\": full","errno":"28"}'
    text = f"IO Error: Async write failed for range [offset=0, size=9]: {inner}"
    assert reason(duckdb.Error(text)) == 'No room for "/t/x": full'
    assert reason(duckdb.Error(text), quotes=False) == "No room for ...: full"


def test_tokens_go_and_long_texts_end() -> None:
    assert "abcdefgh" not in reason(duckdb.Error("Error: 'sntrys_abcdefgh12'"))
    assert len(reason(duckdb.Error("x" * 10_000))) < 600


def test_every_message_of_the_engine_goes_through_one_function() -> None:
    """No handler of a database error turns it into text by itself."""
    for file in Path(scanner.engine.__path__[0]).glob("*.py"):
        for handler in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or not handler.name:
                continue
            if handler.type is None or "duckdb" not in ast.unparse(handler.type):
                continue
            uses = [
                n for n in ast.walk(handler) if isinstance(n, ast.Name) and n.id == handler.name
            ]
            calls = [
                argument
                for call in ast.walk(handler)
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "reason"
                for argument in call.args
            ]
            assert all(use in calls for use in uses), f"{file.name}:{handler.lineno}"


def test_no_progress_is_drawn_between_the_lines_of_a_report() -> None:
    """An interactive Python has it on, and `python -c` counts as one: JSON was not JSON there."""
    shown = "execute(\"SELECT current_setting('enable_progress_bar')\").fetchall()"
    code = (
        "import duckdb; from scanner.engine.database import connect; one = connect();"
        f" print(duckdb.connect().{shown}, one.{shown}, one.cursor().{shown})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[(True,)] [(False,)] [(False,)]\n"


def test_every_database_that_is_opened_draws_none() -> None:
    opened = {
        file.name: text
        for file in Path(scanner.__path__[0]).rglob("*.py")
        if "duckdb.connect(" in (text := file.read_text("utf-8"))
    }
    assert opened.keys() == {"database.py", "parquet.py"}
    assert all("SET enable_progress_bar = false" in text for text in opened.values())


@pytest.fixture
def sealed() -> Iterator[Connection]:
    with connect() as connection:
        seal(connection)
        yield connection


def refusal(connection: Connection, sql: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(sql).fetchall()
    return str(caught.value)


@pytest.mark.parametrize(
    "setting",
    ["memory_limit = '100GB'", "threads = 1", "temp_directory = '/tmp'", "TimeZone = 'Asia/Tokyo'"],
)
def test_no_setting_can_be_changed_after_sealing(sealed: Connection, setting: str) -> None:
    assert "configuration has been locked" in refusal(sealed, f"SET GLOBAL {setting}")


def test_external_access_cannot_be_had_back(sealed: Connection) -> None:
    refusal(sealed, "SET enable_external_access = true")
    assert sealed.execute("SELECT current_setting('enable_external_access')").fetchall() == [
        (False,)
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{path}')",
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM '{path}'",
        "SELECT * FROM glob('{path}')",
        "COPY (SELECT 1) TO '{path}.out'",
        "ATTACH '{path}.db' AS other",
        "INSTALL httpfs",
        "LOAD '{path}'",
    ],
)
def test_no_file_is_reached_after_sealing(sealed: Connection, sql: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n", "utf-8")
    assert "disabled" in refusal(sealed, sql.format(path=path))
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("sql", ["SELECT * FROM '{path}'", "COPY (SELECT 1) TO '{path}.out'"])
def test_one_folder_may_be_left_open_and_no_other(sql: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("a\n1\n", "utf-8")
    with connect() as connection:
        seal(connection, inside)
        connection.execute(sql.format(path=inside / "a.csv"))
        for path in (outside / "a.csv", inside / ".." / "outside" / "a.csv"):
            assert "disabled" in refusal(connection, sql.format(path=path))
        assert "locked" in refusal(connection, f"SET allowed_directories = ['{outside}']")
    assert [one.name for one in outside.iterdir()] == ["a.csv"]
