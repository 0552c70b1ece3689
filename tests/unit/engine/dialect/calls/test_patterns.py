import re

import pytest
import re2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.dialect.calls.patterns import portable
from scanner.engine.dialect.calls.pieces import InexpressibleError

PATTERNS = [
    "^[a-z]+(-[a-z]+)*$",
    "(?i)k[^s]?",
    r"\d{2,3}\.\w*",
    "a|b|",
    "(?s).x.",
    "[^-a-c\\]]+",
    r"(?i)\W",
    r"(?i)^\w+$",
    r"(?i)[^\w]",
    r"(?i)[[:word:]]+",
]


@given(st.sampled_from(PATTERNS), st.text("aAbckKsSxX-19.]\n\u212a\u017fé", max_size=8))
def test_what_is_written_matches_what_re2_matches(pattern: str, text: str) -> None:
    written = portable(pattern, ignore_case=False, whole=False)
    spelled = written.spelled(lambda code: re.escape(chr(code)), r"\A", r"\Z")
    found = re.search(spelled, text) is not None
    assert found == (re2.search(pattern, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "is_steep"),
    [
        ("(a*)*", True),
        ("(a|aa)+", True),
        ("(-(a|a))*", True),
        ("(-a*a*)*", True),
        ("([a-z]+)*", True),
        ("[a-z]+(-[a-z0-9]+)*", False),
        ("(default|dsn|key| )*[0-9]*", False),
        (".*a.*b.*", False),
    ],
)
def test_what_may_take_exponential_time_is_told(pattern: str, *, is_steep: bool) -> None:
    assert portable(pattern, ignore_case=False, whole=True).is_steep is is_steep


@pytest.mark.parametrize("pattern", [r"\bx", r"\pL", "(?i)ß", "(?m)^x", r"\Qx\E", "a{300}"])
def test_what_others_read_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(InexpressibleError):
        portable(pattern, ignore_case=False, whole=False)
