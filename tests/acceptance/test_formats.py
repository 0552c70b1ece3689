"""Every report format through the command line."""

from pathlib import Path

import pytest

from scanner.report import FORMATS
from tests.acceptance.support import keypolicy
from tests.unit.report.papers import can_make

SUFFIXES = [suffix for name, info in FORMATS.items() if can_make(name) for suffix in info.suffixes]


def test_one_scan_writes_every_format_and_the_exit_code_stays(tmp_path: Path) -> None:
    files = [tmp_path / f"keys{suffix}" for suffix in SUFFIXES]
    outputs = [part for file in files for part in ("-o", file)]
    done = keypolicy("scan", "--demo", *outputs, cwd=tmp_path)
    assert done.code == 1, done.err
    assert [file.name for file in files if not file.stat().st_size] == []
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in files}


@pytest.mark.parametrize("name", ["github", "junit", "markdown", "csv", "prometheus"])
def test_a_text_format_on_standard_output_is_alone_there(name: str, tmp_path: Path) -> None:
    done = keypolicy("scan", "--demo", "--format", name, cwd=tmp_path)
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


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        link = tmp_path / f"full{suffix}"
        link.symlink_to("/dev/full")
        done = keypolicy("scan", "--demo", "-o", link, cwd=tmp_path)
        assert done.code == 2
        assert "No space left on device" in done.err
