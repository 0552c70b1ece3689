import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.resources import schema_path
from scanner.policy.language.patterns import MAX_SIZE, BadPatternError, matches, size

# Whether a type checker knows these depends on what else it has looked at.
constants: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

SCHEMAS = sorted(schema_path("policy").parent.glob("*.json"))


def refusal(pattern: str) -> str:
    with pytest.raises(BadPatternError) as caught:
        size(pattern)
    assert caught.value.message
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    "pattern",
    ["", "abc", r"\pL+", r"(?i)\pL+", r"[\pL\pN_-]+", "[a-z0-9-]+-(prod|staging)", "a{500}",
     "(a+)+$"],
)  # fmt: skip
def test_what_people_write_is_small_enough(pattern: str) -> None:
    assert size(pattern) <= MAX_SIZE


@pytest.mark.parametrize(
    "pattern",
    [r"(?i)\pL{300}x", r"\pL{2}", "((a{9}){9}){9}b{900}", ".{300}",
     "|".join(f"a{{{n}}}" for n in range(90)),
     "(x{300}|y{300}|z{300}|u{300}|v{300}|w{300})", r"[^a]{1000}", r"(?:\pL|a)(?:\pL|b)"],
)  # fmt: skip
def test_what_repetitions_and_classes_come_to_is_bounded(pattern: str) -> None:
    assert refusal(pattern) == "pattern-too-large"


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a**", "(?=a)", "(?<!a)b", r"(a)\1", "a{5000}", "\\"]
)
def test_what_re2_cannot_read_is_refused(pattern: str) -> None:
    assert refusal(pattern) == "bad-pattern"


@given(st.text("ab(){}[]\\,019?:|*+^$pLi.-", max_size=40))
def test_any_text_is_measured_or_refused(pattern: str) -> None:
    try:
        assert 0 <= size(pattern) <= MAX_SIZE
    except BadPatternError as error:
        assert error.code in {"bad-pattern", "pattern-too-large"}  # noqa: PT017 - either is fine


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}$", "((a*)*)*$"])
def test_a_pattern_that_backtracks_in_python_is_linear_here(pattern: str) -> None:
    assert not matches(pattern, "a" * 5_000 + "!")


def test_the_whole_text_must_match() -> None:
    assert matches("[a-z]+", "abc")
    assert not matches("[a-z]+", "abc\n")
    assert not matches("a|ab", "abc")


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        for value in schema.values():
            yield from _patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _patterns(value)


OURS = sorted({pattern for path in SCHEMAS for pattern in _patterns(json.loads(path.read_text()))})


@pytest.mark.parametrize("pattern", OURS)
def test_patterns_of_schemas_cannot_backtrack(pattern: str) -> None:
    """Python's engine runs these on what authors write: what repeats must begin unmistakably."""
    for body in _repeated(parser.parse(pattern)):
        if any(True for _ in _repeated(body)):
            assert body[0][0] is constants.LITERAL, pattern


@pytest.mark.parametrize("pattern", OURS)
@pytest.mark.parametrize("piece", ["a", "a-", "a_", "0", "0.", "-", ".", "2026-01-01", "\n", "$a"])
def test_patterns_of_schemas_are_quick_on_long_texts(pattern: str, piece: str) -> None:
    match = re.search(pattern, piece * 20_000 + "\x00!\n")
    # Those of one character ask only how the text begins, or for something that can be seen.
    assert match is None or len(parser.parse(pattern)) <= 2


def _repeated(tree: Any) -> Iterator[Any]:
    """Give the bodies that an unbounded repetition, or one of many, repeats."""
    for kind, value in tree:
        if kind in {constants.MAX_REPEAT, constants.MIN_REPEAT}:
            if value[1] > 3:
                yield value[2] if value[2][0][0] is not constants.SUBPATTERN else value[2][0][1][3]
            yield from _repeated(value[2])
        elif kind is constants.SUBPATTERN:
            yield from _repeated(value[3])
        elif kind is constants.BRANCH:
            for branch in value[1]:
                yield from _repeated(branch)
