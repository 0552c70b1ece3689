"""Opening the database, closed against everything that a scan does not need."""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import _duckdb as duckdb

from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_text
from scanner.engine import memory

Connection = duckdb.DuckDBPyConnection

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    # Nothing of this process is visible to SQL.
    "python_enable_replacements": False,
    "python_scan_all_frames": False,
    # Findings are sorted where it matters; keeping the order of rows costs memory and time.
    "preserve_insertion_order": False,
}

_AGAIN: Final = 0.05
"""Seconds between two interrupts of a statement that has run out of time."""

_PARAMETER: Final = re.compile(r"\$(\w+)")
_LONGEST_REASON: Final = 500
_WRAPPED: Final = re.compile(r'.*"exception_message":"((?:[^"\\]|\\.)*)".*')
"""What a thread of the engine could not write is told as JSON within a sentence."""

_ADVICE: Final = re.compile(r"\.? Use TRY\(\.\.\.\) .*")
"""What the engine advises, and nobody may write here."""

_KIND: Final = re.compile(r"^(?:[A-Z][A-Za-z ]* Error: |\w+(?:Exception|Error): )+")
"""Names of the engine's classes of errors: they tell nothing that the message does not."""

_CANDIDATES: Final = re.compile(r"^Candidate [A-Za-z ]+: (?:: )?")
_QUOTED: Final = re.compile(r"\bInput: .*|\"[^\"]*\"?|(?!(?<=[a-z]n)'t\b)'[^']*'?", re.DOTALL)
"""What is quoted, to the end where nothing closes it; not from the apostrophe in "don't"."""


def connect() -> Connection:
    """Open an empty in-memory database that holds every table of the catalogue, without rows."""
    connection = duckdb.connect(":memory:", config={**_CONFIG, **memory.settings()})
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    # In an interactive Python, such as a notebook, it would be drawn between a report's lines.
    connection.execute("SET enable_progress_bar = false")
    for name, table in TABLES.items():
        create(connection, name, table.columns)
    return connection


def create(connection: Connection, name: str, columns: Iterable[str], more: str = "") -> None:
    """Create the table anew and empty, with these columns of the catalogue's and `more` in SQL."""
    specs = TABLES[name].columns
    defined = ", ".join(f'"{column}" {specs[column].type}' for column in columns)
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" ({defined}{more})')


def literal(text: str) -> str:
    """Return the text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def used(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that the statement has a parameter for: DuckDB refuses others."""
    names = set(_PARAMETER.findall(sql))
    return {name: value for name, value in values.items() if name in names}


def seal(connection: Connection, folder: Path | None = None) -> None:
    """Take away files, network and settings from every statement that follows.

    With a `folder`, what is in that one is not taken away.
    """
    if folder is not None:
        connection.execute("SET allowed_directories = [?]", [str(folder)])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def reason(error: duckdb.Error, *, quotes: bool = True) -> str:
    """Return why the engine failed: its first line, bounded, without anything secret.

    Every message that a person sees goes through here. `quotes` leaves in what the engine
    quotes; without, for statements that read a file, nothing of a record is told.
    """
    text = _KIND.sub("", _ADVICE.sub("", str(error).strip().split("\n", 1)[0]), count=1)
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].replace('\\"', '"')
    return _bounded(redact_text(text) if quotes else _QUOTED.sub("...", text))


def proposal(error: duckdb.Error) -> str:
    """Return the names that the engine proposes in place of one that is not there, if any.

    What else it says in further lines is about settings, which nobody may change here.
    """
    lines = filter(None, str(error).split("\n\nLINE", 1)[0].split("\n")[1:])
    named = "\n".join(_CANDIDATES.sub("Did you mean one of these: ", line) for line in lines)
    return _bounded(redact_text(named)) if named.startswith("Did you mean") else ""


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "..."


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on the connection after so many seconds.

    The statement then raises duckdb.InterruptException.
    """
    done = threading.Event()

    def watch() -> None:
        # Repeated, because an interrupt between two statements is lost.
        if not done.wait(seconds):
            while not done.wait(_AGAIN):
                connection.interrupt()

    watcher = threading.Thread(target=watch, name="keypolicy-time-limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
