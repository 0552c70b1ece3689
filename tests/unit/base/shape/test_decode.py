"""Whatever JSON comes in, one error comes out, and it is in words."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.shape.decode import UnfitError, converted, decoded, members

FOREIGN = re.compile(r"`(?:str|int|float|bool|array|object|null)\b|Expected|Object |byte \d|char ")
"""What the decoders say of types and places."""


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    count: int
    names: list[str | None] = []


class _Document(msgspec.Struct):
    inner: list[_Inner] = []
    more: dict[str, float] = {}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"[]", "expected an object, found a list"),
        (b'{"inner": 1}', "expected a list, found a whole number, at inner"),
        (b'{"inner": [{"count": "x"}]}', "expected a whole number, found text, at inner[0].count"),
        (b'{"inner": [{}]}', "`count` is missing, at inner[0]"),
        (b'{"inner": [{"count": 1, "a b": 2}]}', "nothing is called `a b`, at inner[0]"),
        (b'{"inner": [{"count": 1, "names": [1]}]}',
         "expected text or null, found a whole number, at inner[0].names[0]"),
        (b'{"more": {"x": true}}', "expected a number, found true or false, at more[...]"),
        (b"{", "it is not JSON: it ends too early, or a text in it is none"),
        (b'{"a": 1, a}', "it is not JSON from column 10 on"),
        (b'{"a": 1,\n a}\n', "it is not JSON from line 2, column 2 on"),
        (b"{}x", "it is not JSON from column 3 on"),
        (b"{}\n{}", "it is not JSON from line 2, column 1 on"),
        (b'{"more": {"x": 1e400}}', "a number is too large, at more[...]"),
        (b'{"inner": [{"count": ' + b"1" * 5_000 + b"}]}",
         "a number is too large, at inner[0].count"),
        (b'{"more": {"\xff": 1}}', "a text in it is not UTF-8"),
        (b'{"x": ' + b"[" * 100_000, "it is nested too deep"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(raw: bytes, told: str) -> None:
    with pytest.raises(UnfitError) as caught:
        decoded(raw, _Document)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": 1, "a": 2}', "the member `a` comes twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b"1" * 5_000, "a number in it has too many digits"),
        (b'"\xff"', "a text in it is not UTF-8"),
        (b'{"a": "\\ud800"}', "half a surrogate pair in it is no character"),
        (b'{"a":\n]}', "it is not JSON from line 2, column 1 on"),
        (b"[" * 100_000, "it is nested too deep"),
    ],
)
def test_members_come_once(raw: bytes, told: str) -> None:
    with pytest.raises(UnfitError) as caught:
        members(raw)
    assert str(caught.value) == told


PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"inner"',
    b'"more"',
    b'"count"',
    b":",
    b",",
    b"1",
    b"-",
    b"null",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=2), max_size=12).map(b"".join))
def test_no_other_error_comes_out(raw: bytes) -> None:
    for whole in (True, False):
        told = ""
        try:
            decoded(raw, _Document) if whole else converted(members(raw), _Document)
        except UnfitError as error:
            told = str(error)
        assert not FOREIGN.search(told)
