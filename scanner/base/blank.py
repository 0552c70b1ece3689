"""Which texts show nothing: a name, an owner or a reason of such characters is none."""

import re
from typing import Final

# Everything that leaves the paper white: controls, spaces and separators, format characters,
# fillers of Hangul, the blank of Braille, variation selectors and tags, halves of pairs.
_INVISIBLE: Final = (
    r"\s\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800"
    r"\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
)
_INVISIBLE_PLANES: Final = (
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)

VISIBLE: Final = f"[^{_INVISIBLE}{_INVISIBLE_PLANES}]"
"""A pattern, also for JSON Schema, that is found in every text that shows something."""


def is_blank(text: str) -> bool:
    """Whether the text shows nothing."""
    return re.search(VISIBLE, text) is None
