"""Why a file was refused: the slow, precise second reading, after the engine's fast one failed.

It stops at the first fault and tells its line, column, record and field. Memory is bounded by
the longest record, not by the file.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from scanner.base.errors import InventoryFileError, Location
from scanner.base.packed import unpack
from scanner.catalogue import LIVE, TABLES, Field
from scanner.catalogue.redact import SECRET_FIELDS, known_secrets, redact_text
from scanner.inventory.envelope import (
    ENDING,
    HEADER,
    OTHER_VERSION,
    PLACES,
    EnvelopeError,
    check_line,
    decode,
    members_once,
    read_ending,
    read_header,
)
from scanner.inventory.jsontext import AGAIN, FaultError, Reader, Record
from scanner.inventory.records import Wrong, differs, json_type, name_of, wrong
from scanner.model.inventory import Layout, RawInput

_QUOTE_LENGTH: Final = 40
_NAMES: Final = {
    "VARCHAR": "a string",
    "BOOLEAN": "true or false",
    "UBIGINT": "an integer",
    "BIGINT": "an integer",
    "DOUBLE": "a number that is no 64-bit integer",
    "OBJECT": "an object",
    "ARRAY": "a list",
    "NULL": "null",
}
_UNCHANGED: Final = (
    "Give the records as the API does; nothing is converted, because a guess could hide a finding."
)

_READERS: Final = {
    Layout.API_ARRAY: Reader.array,
    Layout.API_LINES: Reader.lines,
    Layout.API_OBJECT: Reader.objects,
    Layout.INVENTORY_ARRAY: Reader.array,
    Layout.INVENTORY_LINES: Reader.lines,
}


def diagnose_inputs(inputs: Sequence[RawInput], detail: str) -> InventoryFileError:
    """Return the error that says what is wrong with one of the inputs; it is not raised.

    `detail` is what the fast reader said, told where this reading finds no fault.
    """
    for raw in inputs:
        fault = _fault(raw)
        if fault is not None:
            return fault
    where = ", ".join(raw.label for raw in inputs)
    return InventoryFileError(f"refused: {redact_text(detail)}", where=where, remedy=AGAIN)


def _fault(raw: RawInput) -> InventoryFileError | None:
    try:
        _check(raw)
    except FaultError as fault:
        where = str(Location(raw.label, *fault.place))
        return InventoryFileError(fault.message, where=where, remedy=fault.remedy)
    except OSError as error:
        return InventoryFileError(
            f"cannot be read: {error.strerror}", where=raw.label, remedy="Check its permissions."
        )
    return None


def _check(raw: RawInput) -> None:
    """Read the whole input and raise FaultError at its first fault."""
    if raw.layout is Layout.INVENTORY_PARQUET:
        return  # the fast reader's own words are the best there are
    with raw.path.open("rb") as file:
        records = _READERS[raw.layout](Reader(unpack(file, raw.packing)))
        if raw.layout.is_inventory:
            _check_inventory(records)
        else:
            for record in records:
                _check_fields(record, record.value, raw.kind or LIVE.keys)


def _check_inventory(records: Iterator[Record]) -> None:
    last: Record | None = None
    for record in records:
        if last is not None and last.value["kind"] == ENDING:
            raise record.fault("something follows the closing record", AGAIN)
        _check_line(record)
        last = record
    if last is None or last.value["kind"] != ENDING:
        place = last.end if last else (1, 1)
        raise FaultError("no closing record: it was cut off", place, "Fetch the inventory again.")


def _check_line(record: Record) -> None:
    line = record.value
    if not isinstance(line, dict):
        raise record.fault("not a record of an inventory", AGAIN)
    kind, value = line.get("kind"), line.get("record")
    path: tuple[str, ...] = ()
    try:
        members_once(json.loads(record.text, object_pairs_hook=list))
        check_line(kind, *(line.get(name) for name in PLACES))
        if kind in {HEADER, ENDING}:
            decode(record.text)
        path = ("record",)
        if kind == HEADER:
            read_header(value)
        elif kind == ENDING:
            read_ending(value)
    except EnvelopeError as error:
        remedy = OTHER_VERSION if error.path == ("version",) else AGAIN
        raise record.fault(redact_text(error.message), remedy, *path, *error.path) from None
    if kind in TABLES:
        _check_fields(record, value, kind, "record")


def _check_fields(record: Record, value: Any, kind: str, *path: str) -> None:  # noqa: ANN401 - any JSON value
    if found := _first_wrong(value, kind):
        problem, names = found
        raise record.fault(problem, _UNCHANGED, *path, *names)


def refused_row(
    raw: RawInput, rows: Iterable[tuple[int, str, str | None]]
) -> InventoryFileError | None:
    """Return what is wrong with the first such row of a file in Parquet, if any is.

    Each has its number, from 1, its table, and its record as JSON.
    """
    for number, kind, text in rows:
        try:
            found = _first_wrong(json.loads(text or "null"), kind)
        except (ValueError, RecursionError):
            found = "the record is not JSON, or nested too deep", []
        if found:
            problem = f"row {number}: {found[0]}"
            return InventoryFileError(problem, where=raw.label, remedy=_UNCHANGED)
    return None


def _first_wrong(value: Any, kind: str) -> tuple[str, list[str]] | None:  # noqa: ANN401 - any JSON value
    """Return what is wrong with a record, and the names that lead to the field."""
    if not isinstance(value, dict):
        return f"expected an object, found {_NAMES[json_type(value)]}", []
    for name, field in TABLES[kind].fields.items():
        names = name.split(".")[1:]
        if problem := _violation(value, names, field):
            return f"field {'.'.join(names)}: {problem}", names
    return None


def _violation(record: dict[str, Any], names: list[str], field: Field) -> str | None:
    """Say what is wrong with a field; the rules are those of inventory.records."""
    value: Any = record
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    problem = wrong(value, field)
    if problem is None:
        same = name_of(field.same_as)
        other = f"it is not what {same} is, which is the same by another name"
        return other if differs(record, value, field) else None
    if problem in {Wrong.MISSING, Wrong.EMPTY}:
        return "it is missing or empty"
    expected = " or ".join(dict.fromkeys(_NAMES[kind] for kind in field.types))
    if problem is Wrong.RANGE:
        expected += " of 64 bits"
    elif problem is Wrong.NUMBER:
        expected = "a whole number of 64 bits"
    elif problem is Wrong.MOMENT:
        expected = "a date and time (ISO 8601)"
    return f"expected {expected}, found {_quoted(value, names[-1], known_secrets(record))}"


def _quoted(value: Any, name: str, known: tuple[str, ...]) -> str:  # noqa: ANN401 - any JSON value
    found = _NAMES[json_type(value)]
    if isinstance(value, dict | list) or name in SECRET_FIELDS:
        return found
    # Before it is cut, which could leave a part of a secret that is not told for one.
    text = json.dumps(redact_text(value, known=known) if isinstance(value, str) else value)
    return f"{found}: {text if len(text) <= _QUOTE_LENGTH else text[:_QUOTE_LENGTH] + '...'}"
