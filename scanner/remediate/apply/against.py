"""An action goes in; what speaks against it on the server, beside the key itself, comes out.

That is traffic where a key is cut off, and another key that took the name meanwhile.
"""

from datetime import timedelta
from typing import Final

from scanner.base.text import clock, plural
from scanner.remediate.document import TAKE_BACK, KeyTarget, Plan, PlannedAction, State
from scanner.remediate.keys import kept_name
from scanner.remediate.remote import Remote
from scanner.remediate.rotation.names import is_successor

_DAY: Final = timedelta(days=1)
_PERIOD: Final = 30 * _DAY
"""What Sentry's statistics of a key by the hour are asked for at most."""


def against(plan: Plan, action: PlannedAction, target: KeyTarget, remote: Remote) -> str:
    """Say what speaks against changing a key that is as planned; empty where nothing is seen.

    `target` is where the key is now: its project may go by another name than the plan has. Raises
    ApiError where the server does not tell.
    """
    return _in_use(plan, action, target, remote) or _taken(plan, action, target, remote)


def _in_use(plan: Plan, action: PlannedAction, target: KeyTarget, remote: Remote) -> str:
    """Say that a key which is to be cut off is in use, though the plan does not say that it is.

    The statistics that it was planned on end up to a day before the plan, and the plan may have
    waited for its review: the successor of a key that is rotated out may be gone by now. Of a key
    that was made nobody has looked at any statistics.
    """
    step = action.rotation.step if action.rotation else None
    if step is None and not _was_silent(action):
        return ""
    since = plan.created_at - (_PERIOD if step == TAKE_BACK else _DAY)
    events = remote.received(target, since)
    if events:
        return f"it received {plural(events, 'error')} since {clock(since)}"
    if step is None:
        return ""
    return _needed(target, remote) if step == TAKE_BACK else _alone(target, remote)


def _was_silent(action: PlannedAction) -> bool:
    """Whether the plan cuts off a key of which it says that it accepted nothing."""
    is_cut = action.after is None or action.after.get("isActive") is False
    return is_cut and action.traffic is not None and not action.traffic.accepted


def _taken(plan: Plan, action: PlannedAction, target: KeyTarget, remote: Remote) -> str:
    """Say that another key of the project has the name which the action gives.

    As when it is planned (remediate/apart.py), steps of rotations are let be. So is an undo, which
    no policy asks for: it gives a name back, be it one that two keys had.
    """
    wanted = (action.after or {}).get("name")
    if wanted is None or action.rotation is not None or not plan.policies:
        return ""
    there = remote.keys(target.organization, target.project)
    others = [
        one.state["id"]
        for one in there
        if one.state["id"] != target.id and kept_name(_name(one.state)) == kept_name(wanted)
    ]
    return f"the key {others[0]} of the project is called {wanted} by now" if others else ""


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
