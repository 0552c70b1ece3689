"""Report files that are either whole or not there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from scanner.model.errors import UsageError

_BUFFER: Final = 1 << 18


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose bytes become `path` when the block ends without an exception.

    They are written beside `path` and renamed over it, so that a reader sees the old report or
    the new one, and a failed run leaves the old one. A link keeps pointing where it did; a
    pipe or device is written to as it is. An OSError becomes a UsageError with the path.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            with target.open("wb", _BUFFER) as out:
                yield out
            return
        with _beside(target) as out:
            yield out
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error.strerror or error}",
            where=str(path),
            remedy=_remedy(path),
        ) from error


@contextmanager
def _beside(target: Path) -> Iterator[BinaryIO]:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    # Not tempfile: its files are readable by their owner alone, a report follows the umask.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
    try:
        with os.fdopen(handle, "wb", _BUFFER) as out:
            yield out
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


def _remedy(path: Path) -> str:
    if path.is_dir():
        return "Name a file, not a folder."
    if not path.parent.is_dir():
        return f"Create the folder {path.parent} first."
    return "Check the folder's permissions and the free space, or choose another file."
