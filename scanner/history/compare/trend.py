"""How a line of runs went: in come their manifests, out come points, rates and times to fix."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.text import timestamp
from scanner.history.folder import StoredRun
from scanner.history.manifest import Manifest
from scanner.model.history import GroupTally, RunName
from scanner.model.outcome import WORST_FIRST, Severity
from scanner.model.run import TrendPoint
from scanner.report.parts.changes import changes

_TENTHS: Final = 9
"""Of ten findings, so many were fixed within the 90th percentile."""


class TrendRun(msgspec.Struct, frozen=True):
    """One run of a line. `breaks` say why it cannot be compared with the one before it.

    The tallies are by rule id, by control (`framework requirement`), by slug. `fates` count
    findings by what became of them since the run before; `unseen` were open when somebody last
    looked, of rules that were run: without them a gap would look like a better day.
    """

    name: RunName
    point: TrendPoint
    breaks: tuple[str, ...]
    rules: dict[str, GroupTally]
    controls: dict[str, GroupTally]
    organizations: dict[str, GroupTally]
    teams: dict[str, GroupTally]
    fates: dict[str, int]
    overdue: dict[Severity, int]
    unseen: dict[Severity, int]


class FixTime(msgspec.Struct, frozen=True):
    """Whole days from when findings were opened to when they were found fixed."""

    fixed: int
    mean: float
    p90: int


class Trend(msgspec.Struct, frozen=True):
    """A line of runs, oldest first; `others` count the runs of the history's other lines."""

    line: str
    runs: tuple[TrendRun, ...]
    days_to_fix: dict[Severity, FixTime]
    others: dict[str, int]


def trend(
    runs: Sequence[StoredRun], line: str | None = None, since: datetime | None = None
) -> Trend | None:
    """Return how a line went; without one, that of the latest run. None where there is no run.

    Raises UsageError for a line that no run is of, and where none of its runs is that young.
    """
    if not runs:
        return None
    chosen = runs[-1].manifest.line if line is None else line
    whole = [run.manifest for run in runs if run.manifest.line == chosen]
    if not whole:
        raise UsageError(
            f"no run is of line {chosen!r}",
            where="--line",
            remedy=f"Known lines: {', '.join(sorted({run.manifest.line for run in runs}))}.",
        )
    mine = [one for one in whole if since is None or one.run.as_of >= since]
    if not mine:
        raise _too_old(whole)
    points = [one.point for one in mine]
    breaks = [(), *(tuple(changes(*pair)) for pair in pairwise(points))]
    others = Counter(run.manifest.line for run in runs if run.manifest.line != chosen)
    return Trend(
        line=chosen,
        runs=tuple(_run(*one) for one in zip(mine, points, breaks, strict=True)),
        days_to_fix=_days_to_fix(_carried_on(mine)),
        others=dict(others),
    )


def _too_old(manifests: Sequence[Manifest]) -> UsageError:
    moments = [one.run.as_of for one in manifests]
    return UsageError(
        f"no run of line {manifests[0].line} is of these days",
        where="--days",
        remedy=f"Its runs are as of {timestamp(min(moments))} to {timestamp(max(moments))}.",
    )


def _run(manifest: Manifest, point: TrendPoint, breaks: tuple[str, ...]) -> TrendRun:
    figures = manifest.figures
    controls = {
        f"{framework} {requirement}": tally
        for framework, of_framework in manifest.controls.items()
        for requirement, tally in of_framework.items()
    }
    return TrendRun(
        name=manifest.name,
        point=point,
        breaks=breaks,
        rules={name: rule.rated for name, rule in manifest.rules.items()},
        controls=dict(sorted(controls.items())),
        organizations=figures.organizations,
        teams=figures.teams,
        fates={name: sum(counted.values()) for name, counted in figures.changes.items()},
        overdue=figures.overdue,
        unseen=figures.unseen,
    )


def _carried_on(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return the runs without those beside them, which tell the same of findings once more.

    Scans at once, and those about the past, carry on a run that another one carries on, too. Of
    such runs that one counts whose findings reach the latest run.
    """
    reach: dict[str, int] = {}
    heirs: dict[str, tuple[int, str]] = {}
    for place in reversed(range(len(manifests))):
        one = manifests[place]
        name = one.name.folder
        reach[name] = max(place, heirs.get(name, (place, name))[0])
        if one.previous is not None:
            before = one.previous.run.folder
            heirs[before] = max(heirs.get(before, (-1, "")), (reach[name], name))
    left_out: set[str] = set()
    for one in manifests:
        name = one.name.folder
        if one.previous is not None:
            before = one.previous.run.folder
            if before in left_out or heirs[before][1] != name:
                left_out.add(name)
    return [one for one in manifests if one.name.folder not in left_out]


def _days_to_fix(manifests: Iterable[Manifest]) -> dict[Severity, FixTime]:
    days: dict[Severity, Counter[int]] = {}
    for manifest in manifests:
        for severity, counted in manifest.figures.days_to_fix.items():
            days.setdefault(severity, Counter()).update(counted)
    return {severity: _fix_time(days[severity]) for severity in WORST_FIRST if days.get(severity)}


def _fix_time(days: Counter[int]) -> FixTime:
    total = days.total()
    mean = sum(day * number for day, number in days.items()) / total
    within = 0
    for day in sorted(days):
        within += days[day]
        if within * 10 >= total * _TENTHS:
            break
    return FixTime(total, round(mean, 1), day)
