"""What a template may be is what can be made into SQL."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.policy.language.templates import MAX_FIELDS, MAX_LENGTH, SPECS, faults, misplaced

PIECES = ["{", "}", "{{", "}}", "{name}", "{date_created:date}", "{nope}", ":", "!r", "text", " "]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3))).map("".join))
def test_what_is_admitted_is_read_in_the_same_way_by_what_makes_sql_of_it(template: str) -> None:
    if faults(template, "sentry_key"):
        return
    for _, column, spec, conversion in string.Formatter().parse(template):
        if column is not None:
            assert column in TABLES["sentry_key"].columns
            assert spec in SPECS
            assert not conversion


@pytest.mark.parametrize(
    ("template", "code", "offset"),
    [
        ("a {", "bad-message", 2),
        ("}} }", "bad-message", 3),
        ("{{{nmae}}}", "unknown-column", 2),
        ("{name!r}", "unknown-column", 0),
        ("{name:{x}}", "bad-message", 0),
        ("x {name:>9}", "bad-message", 2),
    ],
)
def test_a_fault_has_its_place(template: str, code: str, offset: int) -> None:
    found = faults(template, "sentry_key")[0]
    assert (found.code, found.offset) == (code, offset)


def test_too_large_a_template_is_told_as_that_alone() -> None:
    for template in ("{nope}" * (MAX_FIELDS + 1), "{" * (MAX_LENGTH + 1)):
        (found,) = faults(template, "sentry_key")
        assert found.code == "bad-message"
        assert list(misplaced(template, "sentry_key"))


def test_a_mistyped_column_is_told_with_what_may_be_meant() -> None:
    (found,) = misplaced("{nmae}", "sentry_key")
    assert "`name`" in found.hint
