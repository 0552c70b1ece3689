"""A JSON array as a stream: one element a line, so that two reports can be compared by line."""

from collections.abc import Iterable
from typing import IO, Any, Final

import msgspec

_FLUSH: Final = 1 << 18  # bytes gathered before they are written


class JsonArray:
    """Writes `[`, each element on a line of its own, and `]`."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray(b"[")
        self._separator = b"\n"

    def add(self, elements: Iterable[Any]) -> None:
        """Add elements of any type that msgspec encodes."""
        buffer, encode_into = self._buffer, self._encoder.encode_into
        for element in elements:
            buffer += self._separator
            encode_into(element, buffer, -1)
            self._separator = b",\n"
            if len(buffer) > _FLUSH:
                self._out.write(buffer)
                buffer.clear()

    def end(self) -> None:
        """Close the array."""
        self._buffer += b"]" if self._separator == b"\n" else b"\n]"
        self._out.write(self._buffer)
        self._buffer.clear()
