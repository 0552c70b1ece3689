"""The story of a run: what its history and its forecast tell, put together for the page."""

from typing import Any

from scanner.model.run import Run
from scanner.report.html.story.controls import controls
from scanner.report.html.story.due import Agenda
from scanner.report.html.story.since import since
from scanner.report.html.story.tasks import tasks
from scanner.report.html.story.todo import Todo


def story(run: Run) -> dict[str, Any]:
    """Return the template's variables; those that nothing is known of are None."""
    told: dict[str, Any] = {"since": since(run), "rates": controls(run), "due": None, "todo": None}
    if run.progress is None and run.forecast is None:
        return told
    agenda, todo = Agenda(run), Todo(run)
    for task in tasks(run):
        agenda.add(task)
        todo.add(task)
    return told | {"due": agenda.told(), "todo": todo.told()}
