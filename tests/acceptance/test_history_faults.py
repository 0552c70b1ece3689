"""What goes wrong with a history: the verdict is given, nothing is lost, and `verify` tells."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from scanner.history.manifest import decode, encode
from tests.acceptance.support import ROOT, Result
from tests.acceptance.tolerance import ALPHA, BETA, Place, key, with_two_days

DIR = "past"
NEWER = b'{"format":"keypolicy-history","version":2}\n'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def kept(place: Place, as_of: str = "2026-03-01", *arguments: object) -> Result:
    done = place.scan("--history", DIR, "-q", *arguments, as_of=as_of)
    assert done.code == 1, done.err  # the gate's, whatever the history says
    assert len(place.report()["findings"]) == 2
    return done


def verified(place: Place) -> tuple[int, list[str]]:
    done = place.run("history", "verify", "--history", DIR, "--format", "json")
    found = json.loads(done.out)
    assert done.code == (2 if found["damage"] else 0)
    assert all(one["remedy"] for one in found["damage"])
    return found["runs"], [one["code"] for one in found["damage"]]


def run_of(place: Place, as_of: str) -> Path:
    (found,) = (place.folder / DIR).glob(as_of.replace("-", "") + "T*")
    return found


def edit(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new, 1))


def command(as_of: str, *python: str) -> list[str]:
    """A scan of the place's keys, by the module or by other arguments of Python."""
    source = ["--inventory", "keys.json", "--org", "acme", "--project", "web", "--policy", "p.yaml"]
    scan = ["scan", *source, "--as-of", as_of, "-q", "--history", DIR]
    return [sys.executable, *(python or ("-m", "scanner")), *scan]


def environ(place: Place) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(place.folder)}


def scripted(place: Place, script: str, as_of: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(as_of, "-c", script),
        cwd=place.folder,
        env=environ(place),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_folder_of_something_else_is_left_alone(place: Place) -> None:
    place.write("past", "")
    assert "this scan is not kept" in kept(place).err
    (place.folder / "past").unlink()
    (place.folder / "past").mkdir()
    place.write("past/thesis.txt", "mine")
    told = kept(place).err
    assert "history: this scan is not kept: past: is no history" in told
    assert "Name the folder that" in told
    assert [path.name for path in (place.folder / DIR).iterdir()] == ["thesis.txt"]
    assert place.report()["summary"]["warnings"] == [
        told.removeprefix("keypolicy: warning: ").strip()
    ]
    assert place.run("history", "list", "--history", DIR).code == 2


def test_a_history_that_lost_its_mark_says_how_to_get_it_back(place: Place) -> None:
    kept(place)
    mark = place.folder / DIR / "keypolicy-history.json"
    was = mark.read_bytes()
    mark.write_bytes(b"{}")
    told = kept(place, "2026-03-02").err
    assert "this scan is not kept: past: is no history" in told
    mark.write_text(told.partition("or write ")[2].rstrip(".\n") + "\n")
    assert mark.read_bytes() == was
    assert verified(place) == (1, [])


def test_a_history_of_a_newer_release_is_left_alone(place: Place) -> None:
    (place.folder / DIR).mkdir()
    (place.folder / DIR / "keypolicy-history.json").write_bytes(NEWER)
    assert "is a history of format version 2; this release uses 1" in kept(place).err
    assert len(list((place.folder / DIR).iterdir())) == 1
    assert "later one" in place.run("history", "verify", "--history", DIR).err


def test_only_overdue_is_strict_where_the_history_cannot_be_read(place: Place) -> None:
    """Otherwise spoiling the history would let anything pass."""
    place.write("keypolicy.yaml", "sla: {medium: 900d}\n")
    assert place.scan("--history", DIR, "--fail-on-overdue").code == 0
    edit(run_of(place, "2026-03-01") / "manifest.json", b'"medium":2', b'"medium":1')
    done = kept(place, "2026-03-02", "--fail-on-overdue")
    assert "is passed over" in done.err
    shutil.rmtree(place.folder / DIR)
    place.write(DIR, "")
    assert place.scan("--history", DIR, "--fail-on-overdue").code == 1


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("manifest.json", "cut"),
        ("report.json.gz", "changed"),
        ("findings.parquet", "changed"),
        ("tracked.jsonl.gz", "changed"),
        ("inventory-0.jsonl.gz", "changed"),
        ("policies/p.yaml", "changed"),
    ],
)
def test_a_cut_part_shows_and_the_next_scan_goes_on(place: Place, part: str, code: str) -> None:
    with_two_days(place, DIR)
    path = run_of(place, "2026-03-02") / part
    path.write_bytes(path.read_bytes()[:-20])
    assert verified(place) == (2, [code])
    told = kept(place, "2026-03-03").err
    is_needed = part in {"manifest.json", "tracked.jsonl.gz"}
    assert ("is passed over" in told) is is_needed
    # What it goes back to still knows since when.
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}


def test_an_edited_manifest_shows(place: Place) -> None:
    kept(place)
    path = run_of(place, "2026-03-01") / "manifest.json"
    edit(path, b'"exit_code":1', b'"exit_code":0')
    assert verified(place) == (1, ["edited"])


def test_a_manifest_that_was_sealed_anew_shows_by_the_run_after_it(place: Place) -> None:
    with_two_days(place, DIR)
    path = run_of(place, "2026-03-01") / "manifest.json"
    manifest = decode(path.read_bytes(), "here")
    path.write_bytes(encode(msgspec.structs.replace(manifest, exit_code=0)))
    assert verified(place) == (2, ["replaced"])


def test_a_run_that_was_taken_away_added_to_or_renamed_shows(place: Place) -> None:
    for number in (1, 2, 3):
        kept(place, f"2026-03-0{number}")
    second = run_of(place, "2026-03-02")
    (second / "note.txt").write_text("mine")
    assert verified(place) == (3, ["added"])
    (second / "note.txt").unlink()
    copy = second.with_name(second.name + " (copy)")
    shutil.copytree(second, copy)
    assert verified(place) == (3, ["misplaced"])
    shutil.rmtree(copy)
    twin = second.with_name(second.name.replace("20260302", "20260303"))
    shutil.copytree(second, twin)
    assert verified(place) == (4, ["misplaced"])
    told = place.run("history", "verify", "--history", DIR).out
    assert "It is a copy: take it away." in told
    shutil.rmtree(twin)
    renamed = second.rename(second.with_name(second.name.replace("20260302", "20260228")))
    assert verified(place) == (3, ["misplaced", "removed"])
    shutil.rmtree(renamed)
    assert verified(place) == (2, ["removed"])


def test_a_run_of_a_newer_format_is_passed_over(place: Place) -> None:
    with_two_days(place, DIR)
    path = run_of(place, "2026-03-02") / "manifest.json"
    edit(path, b'"format":"keypolicy-run","version":1', b'"format":"keypolicy-run","version":9')
    assert "is of format version 9; this release reads 1" in kept(place, "2026-03-03").err
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}
    assert verified(place) == (3, ["newer-format"])


def test_a_clock_that_jumps_back_dates_nothing_in_the_future(place: Place) -> None:
    kept(place, "2026-03-01")
    kept(place, "2027-03-01")
    told = kept(place, "2026-03-05").err
    assert "there is 1 later run of this scope, the last of 20270301T000000Z" in told
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}
    listed = json.loads(place.run("history", "list", "--history", DIR, "--format", "json").out)
    assert [one["previous"] for one in listed] == [None, listed[0]["id"], listed[0]["id"]]
    assert verified(place) == (3, [])


def test_a_history_of_another_organization_is_carried_beside(place: Place) -> None:
    kept(place, "2026-03-01")
    other = ("--inventory", "keys.json", "--org", "globex", "--project", "web")
    done = place.run(
        "scan", *other, "--policy", "p.yaml", "--as-of", "2026-03-02", "-q", "--history", DIR
    )
    assert (done.code, done.err) == (1, "")
    kept(place, "2026-03-03")
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}
    assert verified(place) == (3, [])


def test_a_full_disk_loses_the_run_and_nothing_else(place: Place) -> None:
    """A limit on the size of files stands in: the system refuses the write as a full disk does."""
    kept(place, "2026-03-01")
    place.keys(
        *(key(f"{n:032x}", f"key-{n}-prod") for n in range(4000)), key(ALPHA, "a"), key(BETA, "b")
    )
    script = (
        "import resource, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from scanner.cli.main import main; import scanner.history.seal as seal;"
        "seal_run = seal.write_tracked;\n"
        "def limited(staging, findings):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "    seal_run(staging, findings)\n"
        "seal.write_tracked = limited\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = scripted(place, script, "2026-03-02")
    assert "FAILED: 2 open findings" in done.stdout, done.stderr
    assert done.returncode == 1
    assert "history: this scan is not kept" in done.stderr
    assert "File too large" in done.stderr
    assert verified(place) == (1, [])
    assert [path for path in (place.folder / DIR).iterdir() if path.name.startswith(".")] == []


def test_two_runs_of_one_id_are_both_kept_or_one_is_told(place: Place) -> None:
    kept(place, "2026-03-01")
    run = run_of(place, "2026-03-01")
    manifest = decode((run / "manifest.json").read_bytes(), "here")
    script = (
        "import sys, uuid; from types import SimpleNamespace;"
        f"uuid.uuid4 = lambda: SimpleNamespace(hex={manifest.run.id!r});"
        "from scanner.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = scripted(place, script, "2026-03-01")
    assert done.returncode == 1
    assert "history: this scan is not kept" in done.stderr
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert verified(place) == (1, [])


def test_a_scan_that_is_killed_leaves_a_sound_history(place: Place) -> None:
    """At random moments, from a seed; `benchmarks/killed.py` does it as often as wanted."""
    kept(place, "2026-03-01")
    began = time.monotonic()
    kept(place, "2026-03-02")
    taken = time.monotonic() - began
    moments, sealed = random.Random(7), 2  # noqa: S311 - reproducible, not secret
    for _ in range(5):
        process = subprocess.Popen(
            command("2026-03-03"),
            cwd=place.folder,
            env=environ(place),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(taken * moments.uniform(0.3, 1.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        runs, damage = verified(place)
        assert damage == []
        assert runs in {sealed, sealed + 1}
        sealed = runs
    kept(place, "2026-03-04")
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}


def test_scans_at_once_are_all_kept(place: Place) -> None:
    def one(number: int) -> int:
        done = subprocess.run(
            command(f"2026-03-0{number + 1}"),
            cwd=place.folder,
            env=environ(place),
            capture_output=True,
            timeout=160,
            check=False,
        )
        assert b"history" not in done.stderr or b"later run" in done.stderr
        return done.returncode

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(one, range(5))) == [1] * 5
    assert verified(place) == (5, [])
