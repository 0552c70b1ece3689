"""Pieces of regular expressions, and what is known of the texts that they match."""

from collections.abc import Sequence

import msgspec

from scanner.engine.dialect.calls.sets import LAST, Chars, meet, merged, other


class InexpressibleError(Exception):
    """What a regular expression has that another engine would read otherwise; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Piece(msgspec.Struct, frozen=True):
    """A piece: its text, and the sequences of sets that it matches where it has a fixed length.

    `head` is the one character that it begins with, if it does, and `tail` are all others that may
    be in it. `loose` counts the parts of it that may be longer or shorter.
    """

    text: str
    ways: tuple[tuple[tuple[Chars, ...], ...], ...] | None
    is_anchor: bool = False
    head: tuple[Chars, ...] = ()
    tail: tuple[Chars, ...] = ()
    loose: int = 0

    @property
    def is_delimited(self) -> bool:
        """Whether it is told where one repetition of it ends, and what is in it, in one way."""
        return bool(self.head) and not meet(self.head, self.tail) and self.loose <= 1


def of(spans: Sequence[Chars]) -> Piece:
    """Return a piece that is one character of these."""
    found = merged(tuple(spans))
    if not found:
        raise InexpressibleError("a set without any character")
    if len(found) == 1 and found[0][0] == found[0][1]:
        return Piece(f"<{found[0][0]:x}>", ((found,),), head=found)
    but = other(found)
    if found[-1][1] == LAST and found[0][0] == 1 and but:
        return Piece(f"[^{_spelled(but)}]", ((found,),), head=found)
    return Piece(f"[{_spelled(found)}]", ((found,),), head=found)


def _spelled(spans: Sequence[Chars]) -> str:
    return "".join(f"<{low:x}>" if low == high else f"<{low:x}>-<{high:x}>" for low, high in spans)
