"""What commands do without: modules and statements, told by name and number and not by time."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.support import ROOT, TWO_KEYS

STATEMENTS: Final = 44
"""What a scan of two keys with findings asks the database; each takes a millisecond to plan."""

HEAVY: Final = {
    "asyncio",
    "dotenv",
    "duckdb",  # the layer for Python around _duckdb takes four times as long as that
    "email",
    "httpx",
    "icalendar",
    "importlib.metadata",
    "jsonschema",
    "logging",
    "scanner.engine.dialect",
    "scanner.engine.remote",
    "scanner.history.keeper",
    "scanner.notify",
    "socket",
    "sqlglot",
    "ssl",
    "truststore",
    "weasyprint",
    "zstandard",
}
"""What a scan with three reports never needs."""

NAMED: Final = """
import sys
from scanner.cli.main import main
try: main(sys.argv[1:])
except SystemExit: pass
print(*sorted(sys.modules), file=sys.stderr)
"""

COUNTED: Final = """
import sys, types, _duckdb, scanner.engine.database as database
from scanner.cli.main import main

opened, statements = [], []

class Counted:
    def __init__(self, real): self.real = real
    def __enter__(self): return self
    def __exit__(self, *error): self.real.close()
    def __getattr__(self, name): return getattr(self.real, name)
    def cursor(self): return Counted(self.real.cursor())
    def execute(self, sql, *values):
        statements.append(sql)
        return self.real.execute(sql, *values)

def connect(*how, **more):
    opened.append(how)
    return Counted(_duckdb.connect(*how, **more))

database.duckdb = types.SimpleNamespace(**{**vars(_duckdb), "connect": connect})
main(sys.argv[1:])
print(len(opened), len(statements), file=sys.stderr)
"""


def run(code: str, folder: Path, *arguments: object) -> list[str]:
    """Return the words that the program ends its standard error with, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "HOME": str(folder)},
        check=True,
    )
    return done.stderr.splitlines()[-1].split()


def scan(folder: Path) -> list[object]:
    outputs = [part for form in ("json", "sarif", "html") for part in ("-o", folder / f"r.{form}")]
    policy = ROOT / "benchmarks" / "ten-rules.yaml"
    named = ("--inventory", TWO_KEYS, "--org", "acme", "--policy", policy)
    return ["scan", *named, "--as-of", "2026-01-01", "--quiet", *outputs]


def test_a_scan_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    modules = set(run(NAMED, tmp_path, *scan(tmp_path)))
    assert {"_duckdb", "yaml", "jinja2"} <= modules
    assert not HEAVY & modules


def test_a_scan_opens_one_database_and_asks_little_of_it(tmp_path: Path) -> None:
    opened, statements = run(COUNTED, tmp_path, *scan(tmp_path))
    assert opened == "1"
    assert 20 < int(statements) <= STATEMENTS


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--version"], {"_duckdb", "jinja2", "msgspec", "scanner.base.errors", "yaml"}),
        (["scan", "--help"], {"_duckdb", "jinja2", "yaml", "scanner.pipeline"}),
        (
            ["lint", ROOT / "benchmarks" / "ten-rules.yaml"],
            {"jinja2", "scanner.inventory.file", "scanner.pipeline"},
        ),
    ],
)
def test_what_judges_no_key_is_lighter_still(
    tmp_path: Path, arguments: list[object], more: set[str]
) -> None:
    modules = set(run(NAMED, tmp_path, *arguments))
    assert "scanner.cli.main" in modules
    assert not (HEAVY | more) & modules
