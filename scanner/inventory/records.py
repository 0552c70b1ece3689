"""What a record may be, by the catalogue: a value and its field in, what is wrong with it out.

SQL judges files by the same catalogue (inventory.rows); where it refuses one, `diagnose` asks here
for the place. A file with a wrong type is refused as a whole. A server's record is left out instead
and becomes a gap, before it is written down: the rest of what was fetched is worth keeping.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import cache
from typing import Any, Final

from scanner.catalogue import TABLES
from scanner.model.moment import is_moment
from scanner.model.table import BOOLEAN, INTEGER, LIST, NUMBER, OBJECT, TEXT, Field

_MIN_INTEGER: Final = -(2**63)
_MAX_INTEGER: Final = 2**63 - 1
_MAX_UNSIGNED: Final = 2**64 - 1
_NUMBER: Final = re.compile(NUMBER)


class Wrong(Enum):
    """What may be wrong with a field's value; each reader has words of its own for it."""

    MISSING = auto()
    EMPTY = auto()
    TYPE = auto()
    RANGE = auto()
    NUMBER = auto()
    MOMENT = auto()


def fault(table: str, record: object) -> str | None:
    """Return what is wrong with a record of the API for this table, None if nothing is."""
    if not isinstance(record, dict):
        return f"it is {_kind(record)}, not an object"
    for path, parts, field, plain in _fields(table):
        value = record.get(parts[0]) if len(parts) == 1 else _at(record, parts)
        if type(value) in plain:
            continue
        if (problem := wrong(value, field)) is not None:
            return f"{path} is {_told(problem, value, field)}"
        if differs(record, value, field):
            return f"{path} is not what {name_of(field.same_as)} is, which is the same"
    return None


@cache
def _fields(
    table: str,
) -> tuple[tuple[str, tuple[str, ...], Field, frozenset[type]], ...]:
    """Return each field with its path, and the types of which every value is right."""

    def made() -> Iterator[tuple[str, tuple[str, ...], Field, frozenset[type]]]:
        for path, field in TABLES[table].fields.items():
            name = path.removeprefix("$.")
            strict = field.required or field.timestamp or field.number or field.same_as
            plain = frozenset(
                kind
                for kind, names in _JSON_TYPES.items()
                if set(names) & set(field.types) and kind is not int and not strict
            )
            yield name, tuple(name.split(".")), field, plain

    return tuple(made())


def _at(record: dict[str, Any], parts: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    value: Any = record
    for part in parts:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def wrong(value: Any, field: Field) -> Wrong | None:  # noqa: ANN401 - any JSON value
    """Return what is wrong with a field's value, by the rules of the catalogue."""
    if value is None:
        return Wrong.MISSING if field.required else None
    if json_type(value) not in field.types:
        return Wrong.TYPE
    if field.types == INTEGER and value > _MAX_INTEGER:
        return Wrong.RANGE
    if field.number and not _is_number(str(value)):
        return Wrong.NUMBER
    if field.required and value == "":
        return Wrong.EMPTY
    return Wrong.MOMENT if field.timestamp and not is_moment(value) else None


def differs(record: dict[str, Any], value: object, field: Field) -> bool:
    """Whether a record tells another value by the name that this field is the same as."""
    if not field.same_as or value is None:
        return False
    other = _at(record, tuple(name_of(field.same_as).split(".")))
    return other is not None and str(other) != str(value)


def name_of(path: str) -> str:
    """Return what a field is called in messages."""
    return path.removeprefix("$.")


def _is_number(text: str) -> bool:
    """Whether a text is a whole number of 64 bits."""
    return bool(_NUMBER.fullmatch(text)) and _MIN_INTEGER <= int(text) <= _MAX_INTEGER


def json_type(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name the type as the catalogue does, after DuckDB's json_type."""
    if type(value) is not int:
        return _JSON_TYPES[type(value)][0]
    if _MIN_INTEGER <= value < 0:
        return "BIGINT"
    # What no integer of 64 bits holds is a DOUBLE to DuckDB.
    return "UBIGINT" if 0 <= value <= _MAX_UNSIGNED else "DOUBLE"


_JSON_TYPES: Final[dict[type, tuple[str, ...]]] = {
    str: TEXT,
    bool: BOOLEAN,
    int: INTEGER,
    float: ("DOUBLE",),
    dict: OBJECT,
    list: LIST,
    type(None): ("NULL",),
}
"""The names that values of each type may have."""


def _told(problem: Wrong, value: object, field: Field) -> str:
    if problem is Wrong.TYPE and not (type(value) is int and INTEGER[0] in field.types):
        return _kind(value)
    return {
        Wrong.MISSING: "missing",
        Wrong.EMPTY: "empty",
        Wrong.MOMENT: "not a date and time",
        Wrong.NUMBER: "not a whole number",
    }.get(problem, "a number beyond 64 bits")


def _kind(value: object) -> str:
    names = {
        type(None): "null",
        str: "text",
        bool: "a boolean",
        int: "a whole number",
        float: "a fraction",
        list: "a list",
    }
    return names.get(type(value), "an object")
