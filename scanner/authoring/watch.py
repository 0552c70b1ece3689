"""Running again whenever a file changes: looks at times and sizes now and then, nothing else."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from scanner.policy.files.locate import shipped_policies

INTERVAL: Final = 0.25
"""Seconds between two looks."""

Stamp = dict[Path, tuple[int, int]]


def watch(
    refs: Sequence[str],
    run: Callable[[], None],
    *,
    pause: Callable[[float], None] = time.sleep,
    looks: int | None = None,
) -> None:
    """Run, and again after every change of the policies, their test cases and what lies beside.

    Ends after so many `looks`; without that only KeyboardInterrupt ends it.
    """
    folders = folders_of(refs)
    seen = stamp(folders)
    run()
    while looks is None or looks > 0:
        pause(INTERVAL)
        looks = None if looks is None else looks - 1
        now = stamp(folders)
        if now != seen:
            seen = now
            run()


def folders_of(refs: Sequence[str]) -> list[Path]:
    """Return the folders whose files matter: also what a policy extends usually lies there."""
    shipped = shipped_policies()
    paths = [shipped.get(ref.partition("@")[0], Path(ref)) for ref in refs]
    return list(dict.fromkeys(path if path.is_dir() else path.parent for path in paths))


def stamp(folders: Sequence[Path]) -> Stamp:
    """Return when each YAML file was last changed, and its size."""
    found: Stamp = {}
    for folder in folders:
        for path in folder.glob("*.y*ml"):
            try:
                state = path.stat()
            except OSError:
                continue  # gone between two looks
            found[path] = (state.st_mtime_ns, state.st_size)
    return found
