"""Reads JSON slowly, one record at a time, and knows the line and column of everything.

For telling what is wrong with a file; the engine reads the files that are right.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final

LONGEST_RECORD: Final = 16 << 20
"""The engine's own bound on a record, in characters: DuckDB's maximum_object_size."""

AGAIN: Final = "Export it again, whole and unchanged."

_TOO_LONG: Final = f"longer than {LONGEST_RECORD:,} characters"
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_DECODER: Final = json.JSONDecoder()

LineColumn = tuple[int, int]
"""A line and a column, both counted from 1, in characters."""


class FaultError(Exception):
    """The first fault in a file, where it stands, and how to mend it."""

    def __init__(self, message: str, place: LineColumn, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy


class Record:
    """A value of the file, with its number (counted from 1), its text and where it stands."""

    def __init__(self, number: int, value: Any, text: str, start: LineColumn) -> None:  # noqa: ANN401 - any JSON value
        self.number = number
        self.value = value
        self.text = text
        self.start = start

    @property
    def end(self) -> LineColumn:
        """Where the record ends."""
        return _after(self.start, self.text)

    def fault(self, message: str, remedy: str, *path: str) -> FaultError:
        """Make the fault that stands at a member of the record, or at the nearest above it."""
        offset = 0
        for name in path:
            found = _member(self.text, offset, name)
            if found is None:
                break
            offset = found
        place = _after(self.start, self.text[:offset])
        return FaultError(f"record {self.number}: {message}", place, remedy)


class Reader:
    """The records of a file that comes in chunks of bytes; raises FaultError at the first fault.

    Use one of `array`, `lines` and `objects`, once.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""  # the part of the file that is at hand
        self._at = 0  # how far into it the reader is
        self._place = (1, 1)  # where that is in the file
        self._number = 0

    def array(self) -> Iterator[Record]:
        """Read one list of records."""
        self._skip_space()
        self._advance(1)
        mark = self._skip_space()
        while mark != "]" or self._number:
            if not mark:
                raise self._fault("the file ends after this record, inside the list", AGAIN)
            yield self._record()
            mark = self._skip_space()
            if mark == "]":
                break
            if mark and mark != ",":
                raise self._fault("a comma or ] has to follow this record", AGAIN)
            self._advance(1)
            mark = self._skip_space()
        self._advance(1)
        if self._skip_space():
            raise self._fault(
                "something follows the end of the list",
                "If several answers were joined, make one list of them: jq -s add FILE",
            )

    def lines(self) -> Iterator[Record]:
        """Read a record a line; blank lines are skipped."""
        while self._skip_space():
            record = self._record(in_line=True)
            if self._text[self._at : self._line_end()].strip():
                raise self._fault(
                    "something follows this record on its line", "Put each record on its own line."
                )
            yield record

    def objects(self) -> Iterator[Record]:
        """Read records that follow each other, laid out anyhow."""
        while self._skip_space():
            yield self._record()

    def _fill(self) -> bool:
        """Take one chunk more; return whether there was one."""
        chunk = next(self._chunks, b"")
        try:
            self._text += self._decode.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            data = bytes(error.object)
            before = self._text[self._at :] + data[: error.start].decode()
            raise FaultError(
                f"byte 0x{data[error.start]:02x} is not UTF-8",
                _after(self._place, before),
                "Save the file as UTF-8.",
            ) from error
        return bool(chunk)

    def _advance(self, length: int) -> None:
        end = self._at + length
        self._place = _after(self._place, self._text[self._at : end])
        self._at = end
        if 2 * self._at > len(self._text):
            self._text = self._text[self._at :]
            self._at = 0

    def _skip_space(self) -> str:
        """Go on to what is not white space; return its first character, "" at the end."""
        while True:
            self._advance(_skip(self._text, self._at) - self._at)
            if self._at < len(self._text) or not self._fill():
                return self._text[self._at : self._at + 1]

    def _line_end(self) -> int:
        """Return where the line that the reader is on ends, within the text at hand."""
        start = self._at
        while True:
            end = self._text.find("\n", start)
            if end >= 0:
                return end
            start = len(self._text)
            if start - self._at > LONGEST_RECORD:
                raise self._fault(_TOO_LONG, AGAIN)
            if not self._fill():
                return len(self._text)

    def _record(self, *, in_line: bool = False) -> Record:
        """Read the value that begins here; it may be held to the line that it begins on."""
        self._number += 1
        while True:
            end = self._line_end() if in_line else None  # may read on, so it comes first
            text = self._text[:end]
            try:
                value, stop = _DECODER.raw_decode(text, self._at)
            except RecursionError:
                raise self._fault("nested too deeply", AGAIN) from None
            except json.JSONDecodeError as error:
                if not in_line and self._widen():
                    continue
                raise self._syntax(error) from None
            except ValueError:  # Python's own bound on the length of a number
                raise self._fault("a number with too many digits", AGAIN) from None
            record = Record(self._number, value, text[self._at : stop], self._place)
            self._check_surrogates(record)
            self._advance(stop - self._at)
            return record

    def _check_surrogates(self, record: Record) -> None:
        """Refuse half a surrogate pair, as the engine does; Python's own reader takes it."""
        escape = _SURROGATE.search(record.text)
        if escape is None:
            return
        try:
            json.dumps(record.value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            message = f"half a surrogate pair ({escape[0]}), which is no character"
            raise self._fault(message, AGAIN, escape.start()) from None

    def _widen(self) -> bool:
        """Double the text at hand: reading a long record again stays linear in its length."""
        length = len(self._text) - self._at
        if length > LONGEST_RECORD:
            raise self._fault(_TOO_LONG, AGAIN)
        filled = False
        while len(self._text) - self._at < 2 * length and self._fill():
            filled = True
        return filled

    def _fault(self, message: str, remedy: str, offset: int = 0) -> FaultError:
        """Make the fault that stands so many characters further."""
        place = _after(self._place, self._text[self._at : self._at + offset])
        return FaultError(f"record {self._number}: {message}", place, remedy)

    def _syntax(self, error: json.JSONDecodeError) -> FaultError:
        end = len(error.doc.rstrip())
        if error.pos >= end or error.msg.startswith("Unterminated"):
            whole = "line" if self._text[len(error.doc) :].strip() else "file"
            return self._fault(
                f"the {whole} ends in the middle of this record", AGAIN, end - self._at
            )
        said = error.msg[0].lower() + error.msg[1:].removesuffix(" at")
        return self._fault(f"not JSON: {said}", AGAIN, error.pos - self._at)


def _member(text: str, start: int, name: str) -> int | None:
    """Return the offset of a member's value in the object that begins at `start`."""
    if text[start] != "{":
        return None
    at = start
    while True:
        at = _skip(text, at + 1)
        if text[at] == "}":
            return None
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == name:
            return at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == "}":
            return None


def _skip(text: str, start: int) -> int:
    blank = _SPACE.match(text, start)
    return blank.end() if blank else start


def _after(place: LineColumn, text: str) -> LineColumn:
    """Return where text that begins at `place` ends."""
    line, column = place
    breaks = text.count("\n")
    return (line + breaks, len(text) - text.rfind("\n") if breaks else column + len(text))
