"""Without the extras of an engine: what needs one says which, and everything else works."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.support import ROOT

PLAIN = """
import sys
for name in ("sqlglot", "pg8000", "pyspark", "weasyprint"):
    if name not in sys.argv[1].split(","):
        sys.modules[name] = None
del sys.argv[1]
from scanner.cli.main import main
raise SystemExit(main())
"""
"""The command, where of the packages of the extras only those in the first argument are there."""


def keypolicy_with(there: str, command: str, cwd: Path) -> tuple[int, str]:
    """Run the command as where it is installed with these packages alone."""
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, there, *command.split()],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "HOME": str(cwd), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("there", "command", "package", "extra"),
    [
        ("", "explain key-max-age --sql postgres", "sqlglot", "postgres"),
        ("", "explain key-max-age --sql spark", "sqlglot", "spark"),
        ("sqlglot", "scan --engine postgres --inventory postgresql://a@b/c", "pg8000", "postgres"),
        ("pg8000", "scan --engine postgres --inventory postgresql://a@b/c", "sqlglot", "postgres"),
        ("", "scan --engine spark --inventory x.parquet", "pyspark", "spark"),
        ("pyspark", "scan --engine spark --inventory x.parquet", "sqlglot", "spark"),
        ("", "scan --demo -o r.pdf", "WeasyPrint", "pdf"),
    ],
)
def test_what_is_not_installed_is_named(
    there: str, command: str, package: str, extra: str, tmp_path: Path
) -> None:
    code, err = keypolicy_with(there, command, tmp_path)
    assert code == 2, err
    assert package in err
    assert f"pip install 'keypolicy[{extra}]'" in err


@pytest.mark.parametrize(
    ("command", "code"),
    [("explain key-max-age --sql duckdb", 0), ("scan --demo -o r.html -o r.parquet", 1)],
)
def test_everything_else_works(command: str, code: int, tmp_path: Path) -> None:
    found, err = keypolicy_with("", command, tmp_path)
    assert (found, err) == (code, "")
