"""The folder of a history: in comes its path, out come its runs, each held to its digests.

    DIR/keypolicy-history.json                              what this folder is
    DIR/20260701T093000Z-1f2e3d4c-0a1b2c3d4e5f/             a run: time, line and id
        manifest.json  report.json.gz  findings.parquet  tracked.jsonl.gz
        inventory-0.jsonl.gz  policies/...  waivers.yaml  baseline.jsonl  owners.yaml

Nothing in it ever changes. What begins with a dot is being written, or was left by a process that
was killed.
"""

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import read_regular, within
from scanner.base.shape.decode import UnfitError, decoded
from scanner.history.carry import LineReader
from scanner.history.manifest import (
    MAX_BYTES,
    DamageError,
    Manifest,
    decode,
    folder_name,
)
from scanner.model.history import MANIFEST, MARKER, TrackedFinding

PRUNED: Final = "pruned.json"
REPORT: Final = "report.json.gz"
FINDINGS: Final = "findings.parquet"
TRACKED: Final = "tracked.jsonl.gz"

FORMAT: Final = "keypolicy-history"
VERSION: Final = 1

_NAME: Final = re.compile(r"([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{8})-([0-9a-f]{12})")
_MOST: Final = 2 << 30
_PIECE: Final = 1 << 20


class PruneMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What PRUNED says: when parts were taken out of a run, all of them or its inventory alone.

    In a bundle, `evidence` says that the run has there what its evidence needs.
    """

    at: datetime | None = None
    inventory_only: bool = False
    evidence: bool = False


class StoredRun(msgspec.Struct, frozen=True):
    """A run in its folder; `digest` is the SHA-256 of its manifest."""

    path: Path
    manifest: Manifest
    digest: str

    @property
    def is_pruned(self) -> bool:
        """Whether larger parts of it were taken out on purpose."""
        return (self.path / PRUNED).is_file()

    def mark(self) -> PruneMark | None:
        """Return what was taken out on purpose. Raises DamageError where that is not told."""
        if not self.is_pruned:
            return None
        where = str(self.path / PRUNED)
        try:
            mark = decoded(read_regular(self.place(PRUNED), MAX_BYTES), PruneMark)
        except (UsageError, UnfitError) as error:
            raise DamageError(f"cannot be read: {error}", "edited", where=where) from error
        if mark.evidence is (mark.at is not None):
            raise DamageError("does not say what was pruned", "edited", where=where)
        return mark

    def may_lack(self, name: str) -> bool:
        """Whether a part was taken out on purpose: a mark of inventories is about no other."""
        try:
            mark = self.mark()
        except DamageError:
            return False
        return mark is not None and (not mark.inventory_only or name in self.inventories)

    @property
    def inventories(self) -> frozenset[str]:
        """The names of the parts that hold its inventory."""
        kept = self.manifest.inventory
        return frozenset(one.name for one in kept.inputs) if kept is not None else frozenset()

    def place(self, name: str) -> Path:
        """Return where a part lies. Raises UsageError where a link leads out of the run."""
        return within(self.path, name)

    def part(self, name: str) -> bytes:
        """Return the bytes of a part as they were written.

        Raises DamageError where it is missing, pruned or another one.
        """
        where = str(self.path / name)
        known = self.manifest.parts.get(name)
        if known is None:
            raise DamageError("is no part of this run", "no-part", where=where)
        try:
            path = self.place(name)
            if not path.exists() and self.may_lack(name):
                remedy = "Its figures are kept: see `keypolicy history trend`."
                raise DamageError("was pruned", "pruned", where=where, remedy=remedy)
            raw = read_regular(path, _MOST)
        except UsageError as error:
            raise DamageError(error.message, "missing", where=where) from error
        if len(raw) != known.bytes or hashlib.sha256(raw).hexdigest() != known.sha256:
            raise DamageError(
                "is not what the run wrote: its SHA-256 differs from that in the manifest",
                "changed",
                where=where,
            )
        return raw

    def pieces(self, name: str, most: int | None = None) -> Iterator[bytes]:
        """Give what a part that is packed with gzip holds, a piece at a time.

        Two parts of equal content come in equal pieces. Raises DamageError, also for more than
        `most` bytes.
        """
        where, told = str(self.path / name), 0
        most = _MOST if most is None else most
        with gzip.GzipFile(fileobj=BytesIO(self.part(name))) as file:
            while True:
                try:
                    piece = file.read(_PIECE)
                except (OSError, EOFError, zlib.error) as error:
                    raise DamageError(f"cannot be unpacked: {error}", "cut", where=where) from error
                if not piece:
                    return
                told += len(piece)
                if told > most:
                    message = f"unpacks to more than {most >> 20:,} MiB"
                    raise DamageError(message, "too-large", where=where)
                yield piece

    def unpacked(self, name: str, most: int | None = None) -> bytes:
        """Return all that such a part holds; raises DamageError."""
        return b"".join(self.pieces(name, most))

    def tracked(self) -> tuple[TrackedFinding, ...]:
        """Return the findings that the line knew after this run; raises DamageError."""
        found: list[TrackedFinding] = []
        reader, rest = LineReader(self.manifest.run.as_of), b""
        try:
            for piece in self.pieces(TRACKED):
                lines, end, rest = (rest + piece).rpartition(b"\n")
                found += reader.read(lines + end)
            found += reader.read(rest)
        except ValueError as error:
            where = str(self.path / TRACKED)
            raise DamageError(f"cannot be read: {error}", "edited", where=where) from error
        return tuple(found)


class _FolderMarker(msgspec.Struct):
    format: str
    version: int


class History:
    """An existing history. Raises DamageError for a folder that is none, or of a newer release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        check(folder)

    def names(self) -> list[str]:
        """Return the names of the runs' folders, by time."""
        with os.scandir(self.folder) as entries:
            return sorted(one.name for one in entries if _NAME.fullmatch(one.name))

    def run(self, name: str) -> StoredRun:
        """Read a run's manifest; raises DamageError."""
        path = self.folder / name
        where = str(path / MANIFEST)
        if not _NAME.fullmatch(name):
            raise DamageError("is not the folder of a run", "no-manifest", where=str(path))
        try:
            raw = read_regular(path / MANIFEST, MAX_BYTES)
        except UsageError as error:
            raise DamageError(error.message, "no-manifest", where=where) from error
        manifest = decode(raw, where)
        own = folder_name(manifest)
        if own != name:
            is_copy = (self.folder / own).exists()
            remedy = "It is a copy: take it away." if is_copy else "Give the folder its name back."
            raise DamageError(f"is that of {own}", "misplaced", where=where, remedy=remedy)
        return StoredRun(path, manifest, hashlib.sha256(raw).hexdigest())

    def runs(self) -> tuple[list[StoredRun], list[DamageError]]:
        """Return the sound runs by time, and what is wrong with the others."""
        sound, damaged = [], []
        for name in self.names():
            try:
                sound.append(self.run(name))
            except DamageError as error:
                damaged.append(error)
        return sorted(sound, key=moment_of), damaged


def moment_of(run: StoredRun) -> tuple[datetime, datetime, str]:
    """Return by what runs are put in order: their time, then when they began."""
    times = run.manifest.run
    return times.as_of, times.started_at, times.id


def check(folder: Path) -> None:
    """Raise DamageError where the folder is no history, or one of a newer format."""
    where = str(folder)
    try:
        raw = read_regular(folder / MARKER, MAX_BYTES)
        marker = decoded(raw, _FolderMarker)
    except (UsageError, UnfitError):
        marker = None
    if marker is None or marker.format != FORMAT:
        remedy = (
            "Name the folder that `keypolicy scan --history DIR` writes: a new one, an empty one,"
            " or one that it wrote to before."
        )
        if _has_runs(folder):
            remedy = f"It has runs: take {MARKER} back, or write {marker_bytes().decode().strip()}."
        raise DamageError(
            f"is no history: there is no {MARKER} that says so",
            "no-history",
            where=where,
            remedy=remedy,
        )
    if marker.version != VERSION:
        raise DamageError(
            f"is a history of format version {marker.version}; this release uses {VERSION}",
            "newer-format",
            where=where,
            remedy="Use the release that wrote it, or a later one.",
        )


def _has_runs(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return any(_NAME.fullmatch(one.name) for one in entries)
    return False


def marker_bytes() -> bytes:
    """Return the content of MARKER."""
    return msgspec.json.encode({"format": FORMAT, "version": VERSION}) + b"\n"
