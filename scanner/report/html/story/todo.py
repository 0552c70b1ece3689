"""Who has to do what by when: things to do go in one by one, owners and projects come out."""

from datetime import date
from operator import attrgetter
from typing import Any, Final

from scanner.base.text import paragraph
from scanner.model.moment import utc_day
from scanner.model.run import Run
from scanner.report.html.story.tasks import Task, TaskKind, left
from scanner.report.parts.subject import place

OWNERS: Final = 20
PROJECTS: Final = 6
ROWS: Final = 4
"""Owners, projects of an owner, and rows of a project that are listed; all of it is counted."""

_NEVER: Final = date.max
_WAIVERS: Final = "Waivers"
_VERBS: Final = {
    TaskKind.FIX: "",
    TaskKind.BREAKS: "Renew in time, or it breaks",
    TaskKind.UNCOVERED: "Fix before it is tolerated no more",
    TaskKind.LAPSE: "Renew the waiver, or fix what it covers",
}


class _Load:
    """Some things to do: how many, how many of them late, and when the first of them is due."""

    def __init__(self) -> None:
        self.total = 0
        self.late = 0
        self.first = _NEVER
        self.rank = 0

    def add(self, task: Task) -> None:
        self.total += 1
        self.late += task.is_late
        self.first = min(self.first, task.day or _NEVER)
        self.rank = max(self.rank, task.severity.rank if task.severity else 0)

    @property
    def urgency(self) -> tuple[date, int, int]:
        """What is due first comes first, then what is worst, then what is most."""
        return self.first, -self.rank, -self.total


class _TodoAction(_Load):
    """Things of one kind and rule in a project; one of them tells what they are about."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.reopens = task.reopens


class _TodoProject(_Load):
    """What is to be done in a project, by kind and rule."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: dict[tuple[TaskKind, str], _TodoAction] = {}

    def add(self, task: Task) -> None:
        super().add(task)
        key = task.kind, task.rule
        action = self.actions.get(key)
        if action is None:
            action = self.actions[key] = _TodoAction(task)
        action.add(task)


class _TodoOwner(_Load):
    """What an owner has to do, by project; waivers are in none."""

    def __init__(self) -> None:
        super().__init__()
        self.projects: dict[str | None, _TodoProject] = {}

    def add(self, task: Task) -> None:
        super().add(task)
        is_waiver = task.kind is TaskKind.LAPSE
        name = None if is_waiver else place(task.organization, task.project)
        self.projects.setdefault(name, _TodoProject()).add(task)


class Todo:
    """What has to be done, by owner and project."""

    def __init__(self, run: Run) -> None:
        self._today = utc_day(run.info.as_of)
        self._titles = {one.rule.id: paragraph(one.rule.title) for one in run.results}
        self._contacts = {one.owner: one.contact for one in run.owners}
        self._owners: dict[str | None, _TodoOwner] = {}

    def add(self, task: Task) -> None:
        """Take a thing to do."""
        self._owners.setdefault(task.owner, _TodoOwner()).add(task)

    def told(self) -> dict[str, Any]:
        """Return the owners, that with the most urgent thing first; nobody's is the last."""
        found = sorted(
            self._owners.items(), key=lambda one: (one[0] is None, one[1].urgency, one[0] or "")
        )
        rest = [one for _, one in found[OWNERS:]]
        return {
            "owners": [self._owner(name, one) for name, one in found[:OWNERS]],
            "total": sum(one.total for _, one in found),
            "is_owned": bool(self._contacts),
            "more_owners": len(rest),
            "more": sum(one.total for one in rest),
        }

    def _owner(self, name: str | None, one: _TodoOwner) -> dict[str, Any]:
        found = sorted(one.projects.items(), key=lambda item: (item[1].urgency, item[0] or ""))
        rest = [project for _, project in found[PROJECTS:]]
        return {
            "name": name,
            "contact": self._contacts.get(name, ""),
            **self._load(one),
            "projects": [self._project(where, project) for where, project in found[:PROJECTS]],
            "more_projects": len(rest),
            "more": sum(project.total for project in rest),
        }

    def _project(self, where: str | None, one: _TodoProject) -> dict[str, Any]:
        found = sorted(one.actions.values(), key=lambda item: (item.urgency, item.task.rule))
        return {
            "place": where or _WAIVERS,
            **self._load(one),
            "rows": [self._action(action) for action in found[:ROWS]],
            "more_rows": max(len(found) - ROWS, 0),
            "more": sum(map(attrgetter("total"), found[ROWS:])),
        }

    def _action(self, one: _TodoAction) -> dict[str, Any]:
        task = one.task
        return {
            **self._load(one),
            "kind": task.kind.value,
            "verb": _VERBS[task.kind],
            "severity": task.severity.value if task.severity else "",
            "title": self._titles.get(task.rule) or task.rule,
            "rule": task.rule,
            "reopens": one.reopens,
        }

    def _load(self, one: _Load) -> dict[str, Any]:
        day = None if one.first == _NEVER else one.first
        return {
            "total": one.total,
            "late": one.late,
            "day": day.isoformat() if day else "",
            "left": left(day, self._today) if day else "",
        }
