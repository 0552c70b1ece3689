"""What a bundle holds: out of a history and a run of it come its members.

    README.md  SHA256SUMS  bundle.json
    history/keypolicy-history.json
    history/RUN/...                   the run, whole
    history/RUN BEFORE IT/...         its manifest, and the findings that the run carries on
    history/EACH RUN BEFORE THAT/...  its manifest alone

So `history` is a history as `keypolicy history prune` leaves one, and every verb reads it. All of
it is older than the run: the bytes do not change as the history grows.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from scanner import __version__
from scanner.base.files import read_regular
from scanner.evidence.archive import check_name
from scanner.evidence.member import BundleMember
from scanner.evidence.readme import readme
from scanner.history.folder import (
    PRUNED,
    TRACKED,
    History,
    StoredRun,
    marker_bytes,
)
from scanner.history.manifest import MAX_BYTES, DamageError
from scanner.model.history import MANIFEST, MARKER, RunName

FORMAT: Final = "keypolicy-evidence"
VERSION: Final = 1
TOOL: Final = f"keypolicy {__version__}"

HEAD, SUMS, README = "bundle.json", "SHA256SUMS", "README.md"
HISTORY: Final = "history"

_PRUNED: Final = b'{"evidence":true}\n'


class BundleHead(msgspec.Struct, frozen=True):
    """What bundle.json says: which run the bundle is the evidence of, and what wrote it."""

    format: str
    version: int
    tool: str
    run: RunName


def chain(history: History, run: StoredRun) -> list[StoredRun]:
    """Return the runs before a run, the latest first. Raises DamageError where one is not there."""
    found: list[StoredRun] = []
    while (previous := run.manifest.previous) is not None:
        where = str(history.folder / previous.run.folder)
        if not (history.folder / previous.run.folder).exists():
            raise _broken(where, run, "is missing", "removed")
        before = history.run(previous.run.folder)
        if before.digest != previous.digest:
            raise _broken(where, run, "is not the one that was there", "replaced")
        if before.manifest.line != run.manifest.line:
            raise _broken(where, run, "is of another scope", "foreign")
        if before.manifest.run.as_of > run.manifest.run.as_of:
            raise _broken(where, run, "is later than the run that follows it", "reordered")
        found.append(before)
        run = before
    return found


def _broken(where: str, run: StoredRun, what: str, code: str) -> DamageError:
    return DamageError(
        f"{what}: {run.path.name} came after it",
        code,
        where=where,
        remedy="Take it back from a copy of the history.",
    )


def may_lack(run: StoredRun, name: str) -> bool:
    """Whether a run may be without a part: its inventory may have been pruned, and nothing else."""
    return name in run.inventories and run.may_lack(name)


def members(history: History, run: StoredRun) -> dict[str, BundleMember]:
    """Return the members of the bundle of a run, by name, without reading its parts.

    Raises DamageError for a run that was pruned or is damaged, and for a broken chain.
    """
    before = chain(history, run)
    found = {f"{HISTORY}/{MARKER}": BundleMember.of(marker_bytes())}
    found |= dict(_whole(run))
    for place, one in enumerate(before):
        found |= dict(_carried(one, is_next=place == 0))
    head = BundleHead(FORMAT, VERSION, TOOL, run.manifest.name)
    found[HEAD] = BundleMember.of(msgspec.json.format(msgspec.json.encode(head), indent=1) + b"\n")
    found[README] = BundleMember.of(readme(run, before).encode())
    for name in found:
        check_name(name, str(run.path))
    sums = "".join(f"{found[name].sha256}  {name}\n" for name in sorted(found))
    return {**found, SUMS: BundleMember.of(sums.encode())}


def _whole(run: StoredRun) -> Iterator[tuple[str, BundleMember]]:
    folder = f"{HISTORY}/{run.path.name}"
    yield f"{folder}/{MANIFEST}", BundleMember.of(read_regular(run.path / MANIFEST, MAX_BYTES))
    is_cut = False
    for name in run.manifest.parts:
        if (run.path / name).exists() or not may_lack(run, name):
            yield f"{folder}/{name}", _part(run, name)
        else:
            is_cut = True
    if is_cut:
        yield f"{folder}/{PRUNED}", BundleMember.of(_PRUNED)


def _carried(run: StoredRun, *, is_next: bool) -> Iterator[tuple[str, BundleMember]]:
    folder = f"{HISTORY}/{run.path.name}"
    yield f"{folder}/{MANIFEST}", BundleMember.of(read_regular(run.path / MANIFEST, MAX_BYTES))
    yield f"{folder}/{PRUNED}", BundleMember.of(_PRUNED)
    if is_next and TRACKED in run.manifest.parts and (run.path / TRACKED).exists():
        yield f"{folder}/{TRACKED}", _part(run, TRACKED)


def _part(run: StoredRun, name: str) -> BundleMember:
    part = run.manifest.parts[name]
    return BundleMember(part.sha256, part.bytes, partial(run.part, name))
