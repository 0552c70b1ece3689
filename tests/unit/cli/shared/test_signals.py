"""The signals that end a command: they are Ctrl-C within it, and what they were around it."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from scanner.cli.shared import signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


@pytest.fixture(autouse=True)
def before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(signals, "_heard", [])
    handler = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, handler)


def test_it_interrupts_and_the_second_ends_at_once() -> None:
    with signals.as_interrupts():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_whoever_hears_ctrl_c_hears_it() -> None:
    heard: list[int] = []
    own = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with signals.as_interrupts():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, own)
    assert heard == [signal.SIGINT]


def test_one_that_is_ignored_or_has_a_handler_is_left_alone() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with signals.as_interrupts():
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_another_thread_hears_none() -> None:
    found: list[object] = []

    def run() -> None:
        with signals.as_interrupts():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]
