from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model.rule import ParamValue
from scanner.policy.files.document import GivenValue
from scanner.policy.language.values import (
    MAX_DURATION,
    BadValueError,
    ValueType,
    format_duration,
    format_value,
    parse_duration,
    parse_rate,
    read_text,
    read_value,
    write_text,
)

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@given(st.integers(0, 999), st.sampled_from(sorted(SECONDS)))
def test_a_duration_is_its_number_of_units(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=number * SECONDS[unit])


@given(st.integers(0, int(MAX_DURATION.total_seconds())))
def test_a_duration_survives_being_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 10**9), st.sampled_from(["s", "m", "h", "d"]))
def test_a_rate_is_one_division(count: int, unit: str) -> None:
    """As the database divides a key's count by its window: the same numbers, the same double."""
    assert parse_rate(f"{count}/{unit}") == count / SECONDS[unit]


@given(st.integers(1, 10**6), st.integers(1, 24))
def test_equal_rates_are_equal_however_they_are_written(count: int, hours: int) -> None:
    assert parse_rate(f"{count}/h") == (count * hours) / (3_600 * hours)


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with suppress(BadValueError):
        assert timedelta() <= parse_duration(text) <= MAX_DURATION


@given(st.text(max_size=20))
def test_any_text_is_a_rate_or_refused(text: str) -> None:
    with suppress(BadValueError):
        assert parse_rate(text) >= 0


@given(st.sampled_from(ValueType), st.text(max_size=20))
def test_any_text_for_any_type_is_read_or_refused(kind: ValueType, text: str) -> None:
    with suppress(BadValueError):
        assert read_text(kind, text) is not None


@pytest.mark.parametrize(
    "text", ["", "90", "d", "90 d", "9.5d", "-1d", "90D", "90d\n", "1d12h", "٣d"]
)
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(BadValueError) as caught:
        parse_duration(text)
    assert caught.value.code == "bad-duration"


def test_a_number_alone_may_be_of_either_unit() -> None:
    with pytest.raises(BadValueError) as caught:
        read_value(ValueType.DURATION, 3600)
    assert caught.value.hint == "Write the unit too: 3600d for days, 3600s for seconds."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("90 days", "Write 90d."),
        ("2 Weeks", "Write 2w."),
        ("3 months", "Write 90d."),
        ("1y", "Write 365d."),
        ("15min", "Write 15m."),
    ],
)
def test_durations_in_words_are_translated(text: str, hint: str) -> None:
    with pytest.raises(BadValueError) as caught:
        parse_duration(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text", ["", "10", "/s", "10/w", "10/", "10 /s", "1e3/s", "-1/s", "10/s\n"]
)
def test_what_is_not_a_rate(text: str) -> None:
    with pytest.raises(BadValueError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (ValueType.DURATION, "90d", timedelta(days=90)),
        (ValueType.RATE, "0.5/m", 0.5 / 60),
        (ValueType.RATE, 10, 10.0),
        (ValueType.INTEGER, -3, -3),
        (ValueType.NUMBER, 3, 3.0),
        (ValueType.NUMBER, 0.25, 0.25),
        (ValueType.STRING, "", ""),
        (ValueType.BOOLEAN, False, False),
        (ValueType.STRINGS, ["a", "b"], ["a", "b"]),
        (ValueType.STRINGS, [], []),
    ],
)
def test_values_from_yaml(kind: ValueType, raw: object, value: object) -> None:
    assert read_value(kind, raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (ValueType.DURATION, 90),
        (ValueType.DURATION, None),
        (ValueType.RATE, True),
        (ValueType.RATE, -1),
        (ValueType.RATE, float("inf")),
        (ValueType.INTEGER, 2.0),
        (ValueType.INTEGER, True),
        (ValueType.INTEGER, 2**63),
        (ValueType.INTEGER, "3"),
        (ValueType.NUMBER, False),
        (ValueType.NUMBER, float("nan")),
        (ValueType.STRING, 3),
        (ValueType.STRING, None),
        (ValueType.BOOLEAN, "yes"),
        (ValueType.BOOLEAN, 1),
        (ValueType.STRINGS, "a"),
        (ValueType.STRINGS, ["a", 1]),
        (ValueType.STRINGS, {}),
    ],
)
def test_values_of_another_type_are_refused(kind: ValueType, raw: object) -> None:
    with pytest.raises(BadValueError):
        read_value(kind, raw)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ValueType.DURATION, "12h", timedelta(hours=12)),
        (ValueType.RATE, "1000/h", 1000 / 3600),
        (ValueType.RATE, "2.5", 2.5),
        (ValueType.INTEGER, " 7 ", 7),
        (ValueType.NUMBER, "1e3", 1000.0),
        (ValueType.STRING, "a, b", "a, b"),
        (ValueType.BOOLEAN, "True", True),
        (ValueType.BOOLEAN, "false", False),
        (ValueType.STRINGS, "a, b,,c", ["a", "b", "c"]),
        (ValueType.STRINGS, "", []),
        (ValueType.STRINGS, '["a,b"]', ["a,b"]),
    ],
)
def test_values_from_the_command_line(kind: ValueType, text: str, value: object) -> None:
    assert read_text(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ValueType.INTEGER, "3.5"),
        (ValueType.INTEGER, "many"),
        (ValueType.NUMBER, "nan"),
        (ValueType.BOOLEAN, "yes"),
        (ValueType.STRINGS, "[a"),
        (ValueType.STRINGS, "[1]"),
    ],
)
def test_wrong_values_from_the_command_line(kind: ValueType, text: str) -> None:
    with pytest.raises(BadValueError):
        read_text(kind, text)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (ValueType.DURATION, "90d"),
        (ValueType.INTEGER, 3),
        (ValueType.NUMBER, 0.5),
        (ValueType.BOOLEAN, True),
        (ValueType.STRING, "x, y"),
        (ValueType.STRINGS, ["a,b", "c"]),
    ],
)
def test_values_survive_being_written_for_the_command_line(
    kind: ValueType, raw: GivenValue
) -> None:
    assert read_text(kind, write_text(raw)) == read_value(kind, raw)


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        (ValueType.DURATION, timedelta(days=90), "90d"),
        (ValueType.DURATION, timedelta(hours=36), "36h"),
        (ValueType.DURATION, timedelta(), "0s"),
        (ValueType.RATE, 2.5, "2.5/s"),
        (ValueType.BOOLEAN, True, "true"),
        (ValueType.STRINGS, ["a", "b"], "a, b"),
        (ValueType.INTEGER, 3, "3"),
    ],
)
def test_values_are_written_as_people_write_them(
    kind: ValueType, raw: ParamValue, text: str
) -> None:
    assert format_value(kind, raw) == text
