"""The runs that a report tells of: in comes the run before, out come points of its line.

However long the history is, no more than so many manifests are read: a scan must not take longer
for it. Which ones is decided by their names, which begin with the time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from scanner.history.choose import Predecessor
from scanner.history.folder import History, StoredRun, moment_of
from scanner.history.line import is_stranger
from scanner.history.manifest import DamageError, stamp
from scanner.model.run import TrendPoint


def past(
    history: History, found: Predecessor, as_of: datetime, most: int
) -> tuple[TrendPoint, ...]:
    """Return at most so many runs up to the run before, oldest first, and that one last.

    Where there are more, they lie evenly over the whole time. Damaged runs are left out: who looks
    for the run before is told of them, and `history verify` tells of all.
    """
    last = found.run
    if last is None or most < 1:
        return ()
    line, limit = last.manifest.line, stamp(as_of)
    names = [
        name
        for name in history.names()
        if f"-{line}-" in name and name[: len(limit)] <= limit and name != last.path.name
    ]
    runs = []
    for name in spread(names, most - 1):
        try:
            run = history.run(name)
        except DamageError:
            continue
        runs.append(run)
    return points(runs, last)


def points(runs: Iterable[StoredRun], last: StoredRun) -> tuple[TrendPoint, ...]:
    """Return the points of the runs that came before the last one, oldest first, and its own.

    Runs of other organizations than it are left out.
    """
    organizations = last.manifest.looked.organizations
    before = [
        run
        for run in runs
        if moment_of(run) < moment_of(last)
        and not is_stranger(run.manifest.looked.organizations, organizations)
    ]
    # Of runs with one as-of time the later one knows better.
    told = {run.manifest.run.as_of: run for run in [*sorted(before, key=moment_of), last]}
    return tuple(run.manifest.point for run in told.values())


def spread(names: Sequence[str], most: int) -> list[str]:
    """Choose at most so many names of runs: the last of each of so many equally long times."""
    if len(names) <= most:
        return list(names)
    timed = [(time, name) for name in names if (time := _time(name)) is not None]
    if most < 1 or not timed:
        return []
    first, span = timed[0][0], (timed[-1][0] - timed[0][0]) / most
    chosen = {
        min(int((time - first) / span), most - 1) if span else 0: name for time, name in timed
    }
    return list(chosen.values())


def _time(name: str) -> datetime | None:
    """Return when a run was, by its name; None where damage made it one that tells no time."""
    try:
        return datetime.fromisoformat(name.partition("-")[0])
    except ValueError:
        return None
