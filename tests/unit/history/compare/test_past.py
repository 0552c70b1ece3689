"""The runs that a report tells of: how many are read, and which."""

from datetime import timedelta
from pathlib import Path

import pytest

from scanner.history.choose import run_before
from scanner.history.compare.past import past, spread
from scanner.history.folder import History, StoredRun
from scanner.history.line import is_stranger
from scanner.model.history import MANIFEST, GroupTally
from scanner.model.outcome import Severity
from tests.unit.history.factory import DAY, LINE, manifest, stored

SEEN = {"acme": 1}


def history(folder: Path, days: int) -> History:
    for number in range(days):
        stored(folder, manifest(number + 1, DAY + timedelta(days=number)))
    return History(folder)


def told(kept: History, most: int, day: int = 400) -> list[int]:
    as_of = DAY + timedelta(days=day)
    points = past(kept, run_before(kept, LINE, as_of, SEEN), as_of, most)
    return [(point.as_of - DAY).days for point in points]


def test_all_runs_of_the_line_oldest_first(tmp_path: Path) -> None:
    kept = history(tmp_path / "past", 4)
    stored(kept.folder, manifest(90, DAY + timedelta(days=2), line="ffffffff"))
    assert told(kept, 60) == [0, 1, 2, 3]
    assert told(kept, 60, day=2) == [0, 1, 2]
    assert told(kept, 0) == []
    assert told(kept, 1) == [3]


def test_of_many_some_are_read_evenly_over_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = history(tmp_path / "past", 40)
    before = run_before(kept, LINE, DAY + timedelta(days=99), SEEN)
    read: list[str] = []
    real = History.run

    def counted(self: History, name: str) -> StoredRun:
        read.append(name)
        return real(self, name)

    monkeypatch.setattr(History, "run", counted)
    points = past(kept, before, DAY + timedelta(days=99), 5)
    assert len(read) == 4
    assert [(point.as_of - DAY).days for point in points] == [9, 18, 28, 38, 39]


def test_damage_and_strangers_are_left_out(tmp_path: Path) -> None:
    kept = history(tmp_path / "past", 4)
    (kept.folder / kept.names()[1] / MANIFEST).write_bytes(b"{}")
    assert told(kept, 60) == [0, 2, 3]
    assert is_stranger({"acme": 1}, {"globex": 1})
    before = run_before(kept, LINE, DAY + timedelta(days=9), {"globex": 1})
    assert past(kept, before, DAY + timedelta(days=9), 60) == ()


def test_of_runs_of_one_time_the_last_counts(tmp_path: Path) -> None:
    kept = history(tmp_path / "past", 2)
    stored(kept.folder, manifest(7, DAY + timedelta(days=1)))
    assert told(kept, 60) == [0, 1]


def test_a_point_tells_of_controls(tmp_path: Path) -> None:
    kept = history(tmp_path / "past", 1)
    as_of = DAY + timedelta(days=1)
    (point,) = past(kept, run_before(kept, LINE, as_of, SEEN), as_of, 9)
    assert point.controls == {"cis": {"1": GroupTally(9, 1), "2": GroupTally(9, 1)}}
    assert point.open == {Severity.HIGH: 1}


def test_names_are_chosen_by_time_not_by_number() -> None:
    dense = [f"202601{day:02}T000000Z-{LINE}-{day:012x}" for day in range(1, 21)]
    names = [*dense, f"20261231T000000Z-{LINE}-{99:012x}"]
    assert spread(names, 2) == [dense[-1], names[-1]]
    assert spread(names, 21) == names
    assert spread(names, 0) == []
    assert spread(dense[:1] * 3, 2) == dense[:1]


def test_a_name_without_a_time_is_no_reason_to_fail() -> None:
    names = [f"2026{month:02}01T000000Z-{LINE}-{month:012x}" for month in range(1, 30)]
    assert spread(names, 5)[-1] == names[11]
    assert len(spread(names, 5)) == 5
    assert spread(names[12:], 5) == []
