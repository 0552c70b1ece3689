"""The files of evidence: in comes a folder, out comes which of them are not what they should be."""

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.base.text import plural
from scanner.evidence.archive import AGAIN, MOST_MEMBERS, check_name
from scanner.evidence.bundle import SUMS
from scanner.history.folder import StoredRun
from scanner.history.manifest import DamageError

MOST_TEXT: Final = 64 << 20
"""Largest file of those that only a bundle has."""

_GZIP: Final = 31
"""A window as large as there is, and the headers of gzip (zlib.h)."""

_LINE: Final = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST_UNPACKED, _FEW_TIMES, _SMALL = 4 << 30, 200, 64 << 20
"""What a packed part may come to: in all, and as a multiple of its size unless it is small."""


def digests(root: Path) -> Iterator[DamageError]:
    """Hold every file to SHA256SUMS, and SHA256SUMS to the files."""
    if linked := [*links(root)]:
        yield from linked
        return
    there = set(files_of(root))
    if len(there) > MOST_MEMBERS:
        yield damaged(root, f"has more than {MOST_MEMBERS:,} files", "too-large")
        return
    try:
        text = read_regular(root / SUMS, MOST_TEXT).decode()
    except (UsageError, UnicodeDecodeError):
        yield damaged(root / SUMS, "is missing: nothing says what there has to be", "no-sums")
        return
    listed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None or found[2] in listed:
            why = f"line {number} is no digest of a file, or one of the same file"
            yield damaged(root / SUMS, why, "no-sums")
            return
        listed[found[2]] = found[1]
    there -= {SUMS}
    for name in sorted(listed.keys() - there):
        yield damaged(root / name, "is missing, and in SHA256SUMS", "removed")
    for name in sorted(there - listed.keys()):
        yield damaged(root / name, "was added: it is not in SHA256SUMS", "added")
    for name in sorted(there & listed.keys()):
        with (root / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != listed[name]:
                yield damaged(root / name, "was changed: SHA256SUMS has another digest", "changed")


def links(root: Path) -> Iterator[DamageError]:
    """Refuse what a bundle cannot have: links lead elsewhere, devices never end."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                yield damaged(path, "is a link or device, no file", "link")


def files_of(root: Path) -> Iterator[str]:
    """Give the names of all files below a folder."""
    for path in root.rglob("*"):
        if path.is_file():
            yield path.relative_to(root).as_posix()


def weigh(run: StoredRun) -> None:
    """Raise DamageError for a packed part that comes to more than any scan writes."""
    for name, part in run.manifest.parts.items():
        path = run.path / name
        check_name(name, str(run.path))
        if not name.endswith(".gz") or not path.exists():
            continue
        most = min(_MOST_UNPACKED, max(_SMALL, part.bytes * _FEW_TIMES))
        if _comes_to_more(path, most):
            why = f"comes to more than {plural(most, 'byte')} when it is unpacked"
            raise damaged(path, why, "bomb", "It is made to fill memory: do not unpack it.")


def _comes_to_more(path: Path, most: int) -> bool:
    total, data, unpacker = 0, b"", zlib.decompressobj(wbits=_GZIP)
    with path.open("rb") as file:
        while data := data or file.read(1 << 16):
            try:
                total += len(unpacker.decompress(data, 1 << 20))
            except zlib.error:
                return False  # what it is will be told where it is read
            if total > most:
                return True
            data = unpacker.unconsumed_tail
            if unpacker.eof:  # another member may follow, as gzip has it
                data, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=_GZIP)
    return False


def damaged(path: Path, message: str, code: str, remedy: str = AGAIN) -> DamageError:
    """Return what is wrong with a file of a bundle, and what to do about it."""
    return DamageError(message, code, where=str(path), remedy=remedy)
