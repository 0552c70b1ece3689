"""The signals by which the system ends a command: it ends as with Ctrl-C, so that nothing stays."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDING: Final = ("SIGTERM", "SIGHUP")
_heard: list[int] = []


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP be Ctrl-C within the block; one that is ignored stays so."""
    before: dict[int, signal.Handlers] = {}
    try:
        for number in (getattr(signal, name, None) for name in _ENDING):
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _interrupt)
                before[number] = signal.SIG_DFL
    except ValueError:  # not the main thread, which alone hears signals
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_as_told() -> None:
    """End by the signal that was heard, if one was: whoever sent it is told that it was that."""
    for number in _heard:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # who cannot wait says it twice
    _heard.append(number)
    handler = signal.getsignal(signal.SIGINT)
    # Whoever runs a loop or a Java has a way of its own to stop it, and told Python which.
    if callable(handler):
        handler(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt
