"""What became of findings since the run before: `Run.progress` goes in, numbers and rows come out.

A history tells of every finding whether the keys changed or the rules did, and whether anybody
looked: so better and worse are of like with like, whatever else is different between the two runs.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import Any, Final

from scanner.base.text import clock, day, paragraph, plural, timestamp
from scanner.model.history import Fate, HistoryProgress, TrackedFinding
from scanner.model.outcome import WORST_FIRST, Disposition, Severity
from scanner.model.rule import Rule
from scanner.model.run import Run
from scanner.report.parts.changes import changes
from scanner.report.parts.subject import place

LISTED: Final = 15
"""Findings of a kind that are listed; all of them are counted."""


def since(run: Run) -> dict[str, Any] | None:
    """Return what is new, fixed, reopened and overdue; None where no history tells."""
    if run.progress is None:
        return None
    found = _Since(run, run.progress)
    before = run.progress.before
    if before is None:
        parts = found.parts("overdue") if found.overdue else []
        return {"before": None, "parts": parts, "ruled": []}
    points = {point.as_of: point for point in run.earlier}
    point = points.get(before.as_of)
    return {
        "before": {
            "iso": timestamp(before.as_of),
            "text": clock(before.as_of),
            "day": day(before.as_of),
        },
        "because": None if point is None else tuple(changes(point, run.point)),
        "word": found.word(before.as_of),
        "told": list(found.told(before.as_of)),
        "parts": found.parts("new", "reopened", "fixed", "overdue"),
        "ruled": list(found.ruled()),
    }


class _Since:
    """The findings of a run by what became of them."""

    def __init__(self, run: Run, progress: HistoryProgress) -> None:
        self._run = run
        self._rules = {result.rule.id: result.rule for result in run.results}
        self._by: dict[Fate, list[TrackedFinding]] = {fate: [] for fate in Fate}
        for one in progress.findings:
            self._by[one.fate].append(one)
        as_of = run.info.as_of
        self.overdue = [one for one in progress.findings if one.is_overdue(as_of)]
        self._late = progress.late
        self._is_timed = any(one.due for one in progress.findings)

    def word(self, before: datetime) -> str:
        """Say whether it is better; of what came and went, the worst severity decides."""
        balance = self._balance()
        for severity in WORST_FIRST:
            if balance[severity]:
                return "worse" if balance[severity] > 0 else "better"
        return "worse" if self._newly_overdue(before) else "unchanged"

    def _balance(self) -> Counter[Severity]:
        """Count what came less what was fixed: all findings, since no waiver makes any better."""
        balance: Counter[Severity] = Counter()
        for fate, number in ((Fate.NEW, 1), (Fate.REOPENED, 1), (Fate.FIXED, -1)):
            for one in self._by[fate]:
                balance[one.severity] += number
        return balance

    def _newly_overdue(self, before: datetime) -> int:
        late = self._late
        if late is not None:
            return sum((one.rule, one.id) not in late for one in self.overdue)
        # A waiver may have ended meanwhile: this is what is known without the run before.
        return sum(one.due is not None and one.due >= before for one in self.overdue)

    def told(self, before: datetime) -> Iterable[str]:
        """Say what became of the findings, in short lines."""
        new, reopened, fixed = (
            len(self._by[fate]) for fate in (Fate.NEW, Fate.REOPENED, Fate.FIXED)
        )
        yield f"{new:,} new, {reopened:,} reopened, {fixed:,} fixed"
        balance = [(severity, self._balance()[severity]) for severity in WORST_FIRST]
        if net := [
            f"{abs(number):,} {'more' if number > 0 else 'fewer'} {severity.value}"
            for severity, number in balance
            if number
        ]:
            yield ", ".join(net)
        if self._is_timed:
            newly = self._newly_overdue(before)
            yield f"{len(self.overdue):,} overdue" + (f", {newly:,} of them since" if newly else "")
        came, went = len(self._by[Fate.DEMANDED]), len(self._by[Fate.RELEASED])
        if came or went:
            yield f"{came:,} came and {went:,} went with a change of the rules"
        if unseen := len(self._by[Fate.UNSEEN]):
            yield f"{unseen:,} known before could not be looked at"

    def ruled(self) -> Iterable[dict[str, Any]]:
        """Count what came and went with rules that are new, gone, or demand something else."""
        counts = {
            fate: Counter(one.rule for one in self._by[fate])
            for fate in (Fate.DEMANDED, Fate.RELEASED)
        }
        for rule in sorted({*counts[Fate.DEMANDED], *counts[Fate.RELEASED]}):
            yield {
                "rule": rule,
                "came": counts[Fate.DEMANDED][rule],
                "went": counts[Fate.RELEASED][rule],
            }

    def parts(self, *names: str) -> list[dict[str, Any]]:
        """Return the kinds of findings that a person looks at one by one, each with its rows."""
        found = {
            "new": self._by[Fate.NEW],
            "reopened": self._by[Fate.REOPENED],
            "fixed": self._by[Fate.FIXED],
            "overdue": self.overdue,
        }
        return [self._part(name, found[name]) for name in names]

    def _part(self, name: str, findings: Sequence[TrackedFinding]) -> dict[str, Any]:
        narrowing = self._run.narrowing
        mine = [one for one in findings if not narrowing or one.owner in narrowing.owners]
        first = nsmallest(LISTED, mine, key=_overdue_first if name == "overdue" else _worst_first)
        return {
            "name": name,
            "total": len(findings),
            "shown": len(mine),
            "rows": [self._row(name, one) for one in first],
        }

    def _row(self, name: str, one: TrackedFinding) -> dict[str, Any]:
        rule = self._rules.get(one.rule)
        return {
            "severity": one.severity.value,
            "title": _title(rule) or one.rule,
            "rule": one.rule,
            "name": one.name or one.id,
            "id": one.id,
            "place": place(one.organization, one.project),
            "owner": one.owner,
            "disposition": one.disposition.value,
            "is_tolerated": one.disposition is not Disposition.OPEN,
            "outcome": one.outcome.value,
            **self._when(name, one),
        }

    def _when(self, name: str, one: TrackedFinding) -> dict[str, str]:
        """Return the day that a row of its kind is about, and a word on it."""
        if name == "overdue" and one.due is not None:
            late = (self._run.info.as_of - one.due).days
            return {"day": day(one.due), "note": f"for {plural(late, 'day')}" if late else ""}
        if name == "fixed":
            days = int(one.days_to_fix or 0)
            gone = ", with its key" if one.is_removed else ""
            return {"day": day(one.opened), "note": f"after {plural(days, 'day')}{gone}"}
        if name == "reopened":
            return {"day": day(one.first_seen), "note": f"came back {_times(one.reopened)}"}
        return {"day": day(one.due) if one.due else "", "note": ""}


def _worst_first(one: TrackedFinding) -> tuple[object, ...]:
    place_of = one.organization or "", one.project or "", one.name or "", one.id
    return -one.severity.rank, one.rule, *place_of


def _overdue_first(one: TrackedFinding) -> tuple[object, ...]:
    return one.due, *_worst_first(one)


def _title(rule: Rule | None) -> str:
    return paragraph(rule.title) if rule else ""


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
