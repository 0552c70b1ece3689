"""Making room: in comes a history and an age, out go the large parts of runs that are older.

Manifests stay, so that trends go on and a run that somebody took away still shows. The latest run
of each line, and of the organizations in it, stays whole: the next one carries it on.
"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.files import replacing
from scanner.history.choose import ends
from scanner.history.folder import PRUNED, History, StoredRun
from scanner.history.write import WRITING

_ABANDONED: Final = timedelta(days=1)
"""From this age on, a run that is being written is taken for one whose process was killed."""


class Pruned(msgspec.Struct, frozen=True):
    """The runs whose parts went, the bytes that came free, and how many leftovers were cleared."""

    runs: tuple[str, ...]
    bytes: int
    leftovers: int


def prune(
    history: History, before: datetime, *, inventory_only: bool, dry_run: bool = False
) -> Pruned:
    """Take the parts out of runs before a time, or only their inventories.

    A process that is killed meanwhile leaves a run whose marker tells what may be missing.
    """
    runs, _ = history.runs()
    last = {run.path for run in ends(runs)}
    pruned, freed = [], 0
    for run in runs:
        if run.manifest.run.as_of >= before or run.path in last:
            continue
        parts = [path for path in _parts(run, inventory_only=inventory_only) if path.is_file()]
        if not parts:
            continue
        pruned.append(run.path.name)
        freed += sum(path.stat().st_size for path in parts)
        if not dry_run:
            told = {
                "at": datetime.now(UTC),
                "inventory_only": inventory_only and not _lacks_more(run),
            }
            with replacing(run.path / PRUNED) as out:
                out.write(msgspec.json.encode(told) + b"\n")
            for path in parts:
                path.unlink()
    return Pruned(tuple(pruned), freed, _clear(history, dry_run=dry_run))


def _parts(run: StoredRun, *, inventory_only: bool) -> list[Path]:
    names = run.inventories if inventory_only else run.manifest.parts.keys()
    return [run.place(name) for name in names]


def _lacks_more(run: StoredRun) -> bool:
    """Whether other parts than inventories were taken out before, or a killed process began to."""
    return any(run.may_lack(name) for name in run.manifest.parts.keys() - run.inventories)


def _clear(history: History, *, dry_run: bool) -> int:
    now, cleared = datetime.now(UTC), 0
    for entry in history.folder.iterdir():
        if not entry.name.startswith(WRITING):
            continue
        changed = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
        if now - changed > _ABANDONED:
            cleared += 1
            if not dry_run:
                shutil.rmtree(entry, ignore_errors=True)
    return cleared
