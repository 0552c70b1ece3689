"""An action that cuts a key off goes in; what speaks against it on the server comes out.

That is asked of steps of rotations, and where a key that was made is taken back.
"""

from datetime import timedelta
from typing import Final

from scanner.base.text import clock, plural
from scanner.remediate.document import TAKE_BACK, KeyTarget, Plan, PlannedAction, State
from scanner.remediate.remote import Remote
from scanner.remediate.rotation.names import is_successor

_DAY: Final = timedelta(days=1)
_PERIOD: Final = 30 * _DAY
"""What Sentry's statistics of a key by the hour are asked for at most."""


def in_use(plan: Plan, action: PlannedAction, target: KeyTarget, remote: Remote) -> str:
    """Say that a key which is to be cut off is in use; empty where it is not seen to be.

    `target` is where the key is now: its project may go by another name than the plan has.
    The statistics of a key that is rotated out end up to a day before the plan, and the plan may
    have waited for its review: its successor may be gone by now. Of a key that was made nobody has
    looked at any statistics. Raises ApiError where the server does not tell.
    """
    if action.rotation is None:
        return ""
    is_back = action.rotation.step == TAKE_BACK
    since = plan.created_at - (_PERIOD if is_back else _DAY)
    events = remote.received(target, since)
    if events:
        return f"it received {plural(events, 'error')} since {clock(since)}"
    return _needed(target, remote) if is_back else _alone(target, remote)


def _alone(target: KeyTarget, remote: Remote) -> str:
    """Say that no active key follows this one any more: there is none to move over to."""
    states = [one.state for one in remote.keys(target.organization, target.project)]
    new = [s for s in states if s["id"] != target.id and is_successor(_name(s), target.id)]
    if any(state.get("isActive") for state in new):
        return ""
    return f"its successor {_name(new[0])} is not active any more" if new else "it has no successor"


def _name(state: State) -> str:
    return state.get("name") or ""


def _needed(target: KeyTarget, remote: Remote) -> str:
    """Say that the key which a new one follows accepts nothing."""
    for one in remote.keys(target.organization, target.project):
        if is_successor(target.name or "", one.state["id"]) and not one.state.get("isActive"):
            name = one.state.get("name")
            return f"it follows the key {name}, which is not active: enable that one first"
    return ""
