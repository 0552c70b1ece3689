"""The folder of a site: which files it has, of what they were made, and what need not be made anew.

Each file is written beside its name and renamed, so that whoever reads the site meanwhile sees a
whole page, the old one or the new one. A folder of something else is left alone.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.base.files import leads_below, read_regular, replacing, within
from scanner.base.resources import templates_dir
from scanner.base.shape.decode import UnfitError, decoded

STATE: Final = "keypolicy-site.json"

_FORMAT: Final = "keypolicy-site"
_VERSION: Final = 1
_MOST: Final = 64 << 20
_OFTEN: Final = 50
"""After so many new files it is written down what is there, for when the process is killed."""


class SiteFile(msgspec.Struct, frozen=True):
    """A file of the site: the digest of what it was made of, and its bytes."""

    key: str
    bytes: int


class SiteState(msgspec.Struct, frozen=True):
    """What is in the folder."""

    format: str
    version: int
    files: dict[str, SiteFile]


class SiteFolder:
    """A site that is written. Raises UsageError for a folder of something else."""

    def __init__(self, folder: Path, history: Path) -> None:
        self._folder = folder
        self._before = _read(folder, history)
        self._files: dict[str, SiteFile] = {}
        self._look = look()
        self.written: list[str] = []
        self.kept = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._note(self._before)

    def file(self, name: str, parts: object, make: Callable[[BinaryIO], bool]) -> None:
        """Have a file that is made of `parts`: as it is, where it was made of the same before.

        `make` writes it, and says whether it can stay as long as they do.
        """
        key = self._key(parts)
        known = self._before.get(name)
        path = within(self._folder, name)
        if known is not None and known.key == key and _bytes(path) == known.bytes:
            self._files[name] = known
            self.kept += 1
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as out:
            lasts = make(out)
        self._files[name] = SiteFile(key if lasts else "", path.stat().st_size)
        self.written.append(name)
        if len(self.written) % _OFTEN == 0:
            self._note({**self._before, **self._files})

    def is_current(self, name: str, parts: object) -> bool:
        """Whether a file is there that was made of these parts."""
        known = self._before.get(name)
        if known is None or known.key != self._key(parts):
            return False
        return _bytes(within(self._folder, name)) == known.bytes

    def read(self, name: str) -> bytes:
        """Return the content of a file; raises UsageError."""
        return read_regular(within(self._folder, name), _MOST)

    def forget(self, name: str) -> None:
        """Have a file made anew, whatever it was made of."""
        self._before.pop(name, None)

    def finish(self) -> int:
        """Take away what belongs to the site no more; returns how many files."""
        gone = sorted(self._before.keys() - self._files.keys())
        for name in gone:
            within(self._folder, name).unlink(missing_ok=True)
        self._note(self._files)
        return len(gone)

    def _note(self, files: dict[str, SiteFile]) -> None:
        state = SiteState(_FORMAT, _VERSION, dict(sorted(files.items())))
        with replacing(within(self._folder, STATE)) as out:
            out.write(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")

    def _key(self, parts: object) -> str:
        return hashlib.sha256(msgspec.json.encode((self._look, parts))).hexdigest()


def look() -> str:
    """Return the digest of the release and of everything that pages are drawn with."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted((templates_dir() / "html").iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _read(folder: Path, history: Path) -> dict[str, SiteFile]:
    if folder.resolve().is_relative_to(history.resolve()):
        raise UsageError(
            "a site cannot lie in the history that it is made of",
            where=str(folder),
            remedy="Choose a folder beside it.",
        )
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    remedy = "Choose a new or empty folder, or one that `keypolicy history site` wrote."
    if not (folder / STATE).is_file():
        raise UsageError("is no site of keypolicy, and not empty", where=str(folder), remedy=remedy)
    try:
        state = decoded(read_regular(folder / STATE, _MOST), SiteState)
    except UnfitError as error:
        raise UsageError(
            f"cannot be read: {error}", where=str(folder / STATE), remedy=remedy
        ) from error
    if (state.format, state.version) != (_FORMAT, _VERSION):
        raise UsageError(
            f"is a site of format version {state.version}; this release writes {_VERSION}",
            where=str(folder / STATE),
            remedy="Use the release that wrote it, or a new folder.",
        )
    return {name: one for name, one in state.files.items() if leads_below(name)}


def _bytes(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
