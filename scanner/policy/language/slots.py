"""Slots: what a parameter or an argument of a check may hold."""

import re
from collections.abc import Container
from datetime import timedelta
from typing import Final

import msgspec

from scanner.model.rule import ParamValue
from scanner.policy.language.patterns import matches
from scanner.policy.language.values import (
    BadValueError,
    ValueType,
    format_duration,
    format_rate,
    format_value,
)

PARAMETER: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
"""How a policy refers to a parameter, and what looks like that in plain text."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A typed place for one value, with the bounds that the value keeps.

    Bounds are values of the slot's own type: timedelta for durations, events per second for
    rates. For a list, `choices` and `pattern` hold each item. A pattern matches the
    whole text, as RE2 reads it.
    """

    type: ValueType
    description: str = ""
    minimum: ParamValue = None
    maximum: ParamValue = None
    choices: tuple[ParamValue, ...] = ()
    pattern: str | None = None

    def admit(self, value: ParamValue) -> ParamValue:
        """Return `value` if it keeps the bounds; raises BadValueError with code `out-of-range`."""
        if self.minimum is not None and value < self.minimum:  # type: ignore[operator]
            raise self._refused(value, f"is less than {self._show(self.minimum)}", "Write more.")
        if self.maximum is not None and value > self.maximum:  # type: ignore[operator]
            raise self._refused(value, f"is more than {self._show(self.maximum)}", "Write less.")
        for item in value if isinstance(value, list) else [value]:
            if self.choices and item not in self.choices:
                choices = ", ".join(self._show(choice) for choice in self.choices)
                raise self._refused(item, f"is not one of: {choices}", "Write one of them.")
            if self.pattern is not None and not matches(self.pattern, str(item)):
                why = f"does not match the pattern {self.pattern}"
                meaning = f" It means: {self.description}" if self.description else ""
                raise self._refused(item, why, _FITTING + meaning)
        return value

    def accepts(self, other: ValueType) -> bool:
        """Whether a parameter of type `other` may fill this slot."""
        return other is self.type or (self.type, other) in _COMPATIBLE

    @property
    def meaning(self) -> str:
        """The description, with the smallest value if there is one."""
        least = "" if self.minimum is None else f" At least {self._show(self.minimum)}."
        return self.description + least

    def exact(self, value: ParamValue) -> str | None:
        """Return how a duration or rate is written; None for a value that YAML has itself."""
        if isinstance(value, timedelta):
            return format_duration(value)
        is_rate = self.type is ValueType.RATE and isinstance(value, float)
        return format_rate(value) if is_rate else None  # type: ignore[arg-type]

    def _show(self, value: ParamValue) -> str:
        return format_value(self.type, value)

    def _refused(self, value: ParamValue, why: str, hint: str) -> BadValueError:
        return BadValueError(f"`{self._show(value)}` {why}", "out-of-range", hint)


_FITTING: Final = "Write one that fits; the whole value has to match."

# A number is taken as events per second, a whole number as a number.
_COMPATIBLE: Final = frozenset(
    (
        (ValueType.RATE, ValueType.NUMBER),
        (ValueType.RATE, ValueType.INTEGER),
        (ValueType.NUMBER, ValueType.INTEGER),
    )
)


def parameter_meant(raw: object, known: Container[str]) -> str | None:
    """Return the parameter that a text names in the way of other languages, if there is one."""
    name = raw.strip("${} ") if isinstance(raw, str) else ""
    return name if PARAMETER.fullmatch(f"${name}") and name in known else None


def parameter_in(raw: object) -> str | None:
    """Return the name if `raw` refers to a parameter (`$name`), otherwise None."""
    if isinstance(raw, str) and (found := PARAMETER.fullmatch(raw)):
        return found[1]
    return None
