"""Whatever is wrong with a history: the verdict is given, nothing is lost, and `verify` ends in 2.

All of one case runs in this process, as a command would: there are many.
"""

import errno
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scanner.cli.main import main
from scanner.history.choose import run_before
from scanner.history.folder import History
from tests.acceptance.broken_history import FOLDERS, NEEDED, REMADE, UNNEEDED
from tests.acceptance.tolerance import Place, with_two_days

DIR = "past"
SOURCE = ("--inventory", "keys.json", "--org", "acme", "--project", "web", "--policy", "p.yaml")
READERS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("trend",),
    ("diff", "previous", "latest"),
    ("diff", "2026-03-01", "2026-03-02"),
    ("show", "latest"),
    ("show", "2026-03-02"),
    ("prune", "--keep-days", "99999", "--dry-run"),
)


class Said:
    """What a command said: exit code, standard output and error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Desk:
    """Runs commands in a folder."""

    def __init__(self, place: Place, capture: pytest.CaptureFixture[str]) -> None:
        self.place, self.past = place, place.folder / DIR
        self._capture = capture

    def __call__(self, *arguments: str) -> Said:
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(error.code or 0)
        return Said(code, *self._capture.readouterr())

    def scan(self, day: str, *more: str, history: str = DIR) -> Said:
        """Scan; the verdict is the gate's, whatever the history is."""
        dated = ("--as-of", f"2026-03-{day}", "-o", "r.json")
        done = self("scan", *SOURCE, *dated, "-q", "--history", history, *more)
        assert done.code == 1, done.err
        assert "FAILED: 2 open findings" in done.out
        return done

    def history(self, *arguments: str) -> Said:
        """Run an action on the history."""
        return self("history", *arguments, "--history", DIR)

    @property
    def first_seen(self) -> set[str]:
        """The days that the last report says."""
        report = json.loads(self.place.read("r.json"))
        return {one["first_seen"][:10] for one in report["findings"] if "first_seen" in one}

    def verified(self) -> list[str]:
        """What `verify` calls the damage."""
        done = self.history("verify", "--format", "json")
        found: dict[str, Any] = json.loads(done.out)
        assert done.code == (2 if found["damage"] else 0)
        assert all(one["message"] and one["where"] and one["remedy"] for one in found["damage"])
        return [one["code"] for one in found["damage"]]

    def run_of(self, day: str) -> Path:
        """The folder of a run."""
        (found,) = self.past.glob(f"202603{day}T*")
        return found


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    for name in list(os.environ):
        if name.startswith(("KEYPOLICY_", "SENTRY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Desk(Place(tmp_path), capsys)


def files_of(folder: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture
def kept(desk: Desk) -> Desk:
    with_two_days(desk.place, DIR)
    return desk


def goes_on(desk: Desk, before: dict[Path, bytes]) -> Said:
    """Scan once more: nothing that was there changes, and whatever reads it ends in good order."""
    done = desk.scan("03")
    after = files_of(desk.past)
    assert {path: after.get(path) for path in before} == before
    assert desk.run_of("03").is_dir()
    is_read_in_good_order(desk)
    return done


def is_read_in_good_order(desk: Desk) -> None:
    for reader in READERS:
        told = desk.history(*reader)
        assert told.code in {0, 1, 2}, told.err
        assert told.code != 2 or told.err.startswith("keypolicy: "), told.err
        assert "\x1b" not in told.out + told.err


@pytest.mark.parametrize("name", [*NEEDED, *REMADE])
def test_a_run_that_cannot_be_carried_on_is_not_chosen(kept: Desk, name: str) -> None:
    """By the search that a scan makes: a scan of each would take most of the time."""
    spoil, code = {**NEEDED, **REMADE}[name]
    spoil(kept.run_of("02"))
    before = files_of(kept.past)
    first = kept.run_of("01").name
    line = first.split("-")[1]
    found = run_before(History(kept.past), line, datetime(2026, 3, 3, tzinfo=UTC), {"acme": 1})
    assert found.run is not None
    assert found.run.manifest.name.folder == first
    assert {one.first_seen for one in found.tracked} == {datetime(2026, 3, 1, tzinfo=UTC)}
    assert [warning.count("is passed over") for warning in found.warnings] == [1]
    is_read_in_good_order(kept)
    assert files_of(kept.past) == before
    assert kept.verified() == [code]


# One of each kind of damage, and of each part that is damaged.
ONE_OF_EACH = {code: name for name, (_, code) in NEEDED.items()}
REMADE_OF_EACH = {code: name for name, (_, code) in REMADE.items()}


@pytest.mark.parametrize("name", [*ONE_OF_EACH.values(), *REMADE_OF_EACH.values()])
def test_a_run_that_cannot_be_carried_on_is_passed_over(kept: Desk, name: str) -> None:
    spoil, code = {**NEEDED, **REMADE}[name]
    spoil(kept.run_of("02"))
    done = goes_on(kept, files_of(kept.past))
    assert done.err.count("is passed over") == 1, done.err
    assert kept.first_seen == {"2026-03-01"}
    assert kept.verified() == [code]


@pytest.mark.parametrize("name", UNNEEDED)
def test_a_run_whose_other_parts_are_damaged_is_carried_on(kept: Desk, name: str) -> None:
    spoil, code = UNNEEDED[name]
    spoil(kept.run_of("02"))
    assert goes_on(kept, files_of(kept.past)).err == ""
    assert kept.first_seen == {"2026-03-01"}
    assert kept.verified() == [code]


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_no_history_is_left_alone(desk: Desk, name: str) -> None:
    FOLDERS[name](desk.past)
    there = DIR if name != "below a file" else "file/past"
    before = files_of(desk.place.folder)
    done = desk.scan("01", history=there)
    assert "keypolicy: warning: history: this scan is not kept: " in done.err
    assert there.partition("/")[0] in done.err
    assert files_of(desk.place.folder).items() >= before.items()
    report = json.loads(desk.place.read("r.json"))
    assert "is not kept" in report["summary"]["warnings"][0]
    for reader in READERS:
        told = desk("history", *reader, "--history", there)
        assert told.code == 2
        assert told.err.startswith("keypolicy: ")
    assert desk("history", "verify", "--history", there).code == 2


def test_a_link_to_a_folder_is_followed(desk: Desk) -> None:
    (desk.place.folder / "real").mkdir()
    desk.past.symlink_to("real")
    assert desk.scan("01").err == ""
    assert desk.verified() == []


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("scanner.history.keeper.Staging", errno.EROFS),
        ("scanner.history.keeper.Staging", errno.EACCES),
        ("scanner.history.keeper.keep", errno.ENOSPC),
        ("scanner.history.seal.write_reports", errno.ENOSPC),
        ("scanner.history.seal.write_lines", errno.EDQUOT),
        ("scanner.history.write.os.fsync", errno.EIO),
        ("scanner.history.write.Path.rename", errno.ENOSPC),
    ],
)
def test_a_disk_that_takes_no_more_loses_the_run_alone(
    kept: Desk, place: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(kept.past)

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "a file")

    with monkeypatch.context() as patched:
        patched.setattr(place, refused)
        done = kept.scan("03")
    assert f"this scan is not kept: a file: {os.strerror(number)}. " in done.err  # and a remedy
    assert kept.first_seen == {"2026-03-01"}
    assert files_of(kept.past) == before
    assert list(kept.past.glob(".*")) == []
    assert kept.verified() == []


def test_two_runs_of_one_id_are_told_apart_by_their_time(
    kept: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an id is made of a poor source of chance; of one time and id, one is kept."""
    one = json.loads((kept.run_of("02") / "manifest.json").read_bytes())["run"]["id"]
    monkeypatch.setattr(uuid, "uuid4", lambda: SimpleNamespace(hex=one))
    assert kept.scan("03").err == ""
    assert kept.verified() == []
    done = kept.history("show", one[:8])
    assert done.code == 2
    assert "2 runs" in done.err
    assert kept.history("show", kept.run_of("03").name).code == 0
    before = files_of(kept.past)
    assert "this scan is not kept" in kept.scan("03").err
    assert files_of(kept.past) == before
