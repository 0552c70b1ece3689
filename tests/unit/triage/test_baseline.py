from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model.errors import PolicyError
from scanner.model.finding import KnownFinding
from scanner.model.outcome import Outcome
from scanner.model.severity import Severity
from scanner.triage.baseline import read_baseline, render

# What JSON cannot carry between programs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TIMES = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))
KNOWN = st.builds(
    KnownFinding,
    rule=TEXT,
    severity=st.sampled_from(Severity),
    outcome=st.sampled_from([Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR]),
    type=st.just("sentry_key"),
    organization=st.none() | TEXT,
    project=st.none() | TEXT,
    id=TEXT,
    name=st.none() | TEXT,
    fingerprint=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    first_seen=TIMES,
)


@given(known=st.lists(KNOWN, unique_by=lambda one: one.fingerprint))
def test_what_is_written_is_read_back(
    known: list[KnownFinding], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("baseline") / "b.jsonl"
    text = b"".join(render(known))
    path.write_bytes(text)
    assert read_baseline(path) == {one.fingerprint: one for one in known}
    assert text.count(b"\n") == len(known) + 1
    assert text.decode().replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "raw", [b"\xff", b"\x00", b'{"format": "other", "version": 1}\n', b"rule: x\n"]
)
def test_a_file_that_is_no_baseline(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(raw)
    with pytest.raises(PolicyError, match=r"b\.jsonl"):
        read_baseline(path)


def test_all_bad_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"".join(render([])) + b"{}\n\n[]\n>>>>>>> theirs\n")
    with pytest.raises(PolicyError) as refusal:
        read_baseline(path)
    assert [problem.location.line for problem in refusal.value.problems] == [2, 4, 5]
