"""What is told before another engine is started."""

import argparse
from pathlib import Path

import pytest

from scanner.base.errors import UsageError
from scanner.cli.main import Parser
from scanner.cli.scan import add_arguments, run
from scanner.cli.shared.elsewhere import engine_place
from scanner.config.gather import load_settings
from scanner.config.settings import Flags


def asked(*arguments: str) -> argparse.Namespace:
    parser = Parser(prog="keypolicy scan")
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    "address",
    [
        *("keys.json", "./a/KEYS.JSON", "keys.jsonl", "exports/*.jsonl.gz", "keys.ndjson"),
        *("s3a://bucket/keys.jsonl.zst", "keys.csv", "keys.parquet.gz", "{table}.json"),
    ],
)
def test_what_spark_does_not_read_is_told_without_spark(tmp_path: Path, address: str) -> None:
    """It took a Java to start, exit code 3 and the advice to give Spark more memory."""
    settings = load_settings(Flags(), {}, tmp_path, None)
    with pytest.raises(UsageError, match="Spark reads Parquet and ORC") as refusal:
        engine_place(asked("--engine", "spark", "--inventory", address), settings)
    assert "fetch -o FILE.parquet" in refusal.value.remedy


@pytest.mark.parametrize(
    "address", ["keys", "keys.parquet", "s3a://b/{table}/*.parquet", "a.orc", "out.json/part", "."]
)
def test_what_spark_may_read_is_left_to_it(tmp_path: Path, address: str) -> None:
    settings = load_settings(Flags(), {}, tmp_path, None)
    place = engine_place(asked("--engine", "spark", "--inventory", address), settings)
    assert place is not None
    assert place.address == address


@pytest.mark.parametrize("engine", ["postgres", "spark"])
def test_a_place_is_asked_for_before_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="one place is needed that has the data"):
        run(asked("--engine", engine, "--org", "acme"))
