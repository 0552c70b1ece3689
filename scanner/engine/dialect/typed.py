"""Expressions with what is known of their values: a kind, and the bounds of numbers.

Integers of databases overflow in ways of their own. With the bounds it is known beforehand that
none does, or the expression is refused.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node


class ValueKind(StrEnum):
    """What a value is, as far as all databases agree."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "BIGINT"  # any whole number of at most 64 bits
    EXACT = "DECIMAL"  # a number with a fixed count of digits after the point
    DOUBLE = "DOUBLE"
    TEXT = "VARCHAR"
    TEXTS = "VARCHAR[]"
    JSON = "JSON"
    MOMENT = "TIMESTAMP WITH TIME ZONE"
    DATE = "DATE"
    INTERVAL = "INTERVAL"  # one that is written out
    SPAN = "microseconds"  # between two moments
    NULL = "NULL"


WIDE: Final = 1 << 63
"""One past the largest integer of 64 bits."""

DIGITS: Final = 38
"""Most digits of an exact number."""

_LARGEST: Final = 1e100
"""Largest DOUBLE that may be written out; the smallest is one by it."""

_NAMES: Final = {
    "TIMESTAMP": ValueKind.MOMENT,
    "TIMESTAMPTZ": ValueKind.MOMENT,
    "HUGEINT": ValueKind.EXACT,
    "UHUGEINT": ValueKind.EXACT,
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UBIGINT", "UINTEGER"), ValueKind.INTEGER),
    **{str(kind): kind for kind in ValueKind},
}

Scalar = bool | int | float | Decimal | str | date | datetime | tuple[int, int, int] | None


class Typed(msgspec.Struct, frozen=True):
    """An expression of the lowered tree.

    `low` and `high` bound whole and exact numbers; of a DOUBLE they bound the power of ten of what
    is not zero. `scale` is the digits after the point. `value` is what a constant is.
    """

    node: Node
    kind: ValueKind
    low: Decimal = Decimal(-WIDE)
    high: Decimal = Decimal(WIDE - 1)
    scale: int = 0
    is_constant: bool = False
    value: Scalar | list[str] = None

    @property
    def reach(self) -> Decimal:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))


def kind_of(name: str) -> tuple[ValueKind | None, int]:
    """Return the kind of a type of DuckDB, None where there is none, and its scale."""
    bare, _, sizes = name.partition("(")
    scale = int(sizes.rstrip(")").split(",")[1]) if bare == "DECIMAL" and "," in sizes else 0
    return _NAMES.get(bare.upper()), scale


def mark(name: str, *parts: Node | str) -> Node:
    """Return a call that stands for what each database writes in its own way.

    Texts are those of numbers and dates, or hexadecimal: nothing in them needs a quote.
    """
    made = [syntax.constant(one, "STRING") if isinstance(one, str) else one for one in parts]
    return syntax.function(f"kp_{name}", made)


NULL: Final = syntax.constant("", "NULL_LITERAL")


def constant(value: object, kind: ValueKind | None, scale: int = 0) -> Typed | None:
    """Return what a constant is written as; None for a value that not every database has."""
    if value is None:
        return Typed(NULL, ValueKind.NULL, is_constant=True)
    if isinstance(value, list):
        texts = [one for one in value if isinstance(one, str) and "\0" not in one]
        node = mark("texts", *(hexed(one) for one in texts))
        found = Typed(node, ValueKind.TEXTS, is_constant=True, value=texts)
        return found if len(texts) == len(value) else None
    return _scalar(value, kind, scale)


def _scalar(  # noqa: PLR0911 - one for each kind
    value: object, kind: ValueKind | None, scale: int
) -> Typed | None:
    match value:
        case bool():
            node = syntax.constant("true" if value else "false", "BOOLEAN")
            return Typed(node, ValueKind.BOOLEAN, is_constant=True, value=value)
        case int() | Decimal() if kind in {ValueKind.INTEGER, ValueKind.EXACT}:
            number = Decimal(value)
            text = format(number, "f")
            node = (
                mark("integer", text)
                if kind is ValueKind.INTEGER
                else mark("exact", text, str(scale))
            )
            if kind is ValueKind.EXACT and abs(number) >= 10 ** (DIGITS - scale):
                return None
            return Typed(node, kind, number, number, scale, is_constant=True, value=number)
        case float() if value == 0 or 1 / _LARGEST < abs(value) < _LARGEST:
            power = Decimal(0 if value == 0 else Decimal(abs(value)).adjusted())
            node = mark("double", repr(value))
            return Typed(node, ValueKind.DOUBLE, power, power + 1, is_constant=True, value=value)
        case str() if "\0" not in value:
            return Typed(mark("text", hexed(value)), ValueKind.TEXT, is_constant=True, value=value)
        case datetime():
            utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            text = utc.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
            return Typed(mark("moment", text), ValueKind.MOMENT, is_constant=True, value=utc)
        case date():
            node = mark("date", value.isoformat())
            return Typed(node, ValueKind.DATE, is_constant=True, value=value)
        case (int(), int(), int()):
            months, days, micros = value
            interval = int(months), int(days), int(micros)
            return Typed({}, ValueKind.INTERVAL, is_constant=True, value=interval)
    return None


def hexed(text: str) -> str:
    """Return a text in a form that no parser reads otherwise; an empty one is a dash."""
    return text.encode().hex() or "-"
