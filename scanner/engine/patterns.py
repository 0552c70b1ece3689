"""How large a regular expression is once its counted repetitions are written out.

RE2 runs in time linear in the text as long as its automaton fits its memory; `a{1000}b` does not,
and then each character costs as much as the expression is long. So the size is bounded.
"""

import re
from typing import Final

MAX_SIZE: Final = 500
"""Largest expression, in characters and classes after writing out `{n,m}`."""

FUNCTIONS: Final = frozenset({"regexp_matches", "regexp_full_match", "regexp_extract"})
"""Functions whose second argument is a regular expression."""

_PIECE: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?:\?[^):]*[:>)]?)?|\)|\{(\d+)(?:,(\d*))?\}|.",
    re.DOTALL,
)


def expanded_size(pattern: str) -> int:
    """Return how many characters and classes the expression has, repetitions written out."""
    groups = [0]
    last = 0  # size of what a repetition would repeat
    for found in _PIECE.finditer(pattern):
        piece, low, high = found[0], found[1], found[2]
        if low is not None:
            times = max(int(low), int(high or 0), 1)
            groups[-1] += last * (times - 1)
            last *= times
        elif piece.startswith("(") and not piece.endswith(")"):
            groups.append(0)
            last = 0
        elif piece == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        else:
            last = 1
            groups[-1] += 1
    return sum(groups)
