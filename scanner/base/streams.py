"""The standard streams, which the surroundings may have closed, filled or given an old encoding.

What is said on them is UTF-8, as reports are: what cannot be said so is escaped.
"""

import errno
import io
import os
import sys
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_FIRST_OF_OTHERS: Final = 3
_BUFFER: Final = 1 << 16


class _ClosedError(OSError):
    """There is no such stream, and never was."""


class _Stream(io.FileIO):
    """A standard stream; what is written is dropped where it fails for a reason that is excused."""

    def __init__(self, descriptor: int, *, absent: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.excused: tuple[type[OSError], ...] = ()
        self._absent = absent

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, as FileIO does."""
        try:
            if self._absent:
                raise _ClosedError(errno.EBADF, "standard output is closed")
            return super().write(data)
        except self.excused:
            return memoryview(data).nbytes


class _Told(io.RawIOBase):
    """A stream of text as one of its bytes in UTF-8."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._decode = getincrementaldecoder("utf-8")()

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Pass the data on; a letter may begin in one piece and end in the next."""
        self._out.write(self._decode.decode(data))
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Pass on what the text stream still has."""
        self._out.flush()


_OUTPUT: list[_Stream] = []


def secure() -> None:
    """Make the streams of this process fit to be written to; called once, before all else.

    Standard error never fails: what cannot be told there changes no exit code.
    """
    absent = [stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)]
    # Else the next file that is opened would become what others write to.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _FIRST_OF_OTHERS:
        pass
    os.close(descriptor)
    if absent[0]:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    if sys.stdout is sys.__stdout__:
        output = _Stream(1, absent=absent[1])
        sys.stdout = _text(output)
        _OUTPUT[:] = [output]
    if sys.stderr is sys.__stderr__:
        errors = _Stream(2, absent=absent[2])
        errors.excused = (OSError,)
        sys.stderr = _text(errors)


def takes_bytes() -> bool:
    """Whether standard output is one of bytes; that of a notebook, or of a test, is of text."""
    return hasattr(sys.stdout, "buffer")


def byte_output() -> BinaryIO:
    """Return standard output for bytes in UTF-8, behind what was written to it as text."""
    sys.stdout.flush()
    return sys.stdout.buffer if takes_bytes() else cast("BinaryIO", _Told(sys.stdout))


def excuse_readers() -> None:
    """Let nobody notice that standard output has no reader, or none any more, as with `| head`.

    For what is to be done, and judged, whether somebody reads of it or not.
    """
    for output in _OUTPUT:
        output.excused = (BrokenPipeError, _ClosedError)


def drop_output() -> None:
    """Let nothing more be written to standard output: Python would complain when it ends."""
    for output in _OUTPUT:
        output.excused = (OSError,)
    with suppress(OSError):
        sys.stdout.flush()


def _text(stream: _Stream) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(stream, _BUFFER),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=stream.fileno() != 1 or stream.isatty(),
    )
