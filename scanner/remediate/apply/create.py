"""A key to make and those of its project go in; the one that it is already comes out, if any."""

from collections.abc import Collection
from datetime import timedelta

import msgspec

from scanner.base.text import plural
from scanner.model.moment import SKEW_MINUTES, read_moment
from scanner.remediate.apply.audit import OPEN, ActionFate, AuditEntry
from scanner.remediate.apply.compare import fits, lacking, moved_away
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.keys import kept_name
from scanner.remediate.remote import FoundKey, Remote


def chosen(
    wanted: State, there: list[FoundKey], past: list[AuditEntry], told: Collection[str] = ()
) -> tuple[FoundKey | None, bool, str]:
    """Return the key that is there for the action, whether it was made by it, and what is amiss.

    `past` are the entries of the action so far, and `told` the id that the server gave to the new
    key: by one of them it is known, whatever the server made of its name. Else a key is known by
    its name, as people know it: of one name there is to be one.
    """
    made = {entry.target.id for entry in past if entry.target.id}.union(told)
    for one in there:
        if one.state["id"] in made:
            return one, True, ""
    name = wanted.get("name")
    same = [one for one in there if _called(one.state) == _called(wanted)]
    if not same:
        return None, False, ""
    if len(same) > 1:
        return None, False, f"the project has {plural(len(same), 'key')} of the name {name}"
    (one,) = same
    if past and past[-1].result in OPEN and _was_made_then(one.state, past):
        return one, True, ""
    if fits(wanted, one.state):
        return one, False, ""
    fields = ", ".join(lacking(wanted, one.state))
    return None, False, f"the project has a key of the name {name}, and it differs in: {fields}"


def _was_made_then(state: State, past: list[AuditEntry]) -> bool:
    """Whether a key was made when ours was asked for, or when is not told: else it is another's."""
    created = state.get("dateCreated")
    if created is None:
        return True
    asked = max(entry.at for entry in past if entry.result is ActionFate.SENDING)
    return abs(read_moment(created) - asked) <= timedelta(minutes=SKEW_MINUTES)


def placed(target: KeyTarget, there: list[FoundKey], remote: Remote) -> tuple[KeyTarget, str]:
    """Return the target under the slug of now, and that this is another project, if it is.

    What a project is, its keys tell; one without any is asked for itself. Raises ApiError.
    """
    number = there[0].state.get("projectId") if there else None
    slug = there[0].project if there else target.project
    if number is None:
        number, slug = remote.project(target.organization, target.project)
    moved = moved_away(target, {"projectId": number})
    return msgspec.structs.replace(target, project=slug), moved


def _called(state: State) -> str:
    """Return the name as the server keeps it: it may have cut off what the plan has at its ends."""
    return kept_name(str(state.get("name") or ""))


def named(target: KeyTarget, found: FoundKey) -> KeyTarget:
    """Return the target of an action that made a key, once there is one."""
    return msgspec.structs.replace(target, id=found.state["id"], project=found.project)
