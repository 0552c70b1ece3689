import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import PolicyError
from scanner.model.finding import KnownFinding
from scanner.model.outcome import Outcome, Severity
from scanner.triage.baseline import read_baseline, render
from scanner.triage.fingerprint import fingerprint

# What JSON cannot carry between programs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TIMES = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))


@st.composite
def known_findings(draw: st.DrawFn) -> KnownFinding:
    """Draw a finding as a scan makes them: its fingerprint is that of the rest."""
    rule, key = draw(TEXT), draw(TEXT)
    organization, project = draw(st.none() | TEXT), draw(st.none() | TEXT)
    project_id = draw(st.none() | TEXT)
    return KnownFinding(
        rule=rule,
        severity=draw(st.sampled_from(Severity)),
        outcome=draw(st.sampled_from([Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR])),
        type="sentry_key",
        organization=organization,
        project=project,
        project_id=project_id,
        id=key,
        name=draw(st.none() | TEXT),
        fingerprint=fingerprint(rule, organization, project_id or project, key),
        first_seen=draw(TIMES),
    )


@given(known=st.lists(known_findings(), unique_by=lambda one: one.fingerprint))
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


SOUND = KnownFinding(
    rule="key-max-age",
    severity=Severity.HIGH,
    outcome=Outcome.FAIL,
    type="sentry_key",
    organization="acme",
    project="web",
    project_id="7",
    id="k1",
    name="legacy",
    fingerprint=fingerprint("key-max-age", "acme", "7", "k1"),
    first_seen=datetime(2026, 3, 1, tzinfo=UTC),
)
EDITS: dict[str, list[object]] = {
    "rule": ["key-rate-limit"],
    "organization": ["globex", None],
    "project": ["app", None],
    "project_id": ["8", None, "web"],
    "name": ["other", None, "legacy "],
    "severity": ["critical", "low"],
    "outcome": ["error", "unknown"],
    "type": ["sentry_project"],
    "id": ["k2"],
    "first_seen": ["2026-03-02T00:00:00Z"],
    "fingerprint": ["0" * 32, fingerprint("key-rate-limit", "acme", "7", "k1")],
    "seal": ["0" * 16, ""],
}


def written(*lines: dict[str, object]) -> str:
    header = b"".join(render([])).decode()
    return header + "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize("field", EDITS)
def test_no_field_of_a_line_is_said_twice(tmp_path: Path, field: str) -> None:
    """The last one counted, whatever a reviewer reads before it."""
    path = tmp_path / "b.jsonl"
    sound = msgspec.structs.replace(SOUND, name='"a": "b":')
    line = json.loads(b"".join(render([sound])).splitlines()[1])
    path.write_text(written(line), "utf-8")
    assert read_baseline(path) == {sound.fingerprint: sound}
    value = json.dumps(line[field])
    for before in (f'{{"{field}": {value}, ', f'{{"{field}"\t: {value}, '):
        path.write_text(written(line).replace('{"rule"', f'{before}"rule"'), "utf-8")
        with pytest.raises(PolicyError, match=rf"b\.jsonl:2:1: the member `{field}` comes twice"):
            read_baseline(path)


def test_a_baseline_that_is_not_there_is_not_to_be_removed(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refusal:
        read_baseline(tmp_path / "none.jsonl")
    hint = refusal.value.problems[0].hint
    assert "Check the path" in hint
    assert "baseline write" in hint


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in EDITS.items() for value in values]
)
def test_no_field_of_a_line_can_be_edited(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "b.jsonl"
    line = json.loads(b"".join(render([SOUND])).splitlines()[1])
    assert line.keys() == EDITS.keys()
    path.write_text(written(line), "utf-8")
    assert read_baseline(path) == {SOUND.fingerprint: SOUND}
    path.write_text(written({**line, field: value}), "utf-8")
    with pytest.raises(PolicyError, match=r"b\.jsonl:2:1: .*(fingerprint|edited).*") as refusal:
        read_baseline(path)
    assert "baseline write" in refusal.value.problems[0].hint
    del line[field]
    path.write_text(written(line), "utf-8")
    with pytest.raises(PolicyError, match=r"b\.jsonl:2:1: "):
        read_baseline(path)


def test_an_earlier_format_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text('{"format": "keypolicy-baseline", "version": 1}\n', "utf-8")
    with pytest.raises(PolicyError, match=r"b\.jsonl:1:1: .*version 1; this release reads 2"):
        read_baseline(path)
