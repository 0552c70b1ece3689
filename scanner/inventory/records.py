"""Whether a record has the types that its table can hold, told before it is written down.

A file with a wrong type is refused as a whole, with the place. A server's record is left out
instead and becomes a gap: the rest of what was fetched is worth keeping.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from scanner.catalogue import TABLES, Field
from scanner.model.moment import is_moment

_LARGEST: Final = 2**63


def fault(table: str, record: object) -> str | None:
    """Return what is wrong with a record of the API for this table, None if nothing is."""
    if not isinstance(record, dict):
        return f"it is {_kind(record)}, not an object"
    for path, parts, field, plain in _fields(table):
        value = record.get(parts[0]) if len(parts) == 1 else _at(record, parts)
        if type(value) in plain:
            continue
        if value is None:
            if field.required:
                return f"{path} is missing"
        elif (problem := _problem(value, field)) is not None:
            return f"{path} is {problem}"
    return None


@cache
def _fields(
    table: str,
) -> tuple[tuple[str, tuple[str, ...], Field, frozenset[type]], ...]:
    """Return each field with its path, and the types of which every value is right."""

    def made() -> Iterator[tuple[str, tuple[str, ...], Field, frozenset[type]]]:
        for path, field in TABLES[table].fields.items():
            name = path.removeprefix("$.")
            strict = field.required or field.timestamp
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


def _problem(value: Any, field: Field) -> str | None:  # noqa: ANN401 - any JSON value
    kind = _JSON_TYPES.get(type(value), ())
    if not set(kind) & set(field.types):
        return _kind(value)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return "a number beyond 64 bits"
    if field.required and value == "":
        return "empty"
    if field.timestamp and not is_moment(value):
        return "not a date and time"
    return None


_JSON_TYPES: Final[dict[type, tuple[str, ...]]] = {
    str: ("VARCHAR",),
    bool: ("BOOLEAN",),
    int: ("UBIGINT", "BIGINT"),
    float: ("DOUBLE",),
    dict: ("OBJECT",),
    list: ("ARRAY",),
}
"""The names that the catalogue, after DuckDB, has for the types of JSON."""


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
