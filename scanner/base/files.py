"""Files that people name: which may be reached, how they are read, and how they are replaced.

Whoever writes a file that others use decides what they read through it. So a name in a file
leads only to what lies in the folder of that file or below, links resolved, and only regular
files are read, up to a size: a pipe or a device may never end.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Final

from scanner.base.errors import TooLargeError, UsageError

_BUFFER: Final = 1 << 18
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
# Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
_O_READ: Final[int] = os.O_RDONLY | _O_BINARY | getattr(os, "O_NONBLOCK", 0)


def real(path: Path) -> Path:
    """Return the path with its links resolved, as far as it exists.

    A link that leads back to itself stays as it is, and opening it fails; `Path.resolve` raises a
    RuntimeError for it.
    """
    return Path(os.path.realpath(path))


def within(root: Path, name: str | Path) -> Path:
    """Return where `name`, seen from the folder `root`, lies; it need not exist.

    Raises UsageError where it leads out of that folder, by itself or through a link.
    """
    path = root / name
    try:
        inside = real(path).is_relative_to(real(root))
    except ValueError:  # a null character
        inside = False
    if not inside:
        raise UsageError(
            f"leads out of the folder {root if root.name else real(root)}",
            where=str(path),
            remedy="A file reaches only what lies in its own folder or below: move one of the two.",
        )
    return path


def leads_below(name: str) -> bool:
    """Whether a relative name, as archives and manifests have them, can lead only to what is below.

    It may have slashes, but no part that is empty, `.` or `..`.
    """
    return "\0" not in name and not {"", ".", ".."} & set(name.split("/"))


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading, never waiting for it.

    Raises UsageError for what is none, such as a folder, pipe or device, or one that the system
    makes up (/proc), and for what cannot be opened.
    """
    try:
        handle = os.open(path, _O_READ)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, reason or str(error)) from error
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        folder = "a folder, " if stat.S_ISDIR(state.st_mode) else ""
        raise _unreadable(path, f"it is {folder}not a regular file")
    file = os.fdopen(handle, "rb")
    # What /proc makes up has the size 0 and yet something to read.
    if not state.st_size and file.peek(1):
        file.close()
        raise _unreadable(path, "it is not a regular file")
    return file


def read_regular(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises UsageError, TooLargeError for a larger one.
    """
    try:
        with open_regular(path) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(content) > limit:
        raise TooLargeError(
            f"the file is larger than {limit >> 10:,} KiB",
            where=str(path),
            remedy="This is the largest that is read. Is it the file that you mean?",
        )
    return content


class TwiceError(ValueError):
    """A member that stands twice in an object of JSON; `name` is the member's."""

    def __init__(self, name: str) -> None:
        super().__init__("a member stands twice in an object")
        self.name = name


def once(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, for `object_pairs_hook`. Raises TwiceError.

    Readers differ in which of the two they take: what is sealed or checked here would say another
    thing elsewhere.
    """
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        raise TwiceError(next(name for place, name in enumerate(names) if name in names[:place]))
    return found


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"cannot be read: {reason}", where=str(path), remedy="Name a file that you may read."
    )


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose bytes become `path` when the block ends without an exception.

    They are written beside `path` and renamed over it, so that a reader sees the old file or
    the new one, and a failed run leaves the old one. A link keeps pointing where it did; a
    pipe or device is written to as it is. An OSError becomes a UsageError with the path.
    """
    _check_name(path)
    try:
        target = real(path)
        if target.exists() and not target.is_file():
            with target.open("wb", _BUFFER) as out:
                yield out
            return
        with _beside(target) as out:
            yield out
    except OSError as error:
        raise _unwritable(path, error) from error


def open_alone(path: Path, what: str) -> BinaryIO | None:
    """Open a file to read and to add to, unbuffered; None while another process has it open so.

    It is made where there is none, for its owner alone. `what` it is stands in messages. Raises
    UsageError.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be written: {error.strerror}",
            where=str(path),
            remedy="Choose another place, which you may write to, or remove what is there.",
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UsageError(
            f"{what} is not a regular file",
            where=str(path),
            remedy="Remove it, or choose another output.",
        )
    if lock(handle) is False:
        os.close(handle)
        return None
    return os.fdopen(handle, "r+b", buffering=0)


def bounded_lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """Read an unbuffered file from its start, line by line, never more than `longest` at once.

    Of a longer line comes what fits, without an end; who reads on after it reads its rest.
    """
    with os.fdopen(os.dup(file.fileno()), "rb") as lines:
        lines.seek(0)
        while line := lines.readline(longest):
            yield line


def lock(handle: int) -> bool | None:
    """Lock the file until it is closed; False where another process has, None without locks."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None  # a file system without locks
    return True


def check_writable(paths: Iterable[Path], read: Iterable[Path] = ()) -> None:
    """Raise UsageError where one of the files could not be written, or two are the same.

    Nor may one be among those that are `read` for it: they would be lost. Done before the work
    whose result they are to hold. What is there already stays as it is.
    """
    seen: dict[Path, Path] = {}
    sources = {real(path) for path in read}
    for path in paths:
        _check_name(path)
        target = real(path)
        if target in sources and target.is_file():
            raise UsageError(
                "is read by this command, and would be lost: writing would replace it",
                where=str(path),
                remedy="Give the output a name of its own.",
            )
        other = seen.setdefault(target, path)
        if other is not path:
            raise UsageError(
                f"the same file as {other}: one of the two would be lost",
                where=str(path),
                remedy="Give each report a name of its own.",
            )
        try:
            if not _is_stream(target):
                temporary, handle = _create(target)
                os.close(handle)
                temporary.unlink()
        except OSError as error:
            raise _unwritable(path, error) from error


def _check_name(path: Path) -> None:
    """Refuse the name that stands for standard output elsewhere: a file of it is never meant."""
    if path == Path("-"):
        raise UsageError(
            "stands for no file here",
            where=str(path),
            remedy="Name a file; what can go to standard output goes there without -o.",
        )


def _is_stream(target: Path) -> bool:
    """Whether the path is a pipe or device; raises OSError for a folder and an impossible name."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(None, "it is a folder")
    if stat.S_ISLNK(mode):  # what is left of links after resolving them leads to itself
        raise OSError(None, "the link leads back to itself")
    return not stat.S_ISREG(mode)


@contextmanager
def _beside(target: Path) -> Iterator[BinaryIO]:
    temporary, handle = _create(target)
    try:
        with os.fdopen(handle, "wb", _BUFFER) as out:
            yield out
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _create(target: Path) -> tuple[Path, int]:
    """Create a file beside `target`; return it and its handle."""
    # A name of its own: two runs may write the same file, and both must end whole.
    temporary = target.with_name(f".keypolicy-{os.urandom(8).hex()}.tmp")
    # Not tempfile: its files are readable by their owner alone, a report follows the umask.
    return temporary, os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot be written: {error.strerror or error}", where=str(path), remedy=_remedy(path)
    )


def _remedy(path: Path) -> str:
    with suppress(OSError):  # a name that is too long for any question
        if path.is_dir():
            return "Name a file, not a folder."
        if not path.parent.is_dir():
            return f"Create the folder {path.parent} first."
    return "Check the folder's permissions and the free space, or choose another file."
