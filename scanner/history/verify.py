"""Whether a history is as it was written: out of its folder come problems, each with its reason."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from scanner.history.choose import ends
from scanner.history.folder import PRUNED, History, StoredRun
from scanner.history.manifest import DamageError
from scanner.history.write import WRITING
from scanner.model.history import MANIFEST, MARKER


class Verified(msgspec.Struct, frozen=True):
    """How many runs there are, what is damaged, and what is there besides without any harm."""

    runs: int
    damage: tuple[DamageError, ...]
    remarks: tuple[str, ...]


def verify(history: History) -> Verified:
    """Hold every run to its manifest, and every manifest to the run after it.

    That the last run of a line was taken away cannot be told: none has its digest. What a run that
    none has carried on would hand over is read, since nothing else confirms that it can be.
    """
    runs, damage = history.runs()
    by_name = {run.path.name: run for run in runs}
    carried = {run.manifest.previous.run.folder for run in runs if run.manifest.previous}
    for run in runs:
        faults = list(_parts(run))
        if not faults and run.path.name not in carried:
            faults += _handed_over(run)
        damage += faults
        damage += _chain(history, run, by_name)
    damage += _pruned_ends(runs)
    names = set(history.names())
    remarks = []
    for entry in sorted(history.folder.iterdir()):
        if entry.name in names or entry.name == MARKER:
            continue
        if entry.name.startswith(WRITING):
            remarks.append(f"{entry}: is being written, or was left by a process that was killed")
        elif (entry / MANIFEST).is_file():
            damage.append(
                DamageError(
                    "is a run under a name that is not its own: a copy, or it was moved",
                    "misplaced",
                    where=str(entry),
                    remedy="Take the copy away, or give the run its name back.",
                )
            )
        elif not entry.name.startswith("."):
            remarks.append(f"{entry}: is no part of the history")
    return Verified(len(names), tuple(damage), tuple(remarks))


def _handed_over(run: StoredRun) -> Iterator[DamageError]:
    try:
        run.tracked()
    except DamageError as error:
        if error.code != "pruned":
            yield error


def _parts(run: StoredRun) -> Iterator[DamageError]:
    try:
        run.mark()
    except DamageError as error:
        yield error
    for name in run.manifest.parts:
        try:
            run.part(name)
        except DamageError as error:
            if error.code != "pruned":
                yield error
    known = {MANIFEST, PRUNED, *run.manifest.parts}
    for path in sorted(run.path.rglob("*")):
        if path.is_file() and path.relative_to(run.path).as_posix() not in known:
            yield DamageError(
                "was added: the run did not write it", "added", where=str(path),
                remedy="Take it away.",
            )  # fmt: skip


def _pruned_ends(runs: Sequence[StoredRun]) -> Iterator[DamageError]:
    """Tell where a run that is the latest of its scope was pruned: it never is meanwhile."""
    for run in ends(runs):
        try:
            mark = run.mark()
        except DamageError:
            continue  # that was told already
        if mark is not None and not mark.evidence:
            message = "was pruned, which the latest run of its scope never is: later ones are gone"
            yield DamageError(message, "removed", where=str(run.path))


def _chain(
    history: History, run: StoredRun, by_name: dict[str, StoredRun]
) -> Iterator[DamageError]:
    previous = run.manifest.previous
    if previous is None:
        return
    place = history.folder / previous.run.folder
    found = by_name.get(previous.run.folder)
    if found is None:
        # Where it is there and cannot be read, that was told already.
        if not place.exists():
            yield _broken(place, run, "is missing", "removed")
    elif found.digest != previous.digest:
        yield _broken(place, run, "is not the one that was there", "replaced")
    elif found.manifest.run.as_of > run.manifest.run.as_of:
        yield _broken(place, run, "is later than the run that follows it", "reordered")


def _broken(place: Path, run: StoredRun, what: str, code: str) -> DamageError:
    message = f"{what}: {run.path.name} came after it"
    return DamageError(message, code, where=str(place))
