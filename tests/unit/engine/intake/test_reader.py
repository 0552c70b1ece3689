"""What a reader may take for a fault of a file, and what is none."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb
import pytest

from scanner.engine.intake.columnar import refused
from scanner.engine.intake.reader import BadInputError, refusing
from scanner.model.inventory import Layout, RawInput

if TYPE_CHECKING:
    from scanner.engine.database import Connection

RAW = RawInput(Path("i.parquet"), Layout.INVENTORY_PARQUET, "i.parquet")


class Failing:
    """A connection whose every statement ends in that error."""

    def __init__(self, said: str) -> None:
        self._said = said

    def execute(self, _sql: str, _values: object = None) -> None:
        raise RuntimeError(self._said)


def test_an_interrupt_is_no_fault_of_the_file() -> None:
    """Ctrl-C while a file was read said that a name in it is not UTF-8, exit code 2."""
    failing = cast("Connection", Failing("Query interrupted"))  # as DuckDB says it
    with pytest.raises(KeyboardInterrupt), refusing([RAW]):
        failing.execute("SELECT 1")
    with pytest.raises(KeyboardInterrupt):
        refused(failing, RAW)


def test_a_name_that_is_not_utf_8_is_one() -> None:
    failing = cast("Connection", Failing("the name cannot be told"))
    with pytest.raises(BadInputError, match="a name in it is not UTF-8"), refusing([RAW]):
        failing.execute("SELECT 1")
    assert refused(failing, RAW) is None


def test_what_the_database_quotes_of_a_record_is_not_told() -> None:
    said = 'Conversion Error: Could not convert "hunter2" in \'{"secret": "hunter2"}\' to INT64'
    with pytest.raises(BadInputError) as refusal, refusing([RAW]):
        raise duckdb.ConversionException(said)
    assert "Could not convert" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None
