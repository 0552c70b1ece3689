"""A history: a folder of sealed runs, each of which is the evidence of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.history.keeper import HistoryRequest, Keeper


@contextmanager
def keeping(request: "HistoryRequest | None") -> Iterator["Keeper | None"]:
    """Give the keeper of a scan; without a history None, and nothing is imported for it."""
    if request is None:
        yield None
        return
    from scanner.history.keeper import kept_by  # noqa: PLC0415

    with kept_by(request) as keeper:
        yield keeper
