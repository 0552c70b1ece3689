"""The journal of a fetch: what is in it is right, or it is not used."""

from __future__ import annotations

import json
import os
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.inventory.journal import FORMAT, LONGEST_AGE, Journal

if TYPE_CHECKING:
    from pathlib import Path

PURPOSE = {"server": "https://sentry.io", "organizations": ["acme"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "i.jsonl.journal"


def write(path: Path, **answers: object) -> None:
    with Journal(path, PURPOSE) as journal:
        for asked, answer in answers.items():
            journal.note(asked, answer)


def test_what_was_noted_is_recalled(path: Path) -> None:
    write(path, one=[1, 2], two={"a": "b"})
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", list) == [1, 2]
        assert journal.recall("two", dict) == {"a": "b"}
        assert journal.recall("three", list) is None
        assert (journal.is_resumed, journal.recalled) == (True, 2)
        journal.note("three", [3])
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("three", list) == [3]


def test_a_resumed_journal_keeps_the_time_of_the_first(path: Path) -> None:
    with Journal(path, PURPOSE) as first:
        started = first.started_at
    with Journal(path, PURPOSE) as second:
        assert second.started_at == started


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_line_that_was_cut_off_is_dropped(path: Path, cut: int) -> None:
    write(path, one=[1], two=[2])
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", list) == [1]
        assert journal.recall("two", list) is None
        journal.note("two", [22])
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("two", list) == [22]


def test_a_damaged_line_ends_what_is_believed(path: Path) -> None:
    write(path, one=[1], two=[2], three=[3])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + b"{not json\n" + lines[3])
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", list) == [1]
        assert journal.recall("three", list) is None


def test_a_huge_file_under_the_name_of_the_journal_is_not_read_whole(path: Path) -> None:
    write(path, one=[1])
    os.truncate(path, 1 << 30)
    tracemalloc.start()
    with Journal(path, PURPOSE) as journal:
        recalled = journal.recall("one", list)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recalled == [1]
    assert peak < 1 << 29
    assert path.stat().st_size < 1000


@pytest.mark.parametrize("other", [{**PURPOSE, "server": "https://other"}, {}, None])
def test_the_journal_of_another_fetch_is_not_used(path: Path, other: object) -> None:
    write(path, one=[1])
    with Journal(path, other) as journal:
        assert journal.recall("one", list) is None
        assert not journal.is_resumed


@pytest.mark.parametrize("hours", [LONGEST_AGE / timedelta(hours=1) + 1, -1])
def test_an_old_journal_is_not_used(path: Path, hours: float) -> None:
    write(path, one=[1])
    lines = path.read_text().splitlines(keepends=True)
    heading = json.loads(lines[0])
    heading["started_at"] = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    path.write_text(json.dumps(heading) + "\n" + "".join(lines[1:]))
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", list) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"[]\n", b'{"journal": 1}\n', b"\x00"])
def test_what_is_no_journal_is_written_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    write(path, one=[1])
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", list) == [1]


def test_nobody_else_may_read_it(path: Path) -> None:
    write(path, one=[1])
    assert path.stat().st_mode & 0o077 == 0


def test_a_journal_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="journal"):
        Journal(tmp_path / "file" / "x.journal", PURPOSE)


def test_without_a_path_nothing_is_kept() -> None:
    with Journal(None, PURPOSE) as journal:
        journal.note("one", [1])
        assert journal.recall("one", list) is None
        assert not journal.is_kept


def test_a_journal_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl.journal"
    with Journal(path, "first") as first:
        first.note("q", 1)
        before = path.read_bytes()
        with Journal(path, "second") as second:
            assert not second.is_kept
            second.note("q", 2)
            assert second.recall("q", int) is None
        assert path.read_bytes() == before
    with Journal(path, "first") as again:
        assert again.recall("q", int) == 1


@pytest.mark.parametrize("heading", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_journal_with_an_odd_time_is_not_used(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "i.jsonl.journal"
    path.write_text(
        f'{{"journal":{FORMAT},"tool":"{__version__}","started_at":"{heading}","purpose":null}}\n'
        '{"asked":"q","answer":1}\n'
    )
    with Journal(path) as journal:
        assert journal.recall("q", int) is None


def test_a_journal_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl.journal"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="not a regular file"):
        Journal(path)


@pytest.mark.parametrize("answer", [5, None, [5], {"a": {}}, "x"])
def test_an_answer_of_another_form_is_asked_for_again(path: Path, answer: object) -> None:
    write(path, one=answer)
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", dict[str, int]) is None
        assert not journal.is_resumed
        journal.note("one", {"a": 1})
    with Journal(path, PURPOSE) as journal:
        assert journal.recall("one", dict[str, int]) == {"a": 1}
