"""Whether evidence holds: in comes a bundle, its folder, or a history, out comes all that is wrong.

In steps: the archive, the digests, the chain of runs, and then the run made anew. A step is made
only where the one before it found nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from scanner.base.errors import KeypolicyError, UsageError
from scanner.base.files import read_regular
from scanner.base.scratch import scratch
from scanner.base.shape.decode import UnfitError, decoded
from scanner.evidence.archive import unpack
from scanner.evidence.bundle import (
    FORMAT,
    HEAD,
    HISTORY,
    README,
    SUMS,
    TOOL,
    VERSION,
    BundleHead,
    chain,
    may_lack,
)
from scanner.evidence.compare import compare
from scanner.evidence.files import MOST_TEXT, damaged, digests, files_of, links, weigh
from scanner.evidence.readme import readme
from scanner.evidence.remake import remake
from scanner.history.folder import PRUNED, TRACKED, History, StoredRun
from scanner.history.kept import own_params
from scanner.history.manifest import DamageError
from scanner.history.verify import verify
from scanner.model.history import MANIFEST, MARKER, RunName


class EvidenceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    `damage` is what is wrong, `unconfirmed` what could not be confirmed, `remarks` do no harm.
    `files` were held to their digests, `runs` are in the chain, from `since` on; `judged` are those
    that were made anew and came out the same.
    """

    run: RunName | None = None
    files: int = 0
    runs: int = 0
    since: datetime | None = None
    judged: tuple[RunName, ...] = ()
    damage: tuple[DamageError, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def check(path: Path) -> EvidenceCheck:
    """Check a bundle, the folder that one was unpacked to, or a history.

    Raises UsageError where it is none of these.
    """
    if not path.is_dir():
        with scratch() as folder:
            try:
                unpack(path, folder)
            except DamageError as error:
                return EvidenceCheck(damage=(error,))
            return _relative(_check_bundle(folder), str(folder), str(path))
    if (path / MARKER).exists():
        return _check_history(History(path))
    if not any((path / name).exists() for name in (HEAD, SUMS, HISTORY)):
        raise UsageError(
            "is neither a bundle nor a history",
            where=str(path),
            remedy="Name what `keypolicy evidence export` wrote, the folder that it was unpacked"
            " to, or the folder of a history.",
        )
    return _check_bundle(path)


def _relative(found: EvidenceCheck, folder: str, path: str) -> EvidenceCheck:
    """Tell places in the archive, not in the folder that it was unpacked to."""
    for error in found.damage:
        error.where = error.where.replace(folder, path, 1)
    told = tuple(text.replace(folder, path) for text in found.unconfirmed)
    return msgspec.structs.replace(found, unconfirmed=told)


def _check_bundle(root: Path) -> EvidenceCheck:
    damage = [*digests(root)]
    if damage:
        return EvidenceCheck(damage=tuple(damage))
    try:
        head = _head(root)
        history = History(root / HISTORY)
        run = history.run(head.run.folder)
        if run.manifest.name != head.run:
            raise damaged(root / HEAD, "names another run than there is", "other-run")
        before = chain(history, run)
        damage += verify(history).damage or _members(root, [run, *before])
    except DamageError as error:
        damage.append(error)
    if damage:
        return EvidenceCheck(damage=tuple(damage))
    remarks = []
    if head.tool != TOOL:
        remarks.append(f"the bundle was written by {head.tool}; its README was not compared")
    elif not _is_text(root / README, readme(run, before)):
        damage.append(damaged(root / README, "is not what the bundle comes with", "readme"))
    oldest = (before or [run])[-1]
    found = EvidenceCheck(
        run=head.run,
        files=sum(1 for _ in files_of(root)),
        runs=len(before) + 1,
        since=oldest.manifest.run.as_of,
        damage=tuple(damage),
        remarks=tuple(remarks),
    )
    return found if damage else _judged(found, run, before[0] if before else None)


def _check_history(history: History) -> EvidenceCheck:
    verified = verify(history)
    linked = [error for name in history.names() for error in links(history.folder / name)]
    damage = (*linked, *verified.damage)
    if damage:
        return EvidenceCheck(damage=damage, remarks=verified.remarks)
    runs, _ = history.runs()
    by_name = {run.path.name: run for run in runs}
    found = EvidenceCheck(
        files=sum(1 for name in by_name for _ in files_of(history.folder / name)),
        runs=len(runs),
        since=runs[0].manifest.run.as_of if runs else None,
        remarks=verified.remarks,
        unconfirmed=() if runs else ("there is no run",),
    )
    for run in runs:
        previous = run.manifest.previous
        found = _judged(found, run, by_name[previous.run.folder] if previous else None)
    return found


def _judged(found: EvidenceCheck, run: StoredRun, before: StoredRun | None) -> EvidenceCheck:
    """Add what comes of making a run anew."""
    replace = msgspec.structs.replace
    name = run.path.name
    kept = run.manifest.inventory
    if kept is None or any(not (run.path / one).exists() for one in run.manifest.parts):
        why = f"{name} was not judged anew: its inventory was not kept, or was pruned"
        return replace(found, unconfirmed=(*found.unconfirmed, why))
    try:
        own_params(run)
    except DamageError as error:
        why = f"{name} was not judged anew: it {error.message}"
        return replace(found, unconfirmed=(*found.unconfirmed, why))
    is_dated = before is None or (before.path / TRACKED).exists()
    try:
        for one in (run, before) if before is not None else (run,):
            weigh(one)
        damage = _differences(run, before, is_dated=is_dated)
    except DamageError as error:
        damage = [error]
    except KeypolicyError as error:
        why = f"{error.where}: {error.message}" if error.where else error.message
        told = f"cannot be judged anew: {why}"
        damage = [DamageError(told, "remake", where=str(run.path), remedy=error.remedy)]
    unconfirmed = []
    if run.manifest.tool != TOOL and damage:
        # Another release may say the same in other words: that is no proof of a change.
        hint = f"check it with {run.manifest.tool}, which wrote it; this is {TOOL}"
        unconfirmed = [f"{one.where}: {one.message} [{one.code}]; {hint}" for one in damage]
        damage = []
    unconfirmed += [f"{one.where}: {one.message}" for one in damage if one.code == "unconfirmed"]
    damage = [one for one in damage if one.code != "unconfirmed"]
    if not is_dated:
        why = "since when findings are known was not confirmed, as the run before was pruned"
        unconfirmed.append(f"{name}: {why}")
    judged = found.judged if damage else (*found.judged, run.manifest.name)
    return replace(
        found,
        judged=judged,
        damage=(*found.damage, *damage),
        unconfirmed=(*found.unconfirmed, *unconfirmed),
    )


def _differences(run: StoredRun, before: StoredRun | None, *, is_dated: bool) -> list[DamageError]:
    # A run without one before it may have passed over a damaged one; then it tells no dates.
    first: list[DamageError] | None = None
    for is_certain in (True, False) if before is None else (True,):
        with scratch() as workspace:
            carried = before if is_dated else None
            made = remake(run, carried, workspace, is_certain=is_certain)
            found = compare(run, made, is_dated=is_dated)
        if not found:
            return []
        first = first or found
    return first or []


def _is_text(path: Path, text: str) -> bool:
    try:
        return read_regular(path, MOST_TEXT) == text.encode()
    except UsageError:
        return False


def _head(root: Path) -> BundleHead:
    where = root / HEAD
    try:
        raw = read_regular(where, MOST_TEXT)
        version = decoded(raw, dict).get("version")
        if version != VERSION:
            raise damaged(
                where,
                f"is of format version {version}; this release reads {VERSION}",
                "newer-format",
                "Use the release that wrote it, or a later one.",
            )
        head = decoded(raw, BundleHead)
    except (UsageError, UnfitError) as error:
        raise damaged(where, f"is no head of a bundle: {error}", "no-bundle") from None
    if head.format != FORMAT:
        raise damaged(where, "is no head of a bundle", "no-bundle")
    return head


def _members(root: Path, runs: list[StoredRun]) -> Iterator[DamageError]:
    """Hold the files to what a bundle of this chain has."""
    of_runs = {f"{HISTORY}/{run.path.name}/" for run in runs}
    for name in sorted(set(files_of(root)) - {HEAD, README, SUMS, f"{HISTORY}/{MARKER}"}):
        if not any(name.startswith(folder) for folder in of_runs):
            yield damaged(root / name, "belongs to no run of the chain", "added")
    run, *before = runs
    for name in run.manifest.parts:
        if not (run.path / name).exists() and not may_lack(run, name):
            yield damaged(run.path / name, "is missing, and in the manifest of the run", "removed")
    for place, one in enumerate(before):
        for name in files_of(one.path):
            if name not in {MANIFEST, PRUNED} and not (place == 0 and name == TRACKED):
                yield damaged(one.path / name, "is no part of a bundle", "added")
