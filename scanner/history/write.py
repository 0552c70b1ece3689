"""Adding a run to a history: in come its parts, out comes a folder that is there whole or not.

It is written beside, under a name that begins with a dot, and renamed into place; nothing else in
the folder is ever touched. So any number of writers may add at once without knowing of each other,
and one that is killed leaves at most what `keypolicy history prune` clears away.
"""

import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from scanner.base.files import replacing
from scanner.history.folder import check, marker_bytes
from scanner.history.manifest import Manifest, RunPart, encode, folder_name
from scanner.model.history import MANIFEST, MARKER

WRITING: Final = ".writing-"
"""What the name of a run's folder begins with while it is written."""


class Staging:
    """A run while it is written, in a folder of its own inside the history."""

    def __init__(self, history: Path) -> None:
        """Make the history, where it is a new or empty folder, and begin a run in it.

        Raises DamageError for a folder of something else, OSError where it cannot be written.
        """
        self._history = history
        begin(history)
        self.folder = history / f"{WRITING}{secrets.token_hex(8)}"
        self.folder.mkdir()

    def put(self, name: str, content: bytes) -> str:
        """Write a part; returns its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def parts(self) -> dict[str, RunPart]:
        """Bring all parts safely to the disk, and return them with their digests."""
        found = {}
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            name = path.relative_to(self.folder).as_posix()
            found[name] = RunPart(digest, path.stat().st_size)
        return found

    def seal(self, manifest: Manifest) -> Path:
        """Write the manifest and give the run its name. Raises OSError, also where there is one."""
        target = self._history / folder_name(manifest)
        with (self.folder / MANIFEST).open("wb") as out:
            out.write(encode(manifest))
            out.flush()
            os.fsync(out.fileno())
        _sync(self.folder)
        # A folder that is there and has something in it is never replaced: that is an OSError.
        self.folder.rename(target)
        _sync(self._history)
        return target

    def discard(self) -> None:
        """Leave nothing of a run that was not sealed."""
        shutil.rmtree(self.folder, ignore_errors=True)


def begin(history: Path) -> None:
    """Make a history of a new or empty folder. Raises DamageError for one of something else."""
    history.mkdir(parents=True, exist_ok=True)
    if not (history / MARKER).exists() and not _has_something(history):
        with replacing(history / MARKER) as out:
            out.write(marker_bytes())
    check(history)


def _has_something(folder: Path) -> bool:
    """Whether there is anything in the folder that a history does not bring; .git may be there."""
    with os.scandir(folder) as entries:
        return any(not one.name.startswith(".") and one.name != MARKER for one in entries)


def _sync(folder: Path) -> None:
    # Not every system lets a folder be opened; there the name is safe a little later.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
