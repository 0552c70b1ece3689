"""Findings that the next run takes over: lines that say no more than they must, and all of it."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.history.carry import LineReader, write_lines
from scanner.model.history import Fate, TrackedFinding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.policy.language.values import MAX_DURATION
from scanner.triage.fingerprint import fingerprint
from tests.unit.history.factory import DAY, tracked

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
LATEST = DAY + timedelta(seconds=10**9)
MOMENTS = st.integers(0, 10**9).map(lambda seconds: DAY + timedelta(seconds=seconds))


@st.composite
def findings(draw: st.DrawFn) -> TrackedFinding:
    rule, key = draw(TEXTS), draw(TEXTS)
    organization, slug, number = (draw(st.none() | TEXTS) for _ in range(3))
    named = fingerprint(rule, organization, number or slug, key)
    return tracked(
        rule=rule,
        severity=draw(st.sampled_from(Severity)),
        outcome=draw(st.sampled_from(Outcome)),
        organization=organization,
        project=slug,
        project_id=number,
        id=key,
        name=draw(TEXTS),
        fingerprint=draw(st.sampled_from([named, "another"])),
        first_seen=draw(MOMENTS),
        fate=draw(st.sampled_from(Fate)),
        opened=draw(MOMENTS),
        last_seen=draw(MOMENTS),
        disposition=draw(st.sampled_from(Disposition)),
        waiver=draw(st.none() | TEXTS),
        owner=draw(st.none() | TEXTS),
        fixed_at=draw(st.none() | MOMENTS),
        reopened=draw(st.integers(0, 9)),
        is_removed=draw(st.booleans()),
        due=draw(st.none() | MOMENTS),
    )


@settings(max_examples=50)
@given(st.lists(findings(), max_size=5, unique_by=lambda one: (one.type, one.id, one.rule)))
def test_what_is_written_is_read(known: list[TrackedFinding]) -> None:
    lines = list(write_lines(known))
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    read = list(LineReader(LATEST).read(b"".join(lines)))
    assert sorted(read, key=repr) == sorted(known, key=repr)
    assert list(write_lines(known[::-1])) == lines


def test_a_fingerprint_that_follows_from_the_rest_is_not_written() -> None:
    named = fingerprint("r1", "acme", "web", "k1")
    (usual,) = write_lines([tracked("k1", fingerprint=named)])
    assert b"fingerprint" not in usual
    assert b"owner" not in usual
    (other,) = write_lines([tracked("k1", fingerprint="f1")])
    assert b'"fingerprint":"f1"' in other


def test_no_time_is_longer_than_can_be_allowed() -> None:
    for is_sound, due in ((True, MAX_DURATION), (False, MAX_DURATION + timedelta(seconds=1))):
        (line,) = write_lines([tracked(due=LATEST + due)])
        with contextlib.nullcontext() if is_sound else pytest.raises(ValueError, match="due is"):
            assert list(LineReader(LATEST).read(line))


def test_what_findings_have_in_common_is_in_memory_once() -> None:
    reader = LineReader(LATEST)
    first, second = (
        one
        for key in ("k1", "k2")
        for line in write_lines([tracked(key, owner="a team")])
        for one in reader.read(line)
    )
    assert first.owner is second.owner
    assert first.rule is second.rule
