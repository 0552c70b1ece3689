"""Who is told when, and that nothing which goes wrong is more than a warning."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.base.errors import DeliveryError
from scanner.model.run import GateResult, Run, Verdict
from scanner.model.token import Token
from scanner.notify import slack, tell
from scanner.notify.digest import ScanChanges
from scanner.notify.interface import Channel
from scanner.notify.since import Known, changes_since
from tests.unit.notify.factory import LINK, channel
from tests.unit.report.factory import clean_run, golden_run

SAME = ScanChanges(against="the run", was=GateResult.PASSED)
SECRET = "https://hooks.example.com/t0ken"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    messages: list[bytes] = []
    monkeypatch.setattr(slack, "send", lambda message, _: messages.append(message))
    return messages


def run_with(code: int) -> Run:
    results = {0: GateResult.PASSED, 1: GateResult.FAILED, 3: GateResult.INCOMPLETE}
    verdict = Verdict(results[code], code, ("because",))
    return msgspec.structs.replace(clean_run(), verdict=verdict)


def changed(**more: Any) -> ScanChanges:
    return msgspec.structs.replace(SAME, **more)


@pytest.mark.parametrize(
    ("when", "changes", "code", "is_told"),
    [
        ("change", None, 0, True),  # nothing to compare with
        ("change", SAME, 0, False),
        ("change", changed(was=GateResult.FAILED), 0, True),
        ("change", SAME, 1, True),
        ("change", changed(was=GateResult.FAILED), 1, False),
        ("change", changed(was=GateResult.INCOMPLETE), 3, False),
        ("change", changed(was=GateResult.INCOMPLETE), 1, True),
        *(
            ("change", changed(**{name: 1}), 0, True)
            for name in (
                *("new", "reopened", "fixed", "overdue", "demanded", "released"),
                *("uncovered", "lapsed", "worse"),
            )
        ),
        ("change", changed(is_seen_otherwise=True), 0, True),
        ("change", changed(was=None), 1, False),  # a baseline, and nothing beside it
        ("always", SAME, 0, True),
        ("failure", SAME, 0, False),
        ("failure", None, 0, False),
        ("failure", changed(new=9), 0, False),
        ("failure", SAME, 1, True),
        ("failure", SAME, 3, True),
    ],
)
def test_when(
    when: str,
    changes: ScanChanges | None,
    code: int,
    is_told: bool,  # noqa: FBT001
    sent: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tell, "changes_since", lambda *_: changes)
    assert tell.tell(run_with(code), [channel("slack", when=when)], Known()) == []
    assert len(sent) == is_told


def test_each_channel_has_its_own_link(sent: list[bytes]) -> None:
    other = "https://site.example.com/"
    both = [channel("slack", link=LINK), channel("slack", link=other)]
    run = golden_run()
    tell.tell(run, both, Known())
    first, second = sorted(sent, key=lambda one: other.encode() in one)
    assert LINK.replace("{run}", run.info.id).encode() in first
    assert other.encode() in second


def failing(error: Exception) -> Callable[[bytes, Channel], None]:
    def send(*_: object) -> None:
        raise error

    return send


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DeliveryError("it answered HTTP 500", where="hooks.example.com"), "HTTP 500"),
        (DeliveryError(f"no way to {SECRET}\nreally"), "no way to [redacted]\\x0areally"),
        (ZeroDivisionError(SECRET), "internal error: ZeroDivisionError"),
        (RecursionError(SECRET), "internal error: RecursionError"),
    ],
)
def test_what_fails_is_a_warning(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "send", failing(error))
    (warning,) = tell.tell(golden_run(), [channel("slack")], Known())
    assert warning.startswith("notify: slack (keypolicy.yaml:2:5) was not told: ")
    assert told in warning
    assert "t0ken" not in warning


def test_a_fault_before_anything_is_sent_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tell, "changes_since", failing(KeyError(SECRET)))
    (warning,) = tell.tell(golden_run(), [channel("slack")], Known())
    assert warning == "notify: nobody was told: internal error: KeyError"


def test_ctrl_c_meanwhile_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tell, "changes_since", failing(RuntimeError("Query interrupted")))
    with pytest.raises(KeyboardInterrupt):
        tell.tell(golden_run(), [channel("slack")], Known())


def test_one_that_fails_keeps_no_other_back(sent: list[bytes]) -> None:
    broken = msgspec.structs.replace(channel("slack"), problem="SLACK_URL is not set")
    told = tell.tell(golden_run(), [broken, channel("slack"), broken], Known())
    assert len(sent) == 1
    assert told == ["notify: slack (keypolicy.yaml:2:5) was not told: SLACK_URL is not set"] * 2


def test_what_is_not_set_up_is_told_though_there_is_nothing_to_tell(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell, "changes_since", lambda *_: SAME)
    broken = msgspec.structs.replace(channel("slack"), problem="SLACK_URL is not set")
    assert len(tell.tell(run_with(0), [broken], Known())) == 1
    assert sent == []


def test_what_takes_too_long_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    ever = threading.Event()
    monkeypatch.setattr(slack, "send", lambda *_: ever.wait(60))
    try:
        messages = [tell.Letter(channel("slack"), b"")] * 2
        told = tell.deliver(messages, seconds=0.05)
    finally:
        ever.set()
    assert [one.partition("told: ")[2] for one in told] == [
        "it took too long, and is left behind"
    ] * 2


def test_a_server_is_told_by_its_name_though_a_variable_named_it() -> None:
    secrets = {"host": Token("smtp.example.com"), "password": Token("smtp.example.pw")}
    one = msgspec.structs.replace(
        channel("email"), secrets=secrets, problem="smtp.example.com takes no smtp.example.pw"
    )
    (told,) = tell.deliver([tell.Letter(one, b"")])
    assert told.endswith("smtp.example.com takes no [redacted]")


def test_what_cannot_be_compared_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    for known in (
        Known(),
        Known(history=tmp_path / "none"),
        Known(earlier=(tmp_path / "no.json",)),
    ):
        assert changes_since(golden_run(), known) is None
