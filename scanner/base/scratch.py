"""Private folders for what a command needs meanwhile, and that nothing stays of one that is killed.

A process has one folder, TMPDIR/keypolicy-USER/NAME, and holds NAME.lock beside it locked until it
ends, which the system undoes however it ends. So the next process knows what was left, and removes
it. All lie in a folder of the user's own: looking through a full TMPDIR would take milliseconds.
"""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from scanner.base.files import lock

_PREFIX: Final = "keypolicy-"
_LOCK: Final = ".lock"
_O_LOCK: Final[int] = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
_TRIES: Final = 9


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder that nobody else can read; it is gone after the block."""
    folder = scratch_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what stays goes with the process


def scratch_folder() -> Path:
    """Make an empty folder that nobody else can read, and that goes with the process."""
    return Path(tempfile.mkdtemp(dir=_own()))


@cache
def _own() -> Path:
    """Make the folder of this process, after what killed ones left is removed."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):  # a process that ended took the empty home with it
            home = _home()
            if home is None:
                break
            _sweep(home)
            if (folder := _held(home)) is not None:
                return folder
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _home() -> Path | None:
    """Return the user's folder, None where there is none that is surely out of others' reach."""
    if sys.platform == "win32":  # without locks that tell who is gone
        return None
    user = os.geteuid()
    home = Path(tempfile.gettempdir(), f"{_PREFIX}{user}")
    try:
        home.mkdir(0o700, exist_ok=True)
    except OSError:  # something else is there
        return None
    state = home.lstat()
    is_ours = stat.S_ISDIR(state.st_mode) and state.st_uid == user
    return home if is_ours and not state.st_mode & 0o077 else None


def _held(home: Path) -> Path | None:
    """Make a folder with its lock; None where another took it for one that was left."""
    folder = home / os.urandom(8).hex()
    # The lock comes first and goes last: without a folder it is removed, a folder without it not.
    handle = os.open(folder.with_suffix(_LOCK), _O_LOCK | os.O_CREAT | os.O_EXCL, 0o600)
    if lock(handle) is False or not os.fstat(handle).st_nlink:
        os.close(handle)
        return None
    atexit.register(_end, folder, handle)
    folder.mkdir(0o700)
    return folder


def _end(folder: Path, handle: int) -> None:
    _remove(folder)
    os.close(handle)
    with suppress(OSError):  # it is not empty: others are at work
        folder.parent.rmdir()


def _sweep(home: Path) -> None:
    """Remove what processes left that are gone: nobody holds its lock."""
    with suppress(OSError), os.scandir(home) as found:
        for name in [one.name for one in found if one.name.endswith(_LOCK)]:
            with suppress(OSError):  # another process was quicker
                handle = os.open(home / name, _O_LOCK)
                try:
                    if lock(handle):
                        _remove((home / name).with_suffix(""))
                finally:
                    os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a folder whose lock is held, and then its lock."""
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        folder.with_suffix(_LOCK).unlink(missing_ok=True)
