"""Which run is meant: in comes what a person wrote, out comes the run."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from scanner.base.errors import UsageError
from scanner.history.folder import History, StoredRun, moment_of
from scanner.history.manifest import DamageError, stamp
from scanner.model.moment import read_moment

LATEST: Final = "latest"
PREVIOUS: Final = "previous"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAST: Final = 4
_FORMS: Final = (
    "Give `latest`, `previous`, a date or time (the last run up to its end), or the beginning of a"
    " run's id as `keypolicy history list` shows it."
)


def choose(history: History, ref: str) -> StoredRun:
    """Return the run that `ref` means: `latest`, `previous`, a date, a time, or an id's beginning.

    `previous` is the one before the latest, of its line. Raises UsageError where none or several
    are meant, DamageError where the one that is meant is damaged.
    """
    if ref in {LATEST, PREVIOUS}:
        latest = _latest(history, history.names())
        return latest if ref == LATEST else _before(history, latest)
    if (moment := _moment(ref)) is not None:
        limit = stamp(moment)
        names = [name for name in history.names() if name[: len(limit)] <= limit]
        return _latest(history, names, f"there is no run up to {ref}")
    found = [name for name in history.names() if _is_called(name, ref)]
    if len(found) != 1:
        many = f"{len(found)} runs begin with {ref!r}" if found else f"there is no run {ref!r}"
        raise UsageError(many, where=str(history.folder), remedy=_FORMS)
    return history.run(found[0])


def _is_called(name: str, ref: str) -> bool:
    ref = ref.lower()
    short = name.rpartition("-")[2]
    # A whole id is longer than the part of it that the folder is called by.
    return len(ref) >= _LEAST and (
        short.startswith(ref[: len(short)]) or name.lower().startswith(ref)
    )


def _moment(ref: str) -> datetime | None:
    try:
        moment = read_moment(ref)
    except ValueError:
        return None
    if re.fullmatch(r"[0-9]{8}", ref):
        return None  # as likely the beginning of an id, or of a folder's name
    whole = _DAY.fullmatch(ref)
    return moment.astimezone(UTC) + (timedelta(days=1, seconds=-1) if whole else timedelta())


def _latest(
    history: History, names: list[str], otherwise: str = "the history has no run yet"
) -> StoredRun:
    """Return the latest sound run of these; several of one second are told apart by their start."""
    damage: DamageError | None = None
    while names:
        second = names[-1].partition("-")[0]
        together = [name for name in names if name.startswith(second)]
        names = names[: len(names) - len(together)]
        found = []
        for name in together:
            try:
                found.append(history.run(name))
            except DamageError as error:
                damage = error
        if found:
            return max(found, key=moment_of)
    if damage is not None:
        raise damage
    raise UsageError(otherwise, where=str(history.folder), remedy=_FORMS)


def _before(history: History, run: StoredRun) -> StoredRun:
    if run.manifest.previous is not None:
        return history.run(run.manifest.previous.run.folder)
    raise UsageError(
        "the latest run has none before it that looked at the same",
        where=str(history.folder),
        remedy=_FORMS,
    )
