"""An audit log and an action that was applied go in; whether it was taken back since comes out."""

from collections.abc import Iterable, Mapping

from scanner.remediate.apply.audit import SETTLED, ActionFate, AuditEntry, AuditLog
from scanner.remediate.apply.compare import fits
from scanner.remediate.document import KeyTarget, PlannedAction
from scanner.remediate.remote import Remote

_Place = tuple[str, str, str]
_SEEN = SETTLED | {ActionFate.SPREAD, ActionFate.IGNORED}
"""What tells how a key was afterwards."""


def settled(log: AuditLog, plan: str, action: PlannedAction) -> AuditEntry | None:
    """Return the last that the log tells of an action, if it was done by then."""
    past = log.of(plan, action.id)
    return past[-1] if past and past[-1].result in SETTLED else None


def taken_back(log: AuditLog, done: AuditEntry, action: PlannedAction) -> AuditEntry | None:
    """Return what another plan found or did since, if what the action wanted is so no more."""
    found = None
    for entry in reversed(log.entries):
        if entry is done:
            break
        is_other = entry.plan != done.plan and _place(entry.target) == _place(done.target)
        if found is None and is_other and entry.result in _SEEN:
            found = entry
    if found is None or action.after is None:
        return None
    is_kept = found.after is not None and fits(action.after, found.after)
    return None if is_kept else found


def undone(done: AuditEntry, action: PlannedAction, remote: Remote) -> str:
    """Say that what was done is so no more, if the server tells it; the log need not know.

    An undo has a log of its own unless it is told otherwise, and anybody may change a key. What was
    deleted stays away, and what became of a key that was made is not the plan's. Raises ApiError.
    """
    if action.after is None:
        return ""
    found = remote.read(done.target)
    if found is None:
        return "is there no more"
    is_so = not action.target.id or fits(action.after, found.state)
    return "" if is_so else "is so no more"


def by_key(actions: Iterable[PlannedAction]) -> dict[_Place, list[PlannedAction]]:
    """Return the actions on each key."""
    found: dict[_Place, list[PlannedAction]] = {}
    for one in actions:
        found.setdefault(_place(one.target), []).append(one)
    return found


def alike(action: PlannedAction, keys: Mapping[_Place, list[PlannedAction]]) -> list[PlannedAction]:
    """Return the other actions on the same key."""
    return [one for one in keys[_place(action.target)] if one.id != action.id]


def still_done(log: AuditLog, plan: str, actions: Iterable[PlannedAction]) -> list[PlannedAction]:
    """Return those of a plan's actions that were done, and still are, by the log."""
    return [
        one
        for one in actions
        if (done := settled(log, plan, one)) is not None and not taken_back(log, done, one)
    ]


def _place(target: KeyTarget) -> _Place:
    return target.organization, target.project_id or target.project, target.id
