"""What is sound of a broken file: one mistake in it must not hide the others."""

from typing import TypeVar

import msgspec

T = TypeVar("T")
D = TypeVar("D", bound=msgspec.Struct)


def decode(raw: object, wanted: type[T]) -> T | None:
    """Return a part of a file decoded; None where it is not sound."""
    try:
        return msgspec.convert(raw, wanted, strict=True)
    except msgspec.ValidationError:
        return None


def decode_parts(raw: object, wanted: type[D], needed: tuple[str, ...] = ()) -> D | None:
    """Return what is sound of a mapping; None where that lacks what is `needed`."""
    written = raw if isinstance(raw, dict) else {}
    least = {key: written[key] for key in needed if key in written}
    known = {field.encode_name for field in msgspec.structs.fields(wanted)}
    parts = {
        key: value
        for key, value in written.items()
        if key in known and decode({**least, key: value}, wanted) is not None
    }
    return decode(parts, wanted)
