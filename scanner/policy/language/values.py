"""Typed values that policies are written with: durations, rates, numbers, texts and lists."""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from scanner.base.shape.decode import UnfitError, decoded
from scanner.model.rule import ParamValue


class ValueType(StrEnum):
    """The types of parameters and of the arguments of checks."""

    DURATION = "duration"
    RATE = "rate"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    STRINGS = "strings"

    @property
    def ordered(self) -> bool:
        """Whether values can be held against a smallest and a largest one."""
        return self in _ORDERED

    @property
    def textual(self) -> bool:
        """Whether values can be held against a pattern."""
        return self in (ValueType.STRING, ValueType.STRINGS)


_ORDERED: Final = (ValueType.DURATION, ValueType.RATE, ValueType.INTEGER, ValueType.NUMBER)

DURATION_PATTERN: Final = "^[0-9]{1,10}(s|m|h|d|w)$"
RATE_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,9})?/(s|m|h|d)$"
MAX_DURATION: Final = timedelta(days=36_500)
"""Longest duration; a date so far back is still one that every database can hold."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AS_LIST: Final = "Write it as [one, two]."
_INTEGERS: Final = range(-(2**63), 2**63)
_INTEGER_TEXT: Final = re.compile(r"[-+]?[0-9]{1,19}")


class BadValueError(ValueError):
    """A value that is not of its type or out of its bounds: `message`, `code` and `hint`."""

    def __init__(self, message: str, code: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `90d`: a whole number of s, m(inutes), h, d or w.

    Raises BadValueError, with code `bad-duration`; the longest is 36500d.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        if re.fullmatch("[0-9]+[smhdw]", text):
            raise _too_long(text)
        raise BadValueError(f"`{text}` is not a duration", "bad-duration", _duration_hint(text))
    seconds = int(text[:-1]) * _SECONDS[text[-1]]
    if seconds > MAX_DURATION.total_seconds():
        raise _too_long(text)
    return timedelta(seconds=seconds)


def _too_long(text: str) -> BadValueError:
    message = f"`{text}` is longer than {MAX_DURATION.days}d"
    return BadValueError(message, "out-of-range", "Write a shorter one.")


def format_duration(value: timedelta) -> str:
    """Write a duration of whole seconds in its largest unit, such as `90d`."""
    seconds = round(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_rate(text: str) -> float:
    """Read a rate such as `1000/h`, in events per second; the units are s, m(inute), h and d.

    Raises BadValueError, with code `bad-rate`.
    """
    if not re.fullmatch(RATE_PATTERN, text):
        raise BadValueError(
            f"`{text}` is not a rate", "bad-rate", "Write events by time, such as 10/s or 1000/h."
        )
    count, _, unit = text.partition("/")
    # One division of the numbers as written, as the database does with a key's count and window:
    # so that a key exactly at the limit has exactly the limit's rate.
    return float(count) / _SECONDS[unit]


def format_rate(value: float) -> str | None:
    """Write a rate so that it reads as exactly this one; None where no text does."""
    for unit in ("s", "m", "h", "d"):
        text = f"{round(value * _SECONDS[unit])}/{unit}"
        if len(text) < len("999999999999999/s") and parse_rate(text) == value:
            return text
    return None


def read_value(kind: ValueType, raw: object) -> ParamValue:
    """Convert a value as YAML gives it; raises BadValueError if it is not of that type."""
    return _READERS[kind](raw)


def read_text(kind: ValueType, text: str) -> ParamValue:
    """Convert a value from the command line; raises BadValueError.

    Lists are separated by commas, or JSON where an item has a comma in it. Everything else is
    written as in YAML, without quotes.
    """
    if kind is ValueType.STRINGS:
        return _list_in(text)
    if kind is ValueType.BOOLEAN:
        return read_value(kind, {"true": True, "false": False}.get(text.strip().lower(), text))
    if kind is ValueType.INTEGER and _INTEGER_TEXT.fullmatch(text.strip()):
        return read_value(kind, int(text))
    if kind in (ValueType.NUMBER, ValueType.RATE):
        return read_value(kind, _number_in(text))
    return read_value(kind, text)


def format_value(kind: ValueType, value: ParamValue) -> str:
    """Write a value as people write it in a policy."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}/s" if kind is ValueType.RATE else str(value)


def write_text(raw: bool | float | str | list[str]) -> str:  # noqa: FBT001 - a value, not a switch
    """Write a value as YAML gives it in the way that read_text reads it."""
    if isinstance(raw, str):
        return raw
    return msgspec.json.encode(raw).decode()


def _list_in(text: str) -> ParamValue:
    if text.lstrip().startswith("["):
        try:
            return read_value(ValueType.STRINGS, decoded(text.encode(), object))
        except UnfitError:
            raise BadValueError(f"`{text}` is not a JSON list", "wrong-type", _AS_LIST) from None
    return [item.strip() for item in text.split(",") if item.strip()]


def _number_in(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _duration_hint(text: str) -> str:
    words = re.fullmatch(r"\s*([0-9]+)\s*([A-Za-z]+)\s*", text)
    factor, unit = _LONG_UNITS.get(words[2].lower(), (0, "")) if words else (0, "")
    if words and factor:
        return f"Write {int(words[1]) * factor}{unit}."
    if re.fullmatch(r"[0-9]{1,9}", text):
        return f"Write the unit too, such as {text}d."
    return "Write a whole number and s, m(inutes), h, d or w, such as 90d."


_LONG_UNITS: Final = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), (1, "s")),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), (1, "m")),
    **dict.fromkeys(("hr", "hrs", "hour", "hours", "h"), (1, "h")),
    **dict.fromkeys(("day", "days", "d"), (1, "d")),
    **dict.fromkeys(("week", "weeks", "w"), (1, "w")),
    **dict.fromkeys(("mo", "month", "months"), (30, "d")),
    **dict.fromkeys(("y", "yr", "year", "years"), (365, "d")),
}


def _read_duration(raw: object) -> ParamValue:
    if isinstance(raw, str):
        return parse_duration(raw)
    bare = type(raw) is int and raw >= 0
    # Days are meant by an age and seconds by a window, as the API counts it.
    units = f"Write the unit too: {raw}d for days, {raw}s for seconds."
    hint = units if bare else _duration_hint("")
    raise BadValueError(f"{_show(raw)} is not a duration", "bad-duration", hint)


def _read_rate(raw: object) -> ParamValue:
    if isinstance(raw, str):
        return parse_rate(raw)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and raw >= 0:
        return _finite(raw)
    raise BadValueError(
        f"{_show(raw)} is not a rate", "bad-rate", "Write events by time, such as 10/s or 1000/h."
    )


def _read_integer(raw: object) -> ParamValue:
    if type(raw) is int and raw in _INTEGERS:
        return raw
    if type(raw) is int or (isinstance(raw, float) and abs(raw) >= _INTEGERS.stop):
        message = f"{_show(raw)} is too large a number"
        raise BadValueError(message, "out-of-range", "Write a smaller one.")
    raise _wrong(raw, "a whole number")


def _read_number(raw: object) -> ParamValue:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return _finite(raw)
    raise _wrong(raw, "a number")


def _finite(raw: float) -> float:
    if not math.isfinite(raw):
        message = f"{_show(raw)} is too large a number"
        raise BadValueError(message, "out-of-range", "Write a smaller one.")
    return float(raw)


def _read_string(raw: object) -> ParamValue:
    if isinstance(raw, str):
        return raw
    hint = f'Put it in quotes: "{raw}".' if isinstance(raw, (int, float)) else ""
    raise _wrong(raw, "text", hint)


def _read_boolean(raw: object) -> ParamValue:
    if isinstance(raw, bool):
        return raw
    raise _wrong(raw, "true or false")


def _read_strings(raw: object) -> ParamValue:
    if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
        return list(raw)
    if not isinstance(raw, list):
        raise _wrong(raw, "a list", _AS_LIST)
    item = next(item for item in raw if not isinstance(item, str))
    raise _wrong(item, "text", f'Put it in quotes: "{item}".')


def _wrong(raw: object, wanted: str, hint: str = "") -> BadValueError:
    return BadValueError(f"{_show(raw)} is not {wanted}", "wrong-type", hint or f"Write {wanted}.")


_READERS: Final[dict[ValueType, Callable[[object], ParamValue]]] = {
    ValueType.DURATION: _read_duration,
    ValueType.RATE: _read_rate,
    ValueType.INTEGER: _read_integer,
    ValueType.NUMBER: _read_number,
    ValueType.STRING: _read_string,
    ValueType.BOOLEAN: _read_boolean,
    ValueType.STRINGS: _read_strings,
}


def _show(raw: object) -> str:
    """Name a wrong value as it looks in YAML, cut short."""
    if raw is None:
        return "an empty value"
    if isinstance(raw, dict):
        return "a mapping"
    if isinstance(raw, bool):
        return "`true`" if raw else "`false`"
    if isinstance(raw, list):
        return "a list"
    text = str(raw)
    return f"`{text[:40]}...`" if len(text) > 40 else f"`{text}`"  # noqa: PLR2004 - about half a line
