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
from datetime import datetime
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import read_regular, within
from scanner.base.text import plural
from scanner.history.carry import LineReader
from scanner.history.line import is_stranger
from scanner.history.manifest import (
    MAX_BYTES,
    DamageError,
    Manifest,
    decode,
    folder_name,
    stamp,
)
from scanner.model.history import TrackedFinding

MARKER: Final = "keypolicy-history.json"
MANIFEST: Final = "manifest.json"
PRUNED: Final = "pruned.json"
REPORT: Final = "report.json.gz"
FINDINGS: Final = "findings.parquet"
TRACKED: Final = "tracked.jsonl.gz"

FORMAT: Final = "keypolicy-history"
VERSION: Final = 1

_NAME: Final = re.compile(r"([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{8})-([0-9a-f]{12})")
_MOST: Final = 2 << 30
_PIECE: Final = 1 << 20
_MOST_TRIED: Final = 200
"""Runs of its line that are looked at for the one that a run carries on."""


class StoredRun(msgspec.Struct, frozen=True):
    """A run in its folder; `digest` is the SHA-256 of its manifest."""

    path: Path
    manifest: Manifest
    digest: str

    @property
    def is_pruned(self) -> bool:
        """Whether its larger parts were taken out on purpose."""
        return (self.path / PRUNED).is_file()

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
        if self.is_pruned and not self.place(name).exists():
            remedy = "Its figures are kept: see `keypolicy history trend`."
            raise DamageError("was pruned", "pruned", where=where, remedy=remedy)
        try:
            raw = read_regular(self.place(name), _MOST)
        except UsageError as error:
            raise DamageError(error.message, "missing", where=where) from error
        if len(raw) != known.bytes or hashlib.sha256(raw).hexdigest() != known.sha256:
            raise DamageError(
                "is not what the run wrote: its SHA-256 differs from that in the manifest",
                "changed",
                where=where,
                remedy="Take it back from a copy of the history.",
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
        except (msgspec.MsgspecError, ValueError) as error:
            where = str(self.path / TRACKED)
            raise DamageError(f"cannot be read: {error}", "edited", where=where) from error
        return tuple(found)


class _FolderMarker(msgspec.Struct):
    format: str
    version: int


class Predecessor(msgspec.Struct, frozen=True):
    """The run that one carries on, if there is any, and what a person has to know of the search.

    `is_certain`: no run was passed over that might have been it and told of earlier times.
    """

    run: StoredRun | None
    tracked: tuple[TrackedFinding, ...]
    warnings: tuple[str, ...]
    is_certain: bool


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
        if folder_name(manifest) != name:
            raise DamageError(
                f"is that of {folder_name(manifest)}", "misplaced", where=where,
                remedy="Give the folder its name back.",
            )  # fmt: skip
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

    def before(self, line: str, as_of: datetime, organizations: dict[str, int]) -> Predecessor:
        """Find the run of the line that one of this time carries on: the latest up to it."""
        warnings: list[str] = []
        names = [name for name in self.names() if f"-{line}-" in name]
        limit = stamp(as_of)
        later = [name for name in names if name[: len(limit)] > limit]
        if later:
            warnings.append(
                f"history: there {'is' if len(later) == 1 else 'are'}"
                f" {plural(len(later), 'later run')} of this scope, the last of"
                f" {later[-1][:16]}: either this scan is about the past, or a clock went back;"
                " nothing of them is changed"
            )
        skipped = False
        for name, run in self._latest_first(names[: len(names) - len(later)], warnings):
            if run is None:
                skipped = True
            elif run.manifest.run.as_of <= as_of and not is_stranger(
                run.manifest.looked.organizations, organizations
            ):
                try:
                    return Predecessor(run, run.tracked(), tuple(warnings), is_certain=True)
                except DamageError as error:
                    skipped = True
                    warnings.append(_passed_over(name, error))
        return Predecessor(None, (), tuple(warnings), is_certain=not skipped)

    def _latest_first(
        self, names: list[str], warnings: list[str]
    ) -> Iterator[tuple[str, StoredRun | None]]:
        tried = names[-_MOST_TRIED:][::-1]
        for _, of_one_second in groupby(tried, key=lambda name: name.partition("-")[0]):
            found: list[StoredRun] = []
            for name in of_one_second:
                try:
                    found.append(self.run(name))
                except DamageError as error:
                    warnings.append(_passed_over(name, error))
                    yield name, None
            for run in sorted(found, key=moment_of, reverse=True):
                yield run.path.name, run


def moment_of(run: StoredRun) -> tuple[datetime, datetime, str]:
    """Return by what runs are put in order: their time, then when they began."""
    times = run.manifest.run
    return times.as_of, times.started_at, times.id


def check(folder: Path) -> None:
    """Raise DamageError where the folder is no history, or one of a newer format."""
    where = str(folder)
    try:
        raw = read_regular(folder / MARKER, MAX_BYTES)
        marker = msgspec.json.decode(raw, type=_FolderMarker)
    except (UsageError, msgspec.MsgspecError):
        marker = None
    if marker is None or marker.format != FORMAT:
        raise DamageError(
            f"is no history: there is no {MARKER} that says so",
            "no-history",
            where=where,
            remedy="Name the folder that `keypolicy scan --history DIR` writes: a new one, an empty"
            " one, or one that it wrote to before.",
        )
    if marker.version != VERSION:
        raise DamageError(
            f"is a history of format version {marker.version}; this release uses {VERSION}",
            "newer-format",
            where=where,
            remedy="Use the release that wrote it, or a later one.",
        )


def marker_bytes() -> bytes:
    """Return the content of MARKER."""
    return msgspec.json.encode({"format": FORMAT, "version": VERSION}) + b"\n"


def _passed_over(name: str, error: DamageError) -> str:
    return f"history: run {name} is passed over: {error.where}: {error.message}"
