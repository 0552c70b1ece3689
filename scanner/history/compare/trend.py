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
from scanner.history.line import is_stranger
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
    looked, of rules that were run, and `unseen_overdue` are those of them whose time is over:
    without them a gap would look like a better day.
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
    unseen_overdue: dict[Severity, int]


class FixTime(msgspec.Struct, frozen=True):
    """Whole days from when findings were opened to when they were found fixed."""

    fixed: int
    mean: float
    p90: int


class Trend(msgspec.Struct, frozen=True):
    """A line of runs, oldest first; `others` count the runs of the history's other lines.

    `strangers` count by their organizations the line's runs that saw none of these: they are of
    another scope, though neither named any.
    """

    line: str
    runs: tuple[TrendRun, ...]
    days_to_fix: dict[Severity, FixTime]
    others: dict[str, int]
    strangers: dict[str, int]


def trend(
    runs: Sequence[StoredRun],
    line: str | None = None,
    since: datetime | None = None,
    organization: str | None = None,
) -> Trend | None:
    """Return how a line went; without one, that of the latest run. None where there is no run.

    The latest run is that which saw the organization, if there is one. Raises UsageError for a line
    that no run is of, for an organization that none saw, and where no run is that young.
    """
    if not runs:
        return None
    latest = _latest(runs, line, organization)
    chosen = latest.line
    of_line = [run.manifest for run in runs if run.manifest.line == chosen]
    whole, strangers = _akin(of_line[: of_line.index(latest) + 1])
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
        strangers=dict(strangers),
    )


def _latest(runs: Sequence[StoredRun], line: str | None, organization: str | None) -> Manifest:
    found = [run.manifest for run in runs if line is None or run.manifest.line == line]
    if not found:
        raise UsageError(
            f"no run is of line {line!r}",
            where="--line",
            remedy=f"Known lines: {', '.join(sorted({run.manifest.line for run in runs}))}.",
        )
    seen = [one for one in found if organization in (None, *one.looked.organizations)]
    if not seen:
        known = sorted({slug for one in found for slug in one.looked.organizations})
        raise UsageError(
            f"no run saw the organization {organization!r}",
            where="--org",
            remedy=f"They saw: {', '.join(known) or 'none'}.",
        )
    return seen[-1]


def _akin(manifests: Sequence[Manifest]) -> tuple[list[Manifest], Counter[str]]:
    """Return the runs of the last one's organizations, and how many there are of which others.

    What a run carries on is akin to it, also where its organization was renamed.
    """
    kept: list[Manifest] = []
    strangers: Counter[str] = Counter()
    known: set[str] = set()
    carried: set[str] = set()
    for one in reversed(manifests):
        organizations = one.looked.organizations
        if is_stranger(known, organizations) and one.name.folder not in carried:
            strangers[", ".join(sorted(organizations))] += 1
            continue
        kept.append(one)
        known.update(organizations)
        if one.previous is not None:
            carried.add(one.previous.run.folder)
    return kept[::-1], strangers


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
        fates=figures.fates,
        overdue=figures.overdue,
        unseen=figures.unseen,
        unseen_overdue=figures.unseen_overdue,
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
