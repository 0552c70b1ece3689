"""The folder of a history: which run is meant, which one is carried on, and what is damaged."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.history import choose as choosing
from scanner.history import folder as folders
from scanner.history.choose import choose, run_before
from scanner.history.folder import History
from scanner.history.line import is_stranger, line_of
from scanner.history.manifest import DamageError, PreviousRun, stamp
from scanner.history.prune import prune
from scanner.history.verify import verify
from scanner.history.write import Staging
from scanner.model.history import MANIFEST, MARKER
from scanner.model.inventory import Reach, Scope
from tests.unit.history.factory import DAY, LINE, manifest, stored, tracked

SEEN = {"acme": 1}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three runs, a day between them."""
    folder, previous = tmp_path / "past", None
    for number in range(3):
        made = manifest(number + 1, DAY + timedelta(days=number), previous)
        name = stored(folder, made, [tracked(f"f{number}")]).name
        run = History(folder).run(name)
        previous = PreviousRun(run.manifest.name, run.digest)
    return folder


def test_runs_are_in_the_order_of_time(place: Path) -> None:
    runs, damage = History(place).runs()
    assert [run.manifest.run.as_of.day for run in runs] == [1, 2, 3]
    assert damage == []
    assert verify(History(place)).damage == ()


@pytest.mark.parametrize(
    ("ref", "day"),
    [
        ("latest", 3),
        ("previous", 2),
        ("2026-06-02", 2),
        ("2026-06-02T12:00:00Z", 2),
        ("2026-06-01T23:59:59Z", 1),
        ("2030-01-01", 3),
        ("20260602", 2),
        ("20260602T000000Z-0a1b2c3d-200000000000", 2),
        ("2000", 2),
        (f"{2:032x}"[::-1], 2),
    ],
)
def test_what_is_meant(place: Path, ref: str, day: int) -> None:
    assert choose(History(place), ref).manifest.run.as_of.day == day


@pytest.mark.parametrize("ref", ["", "1", "zzzz", "2026-05-31", "2026", "202606", "last"])
def test_what_is_meant_by_nobody_or_by_several(place: Path, ref: str) -> None:
    with pytest.raises(UsageError) as told:
        choose(History(place), ref)
    assert "latest" in told.value.remedy


def test_the_latest_is_the_last_sound_one(place: Path) -> None:
    names = History(place).names()
    (place / names[-1] / "manifest.json").write_bytes(b"{")
    assert choose(History(place), "latest").manifest.run.as_of.day == 2


def test_the_run_before_is_the_last_up_to_the_time(place: Path) -> None:
    history = History(place)
    for hours, day in ((0, 1), (23, 1), (24, 2), (999, 3)):
        found = run_before(history, LINE, DAY + timedelta(hours=hours), SEEN)
        assert found.run is not None
        assert found.run.manifest.run.as_of.day == day
        assert [one.id for one in found.tracked] == [f"f{day - 1}"]
        assert bool(found.warnings) is (day < 3)
    early = run_before(history, LINE, DAY - timedelta(days=1), SEEN)
    assert (early.run, early.is_certain) == (None, True)


def test_a_run_of_another_line_or_of_strangers_is_not_carried_on(place: Path) -> None:
    history, later = History(place), DAY + timedelta(days=9)
    assert run_before(history, "ffffffff", later, SEEN).run is None
    assert run_before(history, LINE, later, {"globex": 1}).run is None
    assert run_before(history, LINE, later, {}).run is not None


def test_a_run_of_renamed_organizations_is_carried_on(place: Path) -> None:
    history, later = History(place), DAY + timedelta(days=9)
    found = run_before(history, LINE, later, {"globex": 1}, lambda found: found[0].id == "f2")
    assert found.run is not None
    assert [one.id for one in found.tracked] == ["f2"]
    assert "was renamed" in found.warnings[0]
    no = run_before(history, LINE, later, {"globex": 1}, lambda _: False)
    assert (no.run, no.is_certain) == (None, True)
    assert "other organizations (acme)" in no.warnings[0]
    (place / history.names()[-1] / folders.TRACKED).write_bytes(b"")
    damaged = run_before(history, LINE, later, {"globex": 1}, lambda _: True)
    assert (damaged.run, damaged.is_certain) == (None, False)


def test_what_was_not_looked_for_to_the_end_is_not_certain(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_MOST_TRIED", 2)
    found = run_before(History(place), LINE, DAY + timedelta(days=9), {"globex": 1})
    assert (found.run, found.is_certain) == (None, False)
    assert "2 of 3 earlier runs were looked at" in found.warnings[-1]
    assert run_before(History(place), LINE, DAY + timedelta(days=1), {"globex": 1}).is_certain


def test_of_one_second_the_one_that_began_last_is_carried_on(tmp_path: Path) -> None:
    for number, minutes in ((1, 5), (2, 9), (3, 7)):
        made = manifest(number)
        times = type(made.run)(made.run.id, DAY, DAY + timedelta(minutes=minutes), DAY)
        stored(tmp_path, manifest(number, run=times))
    found = run_before(History(tmp_path), LINE, DAY, SEEN)
    assert found.run is not None
    assert found.run.manifest.run.id == manifest(2).run.id


def test_damage_is_passed_over_and_not_forgotten(place: Path) -> None:
    history, later = History(place), DAY + timedelta(days=9)
    for name in history.names():
        (place / name / folders.TRACKED).write_bytes(b"")
    found = run_before(history, LINE, later, SEEN)
    assert (found.run, found.is_certain, len(found.warnings)) == (None, False, 3)


def test_nothing_is_ever_written_over(tmp_path: Path) -> None:
    made = manifest()
    run = stored(tmp_path, made)
    before = (run / "manifest.json").read_bytes()
    with pytest.raises(OSError, match=r"not empty|exists"):
        stored(tmp_path, made, [tracked()])
    assert (run / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("there", [".git", ".gitkeep"])
def test_a_history_may_begin_in_a_repository(tmp_path: Path, there: str) -> None:
    (tmp_path / there).mkdir()
    Staging(tmp_path).discard()
    assert History(tmp_path).names() == []


def test_a_folder_that_is_not_empty_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(DamageError, match="is no history"):
        Staging(tmp_path)


def test_pruning_leaves_the_last_of_each_line_and_the_chain(place: Path) -> None:
    stored(place, manifest(9, DAY, line="ffffffff"))
    history, far = History(place), DAY + timedelta(days=99)
    would = prune(history, far, inventory_only=False, dry_run=True)
    assert all((place / name / folders.TRACKED).exists() for name in history.names())
    done = prune(history, far, inventory_only=False)
    assert would.runs == done.runs
    assert would.bytes == done.bytes > 0
    assert [name[:8] for name in done.runs] == ["20260601", "20260602"]
    found = verify(history)
    assert (found.runs, found.damage) == (4, ())
    assert prune(history, far, inventory_only=False).runs == ()
    with pytest.raises(DamageError, match="was pruned"):
        history.run(done.runs[0]).tracked()


def test_pruning_leaves_what_the_next_run_of_each_organization_carries_on(place: Path) -> None:
    """Scans that name no organization are of one line, whichever they saw."""
    history, far = History(place), DAY + timedelta(days=99)
    looked = msgspec.structs.replace(manifest().looked, organizations={"globex": 1})
    for number in (7, 8):
        when = DAY + timedelta(days=number)
        stored(place, manifest(number, when, looked=looked), [tracked(f"g{number}")])
    done = prune(history, far, inventory_only=False)
    assert [name[:8] for name in done.runs] == ["20260601", "20260602", "20260608"]
    assert verify(history).damage == ()
    for organization, known in (("acme", "f2"), ("globex", "g8")):
        found = run_before(history, LINE, far, {organization: 1})
        assert ([one.id for one in found.tracked], found.is_certain) == ([known], True)
    (place / history.names()[2] / folders.PRUNED).write_text(f'{{"at":"{DAY.isoformat()}"}}')
    assert [one.code for one in verify(history).damage] == ["removed"]


def test_a_mark_of_pruning_covers_what_it_says_alone(place: Path) -> None:
    """Another part that is gone shows, and so do marks that nothing here writes."""
    history = History(place)
    first, _, last = (place / name for name in history.names())
    mark, tracks = first / folders.PRUNED, first / folders.TRACKED
    at = '"at": "2026-06-09T00:00:00Z"'
    tracks.unlink()
    told = {}
    for text in ("", "{}", "[]", '{"x": 1}', f'{{{at}, "evidence": true}}'):
        mark.write_text(text)
        told[text] = [error.code for error in verify(history).damage]
    assert set(map(tuple, told.values())) == {("edited", "missing")}
    mark.write_text(f'{{{at}, "inventory_only": true}}')
    assert [error.code for error in verify(history).damage] == ["missing"]
    # What was pruned whole, or was about to be, is not taken for less afterwards.
    mark.write_text(f'{{{at}, "inventory_only": false}}')
    assert verify(history).damage == ()
    assert prune(history, DAY + timedelta(days=9), inventory_only=True).runs == ()
    assert verify(history).damage == ()
    # The latest run is never pruned: whoever says so took later ones away, or its parts.
    (last / folders.PRUNED).write_text(mark.read_text())
    (found,) = verify(history).damage
    assert (found.code, found.where) == ("removed", str(last))
    assert "later ones are gone" in found.message


def test_what_a_killed_process_left_is_cleared_when_it_is_old(place: Path) -> None:
    fresh, old = Staging(place), Staging(place)
    os.utime(old.folder, (0, 0))
    assert len(verify(History(place)).remarks) == 2
    assert prune(History(place), DAY, inventory_only=True).leftovers == 1
    assert fresh.folder.is_dir()
    assert not old.folder.exists()


def test_a_line_is_of_what_was_asked_for() -> None:
    def line(scope: Scope, *reaches: Reach, server: str = "s") -> str:
        return line_of(scope, reaches, [server])

    table = frozenset({"sentry_key"})
    whole, acme = Reach(table, Scope()), Reach(table, Scope(("acme",)))
    assert line(Scope(), acme) == line(Scope(("acme",)), acme) == line(Scope(("acme",)), whole)
    lines = {
        line(Scope(), whole),
        line(Scope(), acme),
        line(Scope((), ("web",)), whole),
        line(Scope(), Reach(table, Scope(), ("status",))),
        line(Scope(), whole, server="other"),
    }
    assert len(lines) == 5


def test_strangers_have_no_organization_in_common() -> None:
    assert is_stranger(["a"], ["b"])
    assert not is_stranger(["a", "b"], ["b", "c"])
    assert not is_stranger([], ["b"])


def test_times_are_stamped_in_utc() -> None:
    assert stamp(DAY) == "20260601T000000Z"


def test_a_link_out_of_the_run_is_neither_read_nor_pruned(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "past"
    outside.mkdir()
    (outside / "p.yaml").write_bytes(b"mine")
    parts: Any = {"policies/p.yaml": b"mine"}
    run = stored(folder, manifest(), **parts)
    stored(folder, manifest(2, DAY + timedelta(days=1)))
    (run / "policies" / "p.yaml").unlink()
    (run / "policies").rmdir()
    (run / "policies").symlink_to(outside)
    assert [one.code for one in verify(History(folder)).damage] == ["missing"]
    with pytest.raises(UsageError, match="leads out of the folder"):
        prune(History(folder), DAY + timedelta(days=9), inventory_only=False)
    assert (outside / "p.yaml").exists()


@pytest.mark.parametrize("size", [1, 7, 400, 1 << 20])
def test_findings_are_read_a_piece_at_a_time(
    place: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = manifest(9, DAY + timedelta(days=9))
    known = [tracked(f"f{number}") for number in range(5)]
    run = History(place).run(stored(place, made, known).name)
    monkeypatch.setattr(folders, "_PIECE", size)
    assert list(run.tracked()) == known
    assert max(map(len, run.pieces(folders.TRACKED))) <= size
    monkeypatch.setattr(folders, "_MOST", len(run.unpacked(folders.TRACKED)) - 1)
    with pytest.raises(DamageError, match="unpacks to more than"):
        run.tracked()


def test_one_run_is_read_however_many_there_are(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path, limit: int) -> bytes:
        read.append(path)
        return read_regular(path, limit)

    monkeypatch.setattr(folders, "read_regular", counted)
    found = run_before(History(place), LINE, DAY + timedelta(days=9), SEEN)
    assert found.run is not None
    assert found.run.manifest.run.as_of.day == 3
    runs = [path for path in read if path.name != MARKER]
    assert [path.name for path in runs] == [MANIFEST, folders.TRACKED]
