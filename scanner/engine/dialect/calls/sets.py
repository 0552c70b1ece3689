"""Sets of characters, as spans of code points."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Chars = tuple[int, int]
"""The first and the last of some characters, as code points."""

LAST: Final = 0x10FFFF

_WORD: Final[tuple[Chars, ...]] = ((48, 57), (65, 90), (95, 95), (97, 122))
CLASSES: Final[dict[str, tuple[Chars, ...]]] = {
    "d": ((48, 57),),
    "w": _WORD,
    "s": ((9, 10), (12, 13), (32, 32)),
}
"""What a letter behind a backslash stands for."""

NAMED: Final[dict[str, tuple[Chars, ...]]] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "digit": ((48, 57),),
    "lower": ((97, 122),),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
"""What a name between [: and :] stands for."""


def merged(spans: tuple[Chars, ...]) -> tuple[Chars, ...]:
    """Return the spans in order, none of them touching another; none is of surrogates or NUL."""
    made: list[Chars] = []
    for low, high in sorted(spans):
        for first, last in ((max(low, 1), min(high, 0xD7FF)), (max(low, 0xE000), high)):
            if first > last:
                continue
            if made and first <= made[-1][1] + 1:
                made[-1] = made[-1][0], max(made[-1][1], last)
            else:
                made.append((first, last))
    return tuple(made)


def other(spans: Sequence[Chars]) -> tuple[Chars, ...]:
    """Return all characters that are not of these."""
    found = merged(tuple(spans))
    ends = [(-1, 0), *found, (LAST + 1, LAST + 1)]
    return merged(tuple((left[1] + 1, right[0] - 1) for left, right in pairwise(ends)))


def told_apart(ways: tuple[tuple[tuple[Chars, ...], ...], ...] | None) -> bool:
    """Whether at most one of these sequences can begin any text."""
    if ways is None or not all(ways):
        return False
    return all(
        any(not meet(one, other) for one, other in zip(left, right, strict=False))
        for number, left in enumerate(ways)
        for right in ways[:number]
    )


def meet(left: tuple[Chars, ...], right: tuple[Chars, ...]) -> bool:
    """Whether two sets have a character in common."""
    return any(a <= d and c <= b for a, b in left for c, d in right)
