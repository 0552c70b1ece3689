import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.patterns import expanded_size


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("a{10}", 10),
        ("a{2,10}b", 11),
        ("a{5,}", 5),
        ("a{0}", 1),
        ("(ab){3}", 6),
        ("(a{3}b){4}", 16),
        ("(?:a{2}|b{2}){2}c", 11),
        ("(?P<x>a){4}", 4),
        ("[a-z]{7}", 7),
        ("[]a]{3}", 3),
        (r"[\]a]{3}", 3),
        (r"\{10\}", 4),
        (r"\d{4}-\d{2}", 7),
        ("a{x}", 4),
        ("((a{9}){9}){9}", 729),
    ],
)
def test_size(pattern: str, size: int) -> None:
    assert expanded_size(pattern) == size


@given(st.text("ab(){}[]\\,0123456789?:|*", max_size=40))
def test_any_text_has_a_size(pattern: str) -> None:
    assert expanded_size(pattern) >= 0


@given(st.text("abc", min_size=1, max_size=5), st.integers(1, 50), st.integers(1, 50))
def test_nested_repetitions_multiply(text: str, inner: int, outer: int) -> None:
    assert expanded_size(f"(({text}){{{inner}}}){{{outer}}}") == len(text) * inner * outer
