"""What has to be done, and by when: a run goes in, single things to do come out.

They are of four kinds: an open finding that is to be fixed, a key that comes to break a rule, a
finding that is tolerated no more, and a waiver that ends.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from scanner.base.text import plural
from scanner.model.finding import Due, DueReason, Lapse
from scanner.model.history import TrackedFinding
from scanner.model.moment import utc_day
from scanner.model.outcome import Disposition, Severity
from scanner.model.run import Run


class TaskKind(StrEnum):
    """Why something has to be done."""

    FIX = "fix"  # an open finding, by the end of the time that it has
    BREAKS = "breaks"  # a key that breaks a rule from its day on
    UNCOVERED = "uncovered"  # a finding that is tolerated until its day
    LAPSE = "lapse"  # a waiver that holds until its day


class Task(NamedTuple):
    """One thing to do. `day` is None where nobody set one; `rule` is a waiver's id for a waiver.

    `reopens` counts the findings that come back with the end of a waiver; `is_late`: the time that
    there was to fix a finding is over.
    """

    kind: TaskKind
    day: date | None
    rule: str
    severity: Severity | None
    organization: str | None
    project: str | None
    id: str
    name: str
    owner: str | None
    reopens: int = 0
    is_late: bool = False


def tasks(run: Run) -> Iterator[Task]:
    """Give all that has to be done, as far as a history and a forecast tell; in no order."""
    narrowing = run.narrowing
    for one in _all(run):
        if narrowing is None or one.owner in narrowing.owners:
            yield one


def _all(run: Run) -> Iterator[Task]:
    if run.progress is not None:
        for one in run.progress.findings:
            if one.fate.is_present and one.disposition is Disposition.OPEN:
                yield _fix(one, is_late=one.is_overdue(run.info.as_of))
    if run.forecast is not None:
        ends = {(one.waiver.id, one.day) for one in run.forecast.lapses}
        for due in run.forecast.dues:
            # Those of a waiver that ends are counted with it.
            if due.reason is DueReason.BREAKS or (due.finding.waiver, due.day) not in ends:
                yield _comes(due)
        yield from map(_ends, run.forecast.lapses)


def _fix(one: TrackedFinding, *, is_late: bool) -> Task:
    return Task(
        TaskKind.FIX,
        utc_day(one.due) if one.due else None,
        one.rule,
        one.severity,
        one.organization,
        one.project,
        one.id,
        one.name or one.id,
        one.owner,
        is_late=is_late,
    )


def _comes(due: Due) -> Task:
    finding, of = due.finding, due.finding.resource
    return Task(
        TaskKind.BREAKS if due.reason is DueReason.BREAKS else TaskKind.UNCOVERED,
        utc_day(due.at),
        finding.rule_id,
        finding.severity,
        of.organization,
        of.project,
        of.id,
        of.name or of.id,
        finding.owner,
    )


def _ends(lapse: Lapse) -> Task:
    one = lapse.waiver
    day = utc_day(lapse.at)
    return Task(
        TaskKind.LAPSE, day, one.id, None, None, None, one.id, one.id, one.owner, lapse.reopens
    )


def left(day: date, today: date) -> str:
    """Say how far off a day is."""
    days = (day - today).days
    if days < 0:
        return f"{plural(-days, 'day')} ago"
    return f"in {plural(days, 'day')}" if days else "today"
