"""What the engine says of an error, and that nobody tells it otherwise."""

import ast
from pathlib import Path

import duckdb
import pytest

import scanner.engine
from scanner.engine.database import reason

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
    assert told.startswith(text.split(":", maxsplit=1)[0])


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
