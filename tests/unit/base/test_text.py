from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.text import (
    clean,
    clock,
    columns,
    first_sentence,
    fit,
    paragraph,
    percent,
    plural,
    timestamp,
    wrap,
)
from tests.unit.report.factory import HOSTILE

ANY = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("a\x9bb\x85c\x7f", "a\\x9bb\\x85c\\x7f"),
        ("abc\u202egpj.exe", "abc\\u202egpj.exe"),
        ("\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"),
        ("a\u200bb\ufeffc\u2060d", "a\\u200bb\\ufeffc\\u2060d"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("x\U000e0041", "x\\ue0041"),
        ("\ud800", "\\ud800"),
        (
            "caf\u00e9 \u65e5\u672c \u05e9\u05dc\u05d5\u05dd",
            "caf\u00e9 \u65e5\u672c \u05e9\u05dc\u05d5\u05dd",
        ),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("<b>&amp;</b> [x](y) `z`", "<b>&amp;</b> [x](y) `z`"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(ANY)
def test_clean_text_is_printable_and_stays_so(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not {"\n", "\r", "\x1b", "\x9b", "\u202e", "\u2066", "\u200f"} & set(once)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_clean_text_is_one_line(text: str) -> None:
    assert clean(text).splitlines() == [clean(text)]


def test_a_paragraph_is_one_line() -> None:
    assert paragraph("  one\n  two\n\nthree \x1b ") == "one two three \\x1b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Delete it. Then go.", "Delete it."),
        ("Use 1.5 of it\nand rest. Done", "Use 1.5 of it and rest."),
        ("No end", "No end"),
        ("Really? Yes.", "Really?"),
        ("", ""),
    ],
)
def test_first_sentence(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_times_are_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, 30, 0, 250000, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-02-28T23:30:00.250000Z"
    assert clock(moment) == "2026-02-28 23:30:00 UTC"
    assert timestamp(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00Z"


def test_plurals() -> None:
    assert plural(1, "finding") == "1 finding"
    assert plural(0, "finding") == "0 findings"
    assert plural(1200, "policy", "policies") == "1,200 policies"


def test_columns() -> None:
    assert columns("abc") == 3
    assert columns("caf\u00e9") == 4
    assert columns("cafe\u0301") == 4
    assert columns("\u65e5\u672c") == 4


@given(ANY.map(clean), st.integers(4, 60))
def test_what_fits_is_never_too_wide(text: str, width: int) -> None:
    fitted = fit(text, width)
    assert columns(fitted) <= width
    if columns(text) <= width:
        assert fitted == text


def test_what_is_cut_ends_in_an_ellipsis_also_where_accents_are_characters_of_their_own() -> None:
    assert fit("e\u0301" * 9, 8) == "e\u0301" * 5 + "..."
    assert [fit("abcdef", width) for width in (-1, 0, 2, 3, 4)] == ["", "", "..", "...", "a..."]


@given(ANY.map(clean), st.integers(20, 100))
def test_wrapped_lines_are_never_too_wide(text: str, width: int) -> None:
    lines = wrap(text, width, "- ", hanging="      ")
    assert all(columns(line) <= width for line in lines)
    assert len(lines) <= 1 or all(line.startswith("      ") for line in lines[1:])
    assert bool(lines) == bool(text.split())


@given(st.lists(st.text("abcdefg", min_size=1, max_size=9), max_size=30), st.integers(20, 60))
def test_wrapping_loses_no_word(words: list[str], width: int) -> None:
    assert " ".join(wrap(" ".join(words), width)).split() == words


@pytest.mark.parametrize("judged", [1, 7, 999, 1_000, 100_000])
def test_a_rate_is_nothing_or_all_only_where_it_is(judged: int) -> None:
    for passed in {0, 1, judged // 2, judged - 1, judged}:
        told = percent(passed / judged)
        assert (told == "0%") is (passed == 0)
        assert (told == "100%") is (passed == judged)
