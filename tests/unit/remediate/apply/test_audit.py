"""A log is added to whole or not at all, and whatever was altered in it shows."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import UsageError
from scanner.remediate.apply.audit import FORMAT, ActionFate, AuditEntry, AuditLog, read_audit
from scanner.remediate.document import KeyTarget, canonical
from tests.unit.remediate.apply.applying import WHO

if TYPE_CHECKING:
    from pathlib import Path

ALTERED = r"altered|no line of an audit log"
TARGET = KeyTarget(type="sentry_key", organization="acme", project="web", id="7", name="k")


def entry(number: int = 1, **facts: object) -> AuditEntry:
    known = {
        "format": FORMAT,
        "at": datetime(2026, 11, 26, tzinfo=UTC),
        "who": WHO,
        "plan": "ab" * 32,
        "server": "https://sentry.example",
        "action_id": f"{number:012}",
        "action": "rename",
        "target": TARGET,
        "result": ActionFate.APPLIED,
        "before": {"name": "k"},
        "changes": {"name": "new"},
        "after": {"name": "new"},
    }
    return AuditEntry(**(known | facts))  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    with AuditLog(path) as opened:
        for number in range(5):
            opened.append(entry(number))
    return path


def test_what_is_added_comes_back(log: Path) -> None:
    entries = read_audit(log)
    assert [one.action_id for one in entries] == [f"{n:012}" for n in range(5)]
    assert [one.previous for one in entries[1:]] == [one.digest for one in entries[:-1]]
    with AuditLog(log) as opened:
        opened.append(entry(9))
        assert [one.action_id for one in opened.of("ab" * 32, f"{9:012}")] == [f"{9:012}"]
    assert len(read_audit(log)) == 6
    if os.name == "posix":
        assert log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "alter",
    [
        lambda lines: lines[:2] + lines[3:],
        lambda lines: lines[1:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0], *lines],
        lambda lines: [lines[0].replace(b'"new"', b'"old"'), *lines[1:]],
        lambda lines: [lines[0].replace(b"acme", b"evil"), *lines[1:]],
        lambda lines: [lines[0].replace(b"{", b"{ ", 1), *lines[1:]],
        lambda lines: [lines[0].replace(b"{", b'{"reason":"x",', 1), *lines[1:]],
        lambda lines: [*lines[:4], b"{}\n"],
        lambda lines: [*lines[:4], b"[" * 100_000 + b"\n"],
        lambda lines: [*lines, b"\xff\n"],
        lambda lines: [*lines, b"\n"],
    ],
)
def test_whatever_was_altered_is_seen(log: Path, alter: object) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(alter(lines)))  # type: ignore[operator]
    before = log.read_bytes()
    with pytest.raises(UsageError, match=ALTERED):
        read_audit(log)
    with pytest.raises(UsageError, match=ALTERED):
        AuditLog(log)
    assert log.read_bytes() == before


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_no_other_byte_stands(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    path = tmp_path_factory.mktemp("audit") / "a.jsonl"
    with AuditLog(path) as opened:
        opened.append(entry(1))
        opened.append(entry(2))
    raw = bytearray(path.read_bytes())
    at %= len(raw)
    if raw[at] == byte or at == len(raw) - 1:  # without its end the last line does not count
        return
    raw[at] = byte
    path.write_bytes(raw)
    with pytest.raises(UsageError):
        read_audit(path)


def test_a_line_that_was_cut_off_is_written_over(log: Path) -> None:
    raw = log.read_bytes()
    log.write_bytes(raw[:-1])
    assert len(read_audit(log)) == 4
    with AuditLog(log) as opened:
        opened.append(entry(4))
    assert log.read_bytes() == raw


@pytest.mark.parametrize("torn", [b"{", b'{"action":"dis', b'{"act\0\0\0', b"\0\0"])
def test_the_beginning_of_a_line_is_cut_off(log: Path, torn: bytes) -> None:
    raw = log.read_bytes()
    log.write_bytes(raw + torn)
    with AuditLog(log) as opened:
        assert len(opened.entries) == 5
    assert log.read_bytes() == raw


@pytest.mark.parametrize("before", [0, 5])
@pytest.mark.parametrize(
    "other", [b"precious", b'{"kind": "keypolicy-plan"}', b" ", b'{"action": "']
)
def test_a_file_that_is_no_log_stays_as_it_is(log: Path, before: int, other: bytes) -> None:
    """Also one whose only line has no end."""
    content = b"".join(log.read_bytes().splitlines(keepends=True)[:before]) + other
    log.write_bytes(content)
    with pytest.raises(UsageError, match="is no line of an audit log"):
        AuditLog(log)
    with pytest.raises(UsageError, match="is no line of an audit log"):
        read_audit(log)
    assert log.read_bytes() == content


@pytest.mark.parametrize("filled", [b"\0", b'{"action":"disable', b"\n"])
def test_a_huge_file_that_is_no_log_is_not_read_whole(log: Path, filled: bytes) -> None:
    log.write_bytes(filled)
    os.truncate(log, 1 << 30)
    for use in (AuditLog, read_audit):
        with pytest.raises(UsageError, match="is no line of an audit log"):
            use(log)
    assert log.stat().st_size == 1 << 30


def test_only_one_may_add(log: Path) -> None:
    with AuditLog(log), pytest.raises(UsageError, match="is in use"):
        AuditLog(log)


def test_it_is_announced_on_the_disk_before_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    path = tmp_path / "a.jsonl"
    with AuditLog(path) as opened:
        monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
        opened.append(entry())
    assert synced == [path.stat().st_size]


def test_a_full_disk_is_told(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with AuditLog(log) as opened:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match="cannot be written: No space left") as error:
            opened.append(entry(6))
    assert "goes on where this one stopped" in error.value.remedy


def test_lines_are_canonical_json(log: Path) -> None:
    for line in log.read_bytes().splitlines():
        content = json.loads(line)
        assert canonical(content) == line
        assert list(content) == sorted(content)


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.symlink_to("/dev/null")])
def test_what_is_no_file(tmp_path: Path, make: object) -> None:
    path = tmp_path / "a.jsonl"
    make(path)  # type: ignore[operator]
    with pytest.raises(UsageError) as error:
        AuditLog(path)
    assert error.value.where == str(path)
