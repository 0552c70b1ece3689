"""Every report format through the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli.main import main
from scanner.report import FORMATS
from tests.acceptance.support import TWO_KEYS, here
from tests.unit.report.papers import can_make

SUFFIXES = [suffix for name, info in FORMATS.items() if can_make(name) for suffix in info.suffixes]


def test_one_scan_writes_every_format_and_the_exit_code_stays(tmp_path: Path) -> None:
    files = [tmp_path / f"keys{suffix}" for suffix in SUFFIXES]
    outputs = [part for file in files for part in ("-o", file)]
    done = here("scan", "--inventory", TWO_KEYS, *outputs, cwd=tmp_path)
    assert done.code == 1, done.err
    assert [file.name for file in files if not file.stat().st_size] == []
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in files}


@pytest.mark.parametrize("name", ["github", "junit", "markdown", "csv", "prometheus"])
def test_a_text_format_on_standard_output_is_alone_there(name: str, tmp_path: Path) -> None:
    done = here("scan", "--demo", "--format", name, cwd=tmp_path)
    assert done.code == 1, done.err
    begins = {
        "github": "keypolicy: failed",
        "junit": "<?xml ",
        "markdown": "## keypolicy: failed",
        "csv": '"rule_id",',
        "prometheus": "# HELP keypolicy_",
    }
    assert done.out.startswith(begins[name])
    assert "Exit code 1: " not in done.out


AS_OF = ("--as-of", "2026-01-15")
SCREENS: list[tuple[tuple[str, ...], dict[str, str]]] = [
    (("-q",), {}),
    ((), {"FORCE_COLOR": "1", "COLUMNS": "20"}),
    (("-q",), {"FORCE_COLOR": "1", "COLUMNS": "200"}),
]


@pytest.mark.parametrize("verb", ["scan", "forecast", "replay"])
def test_a_file_is_whole_whatever_the_screen_is_to_show(verb: str, tmp_path: Path) -> None:
    command: tuple[str, ...] = (verb, "--demo", *AS_OF)
    if verb == "replay":
        here("scan", "--demo", *AS_OF, "-q", "--history", "past", cwd=tmp_path)
        command = ("history", "replay", "latest", "--history", "past")
    here(*command, "-o", "keys.txt", cwd=tmp_path)
    plain = (tmp_path / "keys.txt").read_bytes()
    # All of the screens for a scan; for others the one that is coloured, narrow and loud.
    for options, environment in SCREENS if verb == "scan" else SCREENS[1:2]:
        (tmp_path / "keys.txt").unlink()
        quiet = options if verb != "replay" else ()
        here(*command, *quiet, "-o", "keys.txt", cwd=tmp_path, **environment)
        assert (tmp_path / "keys.txt").read_bytes() == plain, (options, environment)
    assert plain.count(b"\n") > 20
    assert b"\x1b" not in plain


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        link = tmp_path / f"full{suffix}"
        link.symlink_to("/dev/full")
        done = here("scan", "--demo", "-o", link, cwd=tmp_path)
        assert done.code == 2
        assert "No space left on device" in done.err


@pytest.mark.parametrize("asked", [["-o", "keys.html", "-o", "keys.pdf"], ["--format", "pdf"]])
def test_without_its_library_a_pdf_is_refused_before_anything_is_looked_at(
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.setattr("scanner.pipeline.scan", None)
    assert main(["scan", "--demo", *asked]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "pip install 'keypolicy[pdf]'" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, info in FORMATS.items() if info.is_binary])
def test_a_terminal_gets_no_bytes(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not can_make(name):
        pytest.skip("WeasyPrint or Pango is not installed")
    monkeypatch.setattr("scanner.pipeline.scan", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["scan", "--demo", "--format", name]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "-o FILE" in told.err


def test_a_scan_without_a_pdf_does_not_load_its_library(tmp_path: Path) -> None:
    run = (
        "import sys; from scanner.cli.main import main;"
        f" main(['scan', '--demo', '-o', {str(tmp_path / 'keys.html')!r}]);"
        " print(sorted({'weasyprint', 'PIL', 'fontTools', 'cffi'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
