"""States of a key compared: with what is wanted, with what was planned on, with one another."""

import json
from collections.abc import Iterable
from enum import StrEnum

from scanner.remediate.document import KeyTarget, PlannedAction, State


class Standing(StrEnum):
    """How a key stands to an action."""

    AS_PLANNED = "as planned"
    DONE = "done"
    OTHERWISE = "otherwise"


def fits(wanted: State, state: State) -> bool:
    """Whether all that is wanted is so; of an object, only the members that are wanted."""
    return not lacking(wanted, state)


def lacking(wanted: State, state: State) -> list[str]:
    """Return the fields that are not as wanted."""
    return sorted(
        field
        for field, value in wanted.items()
        if field not in state or not _same(value, state[field])
    )


def overlaid(state: State, fields: State) -> State:
    """Return the state with these fields in place of its own; objects are merged."""
    return {**state, **{field: _merged(state.get(field), v) for field, v in fields.items()}}


def standing(
    action: PlannedAction,
    state: State,
    own: Iterable[PlannedAction],
    others: Iterable[PlannedAction] = (),
) -> Standing:
    """Return how a key that was read anew stands to an action on it.

    `own` are the actions of the same plan that were done to the key before, as far as is known, and
    `others` all that it has besides: without the log, what they want may be so all the same. A
    plan's preconditions are about the time before all of them.
    """
    planned_on = state
    for earlier in own:
        if not fits(earlier.after or {}, state):
            return Standing.OTHERWISE
        planned_on = overlaid(planned_on, earlier.before)
    for one in others:
        if one.after and fits(one.after, state):
            planned_on = overlaid(planned_on, one.before)
    if action.precondition.holds(planned_on):
        return Standing.AS_PLANNED
    undone = overlaid(planned_on, action.before)
    if action.after is not None and fits(action.after, state) and action.precondition.holds(undone):
        return Standing.DONE
    return Standing.OTHERWISE


def drift(action: PlannedAction, state: State) -> str:
    """Say what is otherwise than the action was planned on, as far as the plan tells it."""
    fields = lacking(action.before, state)
    if not fields:
        known = ", ".join(action.precondition.fields)
        return f"it is otherwise than when the plan was made, in one of: {known}"
    told = (f"{f} is {shown(state, f)} and was {shown(action.before, f)}" for f in fields)
    return "it is otherwise than when the plan was made: " + "; ".join(told)


def spread(before: State, after: State, changed: State) -> list[str]:
    """Return the fields that became other though nobody asked for it."""
    return differing(overlaid(before, changed), after)


def differing(one: State, other: State) -> list[str]:
    """Return the fields that are not the same in both; absent is another thing than null."""
    fields = one.keys() | other.keys()
    return sorted(f for f in fields if f not in one or f not in other or one[f] != other[f])


def moved_away(target: KeyTarget, state: State) -> str:
    """Say that a key is of another project than planned, if it is."""
    project = state.get("projectId")
    if target.project_id is None or project is None or project == target.project_id:
        return ""
    return f"{target.project} is another project now: its id is {project}, not {target.project_id}"


def told(fields: list[str], state: State) -> str:
    """Return fields with their values, for people."""
    return ", ".join(f"{field} is {shown(state, field)}" for field in fields)


def shown(state: State, field: str) -> str:
    """Return a field's value as JSON, or that it is not told."""
    return json.dumps(state[field], ensure_ascii=False) if field in state else "not told"


def _merged(old: object, new: object) -> object:
    return {**old, **new} if isinstance(old, dict) and isinstance(new, dict) else new


def _same(wanted: object, value: object) -> bool:
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(name in value and _same(inner, value[name]) for name, inner in wanted.items())
    return type(wanted) is type(value) and wanted == value
