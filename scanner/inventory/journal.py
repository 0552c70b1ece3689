"""What a fetch was told so far, kept beside its output, so that a killed fetch can go on.

A line names what the answers are for; each further line is one answer, without secrets. The
fetch walks the same way again and finds in the journal what it had asked already. A last line
that was cut off is dropped, and a journal of another fetch, or an old one, is not used.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, BinaryIO, Final, Self, TypeVar

import msgspec
from msgspec import Meta

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.base.files import bounded_lines, open_alone
from scanner.base.shape.decode import UnfitError, decoded

T = TypeVar("T")

FORMAT: Final = 2
LONGEST_AGE: Final = timedelta(hours=6)
"""Older answers are not mixed with new ones: keys come and go."""
_LONGEST: Final = 1 << 27  # bytes of a line, twice what an answer may have


class _Heading(msgspec.Struct):
    journal: int
    tool: str
    started_at: Annotated[datetime, Meta(tz=True)]
    purpose: Any


class _JournalLine(msgspec.Struct):
    asked: str
    answer: msgspec.Raw


class Journal:
    """Answers by what was asked. Use as a context manager.

    Without a path it keeps nothing, nor while another process keeps the same one. `purpose` is
    any JSON value that tells fetches apart: the server, the scope, who is asking. The caller
    removes the file when the output is in place.
    """

    def __init__(self, path: Path | None, purpose: object = None) -> None:
        self.started_at = datetime.now(UTC)
        self.recalled = 0
        self._places: dict[str, tuple[int, int]] = {}
        self._file: BinaryIO | None = None
        if path is not None:
            self._file = _open(path)
        if self._file is not None:
            end = self._read(purpose)
            self._file.truncate(end)
            if end == 0:
                heading = _Heading(FORMAT, __version__, self.started_at, purpose)
                self._append(msgspec.json.encode(heading))

    @property
    def is_kept(self) -> bool:
        """Whether answers are kept at all."""
        return self._file is not None

    @property
    def is_resumed(self) -> bool:
        """Whether there were answers from before."""
        return self.recalled > 0

    def recall(self, asked: str, kind: type[T]) -> T | None:
        """Return the answer that was noted for this, None if there is none."""
        place = self._places.get(asked)
        if place is None or self._file is None:
            return None
        self._file.seek(place[0])
        try:
            line = decoded(self._file.read(place[1]), _JournalLine)
            answer = decoded(bytes(line.answer), kind)
        except UnfitError:  # somebody has changed the file: ask again
            self.forget(asked)
            return None
        self.recalled += 1
        return answer

    def note(self, asked: str, answer: object) -> None:
        """Keep an answer, which must hold no secret, before anything is made of it."""
        if self._file is not None:
            line = _JournalLine(asked, msgspec.Raw(msgspec.json.encode(answer)))
            self._append(msgspec.json.encode(line))

    def forget(self, asked: str) -> None:
        """Drop an answer that no longer holds, so that it is asked for again."""
        self._places.pop(asked, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _append(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - only called with a file
        self._file.seek(0, os.SEEK_END)
        # Unbuffered: what was written is with the system, whatever becomes of this process.
        self._file.write(line + b"\n")

    def _read(self, purpose: object) -> int:
        """Find the answers that may be used; return where they end."""
        assert self._file is not None  # noqa: S101 - only called with a file
        end = 0
        for number, line in enumerate(bounded_lines(self._file, _LONGEST)):
            if not line.endswith(b"\n"):
                break
            try:
                if number == 0 and not self._matches(line, purpose):
                    break
                if number:
                    asked = decoded(line, _JournalLine).asked
                    self._places[asked] = (end, len(line))
            except UnfitError:
                break
            end += len(line)
        return end

    def _matches(self, line: bytes, purpose: object) -> bool:
        heading = decoded(line, _Heading)
        age = self.started_at - heading.started_at
        same = (heading.journal, heading.tool) == (FORMAT, __version__) and (
            heading.purpose == msgspec.json.decode(msgspec.json.encode(purpose))
        )
        if not same or not timedelta() <= age <= LONGEST_AGE:
            return False
        self.started_at = heading.started_at
        return True


def _open(path: Path) -> BinaryIO | None:
    """Open the journal; None while another fetch of the same output writes it.

    Two that write one journal would read each other's answers at the wrong places.
    """
    what = "the journal of the fetch"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be written: {error.strerror}",
            where=str(path),
            remedy="Choose a folder that you may write to.",
        ) from error
    return open_alone(path, what)
