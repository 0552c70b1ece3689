"""Which run is meant by what a person wrote, and which one a scan carries on."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.text import plural
from scanner.history.folder import History, StoredRun, moment_of
from scanner.history.line import is_stranger
from scanner.history.manifest import DamageError, stamp
from scanner.model.history import TrackedFinding
from scanner.model.moment import read_moment

LATEST: Final = "latest"
PREVIOUS: Final = "previous"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAST: Final = 4
_FORMS: Final = (
    "Give `latest`, `previous`, a date or time (the last run up to its end), or the beginning of a"
    " run's id as `keypolicy history list` shows it."
)
_MOST_TRIED: Final = 200
"""Runs of its line that are looked at for the one that a run carries on."""

_MOST_STRANGERS: Final = 5
"""Groups of other organizations whose findings are read, to see whether they were renamed."""


class Predecessor(msgspec.Struct, frozen=True):
    """The run that one carries on, if there is any, and what a person has to know of the search.

    `is_certain`: no run was passed over that might have been it and told of earlier times.
    """

    run: StoredRun | None
    tracked: tuple[TrackedFinding, ...]
    warnings: tuple[str, ...]
    is_certain: bool


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
        many = (
            f"{plural(len(found), 'run')} begin with {ref!r}"
            if found
            else f"there is no run {ref!r}"
        )
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


def run_before(
    history: History,
    line: str,
    as_of: datetime,
    organizations: dict[str, int],
    is_here: Callable[[Sequence[TrackedFinding]], bool] = lambda _: False,
) -> Predecessor:
    """Find the run of the line that one of this time carries on: the latest up to it.

    `is_here` tells whether findings of other organizations are those of this run, whose
    organizations were renamed.
    """
    warnings: list[str] = []
    names = [name for name in history.names() if f"-{line}-" in name]
    limit = stamp(as_of)
    later = [name for name in names if name[: len(limit)] > limit]
    if later:
        warnings.append(
            f"history: there {'is' if len(later) == 1 else 'are'}"
            f" {plural(len(later), 'later run')} of this scope, the last of"
            f" {later[-1][:16]}: either this scan is about the past, or a clock went back;"
            " nothing of them is changed"
        )
    earlier = names[: len(names) - len(later)]
    skipped = False
    strangers: dict[frozenset[str], StoredRun] = {}
    for name, run in _latest_first(history, earlier, warnings):
        if run is None:
            skipped = True
        elif run.manifest.run.as_of <= as_of:
            looked = run.manifest.looked.organizations
            if is_stranger(looked, organizations):
                strangers.setdefault(frozenset(looked), run)
                continue
            try:
                return Predecessor(run, run.tracked(), tuple(warnings), is_certain=True)
            except DamageError as error:
                skipped = True
                warnings.append(_passed_over(name, error))
    if strangers and (found := _renamed(list(strangers.values()), is_here, warnings)):
        return found
    if len(earlier) > _MOST_TRIED:
        skipped = True
        warnings.append(
            f"history: {_MOST_TRIED} of {plural(len(earlier), 'earlier run')} were looked at,"
            " and none is of these organizations; name them with --org, so that their runs"
            " are a line of their own"
        )
    return Predecessor(None, (), tuple(warnings), is_certain=not skipped)


def ends(runs: Iterable[StoredRun]) -> list[StoredRun]:
    """Return of runs by time those that a next one may carry on.

    That is the latest run of each line, and within it of the organizations that it saw: scans that
    named none are of one line, and do not carry on those of strangers.
    """
    found = {(one.manifest.line, frozenset(one.manifest.looked.organizations)): one for one in runs}
    return list(found.values())


def _latest_first(
    history: History, names: list[str], warnings: list[str]
) -> Iterator[tuple[str, StoredRun | None]]:
    tried = names[-_MOST_TRIED:][::-1]
    for _, of_one_second in groupby(tried, key=lambda name: name.partition("-")[0]):
        found: list[StoredRun] = []
        for name in of_one_second:
            try:
                found.append(history.run(name))
            except DamageError as error:
                warnings.append(_passed_over(name, error))
                yield name, None
        for run in sorted(found, key=moment_of, reverse=True):
            yield run.path.name, run


def _renamed(
    strangers: Sequence[StoredRun],
    is_here: Callable[[Sequence[TrackedFinding]], bool],
    warnings: list[str],
) -> Predecessor | None:
    """Return the run whose organizations were renamed since; None where that is none of these.

    Of one that cannot be read nothing is known, so that times are not certain.
    """
    for run in strangers[:_MOST_STRANGERS]:
        try:
            tracked = run.tracked()
        except DamageError as error:
            warnings.append(_passed_over(run.path.name, error))
            return Predecessor(None, (), tuple(warnings), is_certain=False)
        if is_here(tracked):
            warnings.append(
                f"history: what run {run.path.name} found in {_organizations(run)} is here under"
                " another name: the organization was renamed, and that run is carried on"
            )
            return Predecessor(run, tracked, tuple(warnings), is_certain=True)
    warnings.append(
        f"history: the runs before of this scope, the last of them {strangers[0].path.name}, are"
        f" of other organizations ({_organizations(strangers[0])}); nothing of them is carried"
        " on, so every finding is new"
    )
    return None


def _organizations(run: StoredRun) -> str:
    return ", ".join(sorted(run.manifest.looked.organizations))


def _passed_over(name: str, error: DamageError) -> str:
    return f"history: run {name} is passed over: {error.where}: {error.message}"
