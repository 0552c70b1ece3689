"""A JSON array as a stream: one element a line, so that two reports can be compared by line."""

from collections.abc import Iterable
from typing import Any, BinaryIO, Final

import msgspec

_FLUSH: Final = 1 << 18  # bytes gathered before they are written


def write_elements(out: BinaryIO, elements: Iterable[Any]) -> None:
    """Write `[`, each element on a line of its own, and `]`."""
    encoder = msgspec.json.Encoder()
    buffer = bytearray(b"[")
    separator = b"\n"
    for element in elements:
        buffer += separator
        encoder.encode_into(element, buffer, -1)
        separator = b",\n"
        if len(buffer) > _FLUSH:
            out.write(buffer)
            buffer.clear()
    buffer += b"]" if separator == b"\n" else b"\n]"
    out.write(buffer)
