import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from scanner.base.text import is_blank

HIDDEN = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}
]
SHOWN = st.characters(
    categories=["L", "N", "P", "S"],
    exclude_characters="\u115f\u1160\u2800\u3164\uffa0",
)


def test_nothing_that_cannot_be_seen_makes_a_text() -> None:
    assert [character for character in HIDDEN if not is_blank(character)] == []
    assert is_blank("".join(HIDDEN))
    assert is_blank("")
    assert is_blank("\u200b\u3164\ufe0f\U000e0101")


@given(shown=SHOWN, hidden=st.text(st.sampled_from(HIDDEN), max_size=4))
def test_one_character_that_shows_is_enough(shown: str, hidden: str) -> None:
    assert not is_blank(hidden + shown)
    assert not is_blank(shown + hidden)
