import errno
import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pytest

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.model.finding import Finding
from scanner.report import (
    FORMATS,
    format_called,
    format_for,
    to_file,
    to_stream,
    write_reports,
)
from tests.unit.report.factory import RULES, clean_run, finding, large_run, run_of
from tests.unit.report.papers import can_make
from tests.unit.report.rendering import render, write_file


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r.json", "json"),
        ("r.SARIF", "sarif"),
        ("r.sarif.json", "sarif"),
        ("r.htm", "html"),
        ("a.json.html", "html"),
        ("r.txt", "terminal"),
    ],
)
def test_the_suffix_chooses_the_format(name: str, expected: str) -> None:
    assert format_for(Path("some.folder") / name) == expected


@pytest.mark.parametrize("name", ["report", "report.doc", "json", "report.json.bak"])
def test_an_unknown_suffix_is_told_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html.*\.json.*\.sarif") as caught:
        format_for(Path(name))
    assert caught.value.where == name


def test_suffixes_are_unambiguous() -> None:
    suffixes = [suffix for info in FORMATS.values() for suffix in info.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("name", FORMATS)
def test_a_digest_is_asked_for_by_the_formats_that_tell_it(name: str) -> None:
    """One that tells it and does not say so would leave it empty."""
    run = large_run(1)
    empty = msgspec.structs.replace(
        run, inventory=msgspec.structs.replace(run.inventory, digest="")
    )
    assert (render(name, run) != render(name, empty)) == FORMATS[name].has_digest


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="json, sarif, html"):
        render("docx", clean_run())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *((suffix, name) for name, info in FORMATS.items() for suffix in info.suffixes),
        ("MD", "markdown"),
        ("SARIF", "sarif"),
        ("jsno", "json"),
    ],
)
def test_a_suffix_or_a_slip_for_a_name_is_told_the_name(name: str, meant: str) -> None:
    for given in {name, name.lstrip(".")} - FORMATS.keys():
        with pytest.raises(UsageError) as caught:
            format_called(given)
        assert caught.value.remedy.startswith(f"Did you mean `{meant}`? Known formats: json")


def test_importing_the_registry_loads_no_format() -> None:
    code = (
        "import scanner.report, sys;"
        "names = [f'scanner.report.{i.module}' for i in scanner.report.FORMATS.values()];"
        "print([n for n in [*names, 'jinja2', 'markupsafe', 'jsonschema'] if n in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_bytes(name: str) -> None:
    assert render(name, clean_run())


def test_a_file_is_as_the_stream_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"old")
    write_file(clean_run(), path)
    assert path.read_bytes() == render("json", clean_run())
    assert names(tmp_path) == ["r.json"]


class Failing:
    def __iter__(self) -> Iterator[Finding]:
        yield finding(RULES[0], "1" * 32)
        raise RuntimeError("the database is gone")


@pytest.mark.parametrize("suffix", ["json", "sarif", "html"])
def test_a_failed_report_leaves_the_old_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r.{suffix}"
    path.write_bytes(b"old")
    run = run_of(RULES, [finding(RULES[0], "1" * 32), finding(RULES[0], "2" * 32)])
    with pytest.raises(RuntimeError):
        write_file(msgspec.structs.replace(run, findings=Failing()), path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [path.name]


def test_all_reports_of_a_failed_pass_are_left_as_they_were(tmp_path: Path) -> None:
    paths = [
        tmp_path / f"r{info.suffixes[0]}"
        for name, info in FORMATS.items()
        if info.suffixes and can_make(name)
    ]
    streaming = [path for path in paths if path.suffix not in {".txt", ".prom", ".parquet"}]
    for path in streaming:
        path.write_bytes(b"old")
    run = run_of(RULES, [finding(RULES[0], "1" * 32)])
    run = msgspec.structs.replace(run, findings=Failing())
    with pytest.raises(RuntimeError, match="the database is gone"):
        write_reports(run, [to_file(run, path) for path in streaming])
    assert {path.read_bytes() for path in streaming} == {b"old"}
    assert sorted(names(tmp_path)) == sorted(path.name for path in streaming)


class Full(io.RawIOBase):
    """A stream that takes some bytes and then no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        length = memoryview(data).nbytes  # type: ignore[arg-type]  # any buffer
        self._room -= length
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return length


@pytest.mark.parametrize("room", [0, 100_000, 1_900_000])
def test_what_stands_before_a_report_that_fails_is_written_what_is_after_it_is_not(
    tmp_path: Path, room: int
) -> None:
    run = large_run(4_000)
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    after.write_bytes(b"old")
    assert len(render("json", run)) > room
    full = cast("BinaryIO", io.BufferedWriter(Full(room)))
    with pytest.raises(OSError, match="No space left"):
        write_reports(
            run, [to_file(run, before), to_stream(run, "json", full), to_file(run, after)]
        )
    assert before.read_bytes() == render("csv", run)
    assert after.read_bytes() == b"old"
    assert sorted(names(tmp_path)) == ["after.csv", "before.csv"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_report_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(clean_run(), tmp_path / "r.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o640


def test_a_missing_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "r.json"
    with pytest.raises(UsageError, match="Create the folder") as caught:
        write_file(clean_run(), path)
    assert caught.value.where == str(path)
    assert caught.value.exit_code == 2


def test_a_folder_is_not_a_report(tmp_path: Path) -> None:
    (tmp_path / "r.json").mkdir()
    with pytest.raises(UsageError, match="Name a file, not a folder"):
        write_file(clean_run(), tmp_path / "r.json")


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    target = tmp_path / "latest.json"
    target.write_bytes(b"old")
    link = tmp_path / "r.json"
    link.symlink_to(target)
    write_file(clean_run(), link)
    assert link.is_symlink()
    assert target.read_bytes() == render("json", clean_run())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_is_written_to_as_it_is() -> None:
    with pytest.raises(UsageError, match="No space left"), replacing(Path("/dev/full")) as out:
        out.write(b"x" * (1 << 20))
    assert Path("/dev/full").is_char_device()


def test_an_error_of_the_block_is_not_one_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError), replacing(tmp_path / "r.json"):
        raise KeyError("x")
    assert names(tmp_path) == []


ENDS_AT_ONCE = """
import importlib, time
from scanner import report

real = importlib.import_module

def slow(name):
    time.sleep(0.5)
    print("loaded", real(name).__name__, flush=True)

importlib.import_module = slow
report.preload(["json", "csv"])
raise SystemExit(2)
"""


def test_a_process_does_not_end_under_the_imports_that_go_on_beside_it() -> None:
    """A mistake in a policy ends a scan while they do: now and then, the interpreter crashed."""
    done = subprocess.run(
        [sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, check=False
    )
    told = [f"loaded scanner.report.{FORMATS[name].module}" for name in ("json", "csv")]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (2, told, "")


STUCK = """
import importlib, threading
from scanner import report

report._PATIENCE = 0.1
importlib.import_module = lambda name: threading.Event().wait()
report.preload(["json"])
raise SystemExit(2)
"""


def test_a_process_ends_where_an_import_beside_it_never_does() -> None:
    """Ctrl-C within an import left the lock of the module taken, and the process waiting."""
    done = subprocess.run([sys.executable, "-c", STUCK], check=False, timeout=60)
    assert done.returncode == 2
