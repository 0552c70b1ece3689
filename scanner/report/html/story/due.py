"""What falls due: things to do go in one by one, windows of days come out, with rows and counts.

Things of one day, kind and rule are a row together: a thousand findings of the first scan have one
day by which they are to be fixed, and would hide all else.
"""

from bisect import insort
from collections import Counter
from datetime import date, timedelta
from typing import Any, Final

from scanner.base.text import paragraph, plural
from scanner.model.moment import utc_day
from scanner.model.run import Run
from scanner.report.html.story.spread import spread
from scanner.report.html.story.tasks import Task, TaskKind, left
from scanner.report.parts.subject import place

ROWS: Final = 25
"""Rows of a window that are listed; all of it is counted."""

NAMES: Final = 5
"""Keys of a row that are named."""

_WINDOWS: Final = (30, 90)
_NEXT: Final = 3
"""Days that the first screen tells of."""

_TOLD: Final = {
    TaskKind.FIX: ("finding is to be fixed", "findings are to be fixed"),
    TaskKind.BREAKS: ("key or project breaks a rule", "keys or projects break a rule"),
    TaskKind.UNCOVERED: ("finding is tolerated no more", "findings are tolerated no more"),
    TaskKind.LAPSE: ("waiver lapses", "waivers lapse"),
}
_KINDS: Final = list(_TOLD)


class _DueRow:
    """Things of one day, kind and rule; the first names by their place are kept."""

    def __init__(self, first: Task) -> None:
        self.first = first
        self.total = 0
        self.names: list[tuple[str, str, str]] = []

    def add(self, task: Task) -> None:
        self.total += 1
        insort(self.names, (place(task.organization, task.project), task.name, task.id))
        del self.names[NAMES:]


class Agenda:
    """What falls due from as-of on."""

    def __init__(self, run: Run) -> None:
        self._rules = {result.rule.id: (at, result.rule) for at, result in enumerate(run.results)}
        self._today = utc_day(run.info.as_of)
        self._horizon = run.forecast.days if run.forecast else None
        self._spread = spread(run)
        known = self._horizon or 0
        if run.progress is not None:
            known = max(known, *_WINDOWS)
        ends = {days for days in (*_WINDOWS, known) if days <= known}
        self._ends = sorted(ends)
        self._rows: dict[tuple[date, TaskKind, str], _DueRow] = {}
        self._late = 0

    def add(self, task: Task) -> None:
        """Take a thing to do."""
        if task.is_late:
            self._late += 1
        elif task.day is not None and (task.day - self._today).days <= self._ends[-1]:
            key = task.day, task.kind, task.rule
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = _DueRow(task)
            row.add(task)

    def told(self) -> dict[str, Any]:
        """Return the windows, the next days, and how far was looked."""
        rows = sorted(self._rows.items(), key=self._order)
        windows, begins = [], -1
        for days in self._ends:
            mine = [row for (day, *_), row in rows if begins < (day - self._today).days <= days]
            windows.append(self._window(begins, days, mine))
            begins = days
        return {
            "windows": windows,
            "next": self._next(rows),
            "late": self._late,
            "within": [
                {"days": window["days"], "total": sum(one["total"] for one in windows[: at + 1])}
                for at, window in enumerate(windows)
            ],
            "is_foretold": self._horizon is not None,
            "unlooked": self._unlooked(),
            "nothing": self._nothing(),
            **self._spread,
        }

    def _unlooked(self) -> str:
        """Say what was not looked for of all these days, if anything."""
        if self._horizon is None:
            return "What will break a rule was not looked for."
        if self._horizon < self._ends[-1]:
            return f"What breaks a rule was looked for up to {self._day(self._horizon)}."
        return ""

    def _nothing(self) -> str:
        """Say that nothing is ahead; of what nobody looked for, nothing is said."""
        within = f"within {plural(self._ends[-1], 'day')}"
        if self._horizon is None:
            return f"No time to fix what is open ends {within}"
        return f"Nothing falls due {within}"

    def _order(self, item: tuple[tuple[date, TaskKind, str], _DueRow]) -> tuple[object, ...]:
        (day, kind, rule), row = item
        rank = -row.first.severity.rank if row.first.severity else 0
        return day, _KINDS.index(kind), rank, self._rules.get(rule, (0,))[0], rule

    def _window(self, after: int, days: int, rows: list[_DueRow]) -> dict[str, Any]:
        counts: Counter[TaskKind] = Counter()
        for row in rows:
            counts[row.first.kind] += row.total
        listed = rows[:ROWS]
        return {
            "days": days,
            "title": ("Within " if after < 0 else f"In {after + 1} to ") + plural(days, "day"),
            "until": self._day(days),
            "total": counts.total(),
            "counts": [_counted(counts[kind], kind) for kind in _KINDS if counts[kind]],
            "rows": [self._row(row) for row in listed],
            "more": counts.total() - sum(row.total for row in listed),
        }

    def _row(self, row: _DueRow) -> dict[str, Any]:
        task = row.first
        _, rule = self._rules.get(task.rule, (0, None))
        return {
            "kind": task.kind.value,
            "day": task.day.isoformat() if task.day else "",
            "left": left(task.day, self._today) if task.day else "",
            "severity": task.severity.value if task.severity else "",
            "title": (paragraph(rule.title) if rule else "") or task.rule,
            "rule": task.rule,
            "policy": rule.policy if rule else "",
            "total": row.total,
            "names": [{"place": where, "name": name} for where, name, _ in row.names],
            "more": row.total - len(row.names),
            "owner": task.owner,
            "reopens": task.reopens,
        }

    def _next(self, rows: list[tuple[tuple[date, TaskKind, str], _DueRow]]) -> list[dict[str, str]]:
        """Return the next days on which anything falls due, with its counts."""
        days: dict[date, Counter[TaskKind]] = {}
        for (day, kind, _), row in rows:
            days.setdefault(day, Counter())[kind] += row.total
        return [
            {
                "day": day.isoformat(),
                "left": left(day, self._today),
                "told": ", ".join(_counted(days[day][kind], kind) for kind in days[day]),
            }
            for day in list(days)[:_NEXT]
        ]

    def _day(self, days: int) -> str:
        return (self._today + timedelta(days=days)).isoformat()


def _counted(number: int, kind: TaskKind) -> str:
    return plural(number, *_TOLD[kind])
