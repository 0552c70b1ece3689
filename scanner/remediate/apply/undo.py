"""An audit log goes in; a plan that takes back what can be taken back comes out.

It is applied as any plan is: a key that became other since the log was written is left alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.model.outcome import Risk
from scanner.policy.actions import ACTIONS, get_action
from scanner.remediate.apply.audit import OPEN, ActionFate, AuditEntry
from scanner.remediate.apply.compare import differing, fits
from scanner.remediate.document import (
    TAKE_BACK,
    KeyTarget,
    Left,
    Plan,
    PlannedAction,
    PlanTool,
    Precondition,
    Rotation,
    State,
    action_id,
)
from scanner.remediate.keys import is_whole
from scanner.remediate.plan import UNSEEN_TRAFFIC
from scanner.remediate.rotation.names import is_successor

UNSEEN: Final = "unseen"
"""The code of a change of which nobody knows what became."""

_LOOKED_AT: Final = (
    "the key is left where it received errors in 30 days, or where the key that it follows is not"
    " active: `fix apply` asks the server"
)
_Place = tuple[str, str, str]
_UNTOLD: Final = frozenset({ActionFate.UNREAD, ActionFate.DRIFTED})
_OPPOSITES: Final = {"disable": "enable", "enable": "disable"}


def undo_plan(entries: Sequence[AuditEntry], chosen: str, now: datetime, where: str) -> Plan:
    """Return the plan that undoes one plan's changes: that whose digest begins with `chosen`.

    An empty text chooses the one that was at work last: a plan may be applied once more after
    another one. Raises UsageError where the log has none, or several.
    """
    digests = dict.fromkeys(one.plan for one in reversed(entries) if one.plan.startswith(chosen))
    digest = next(iter(digests), None)
    if digest is None or (chosen and len(digests) > 1):
        raise UsageError(
            "tells of no such plan" if digest is None else "tells of several plans of that digest",
            where=where,
            remedy="Give the audit log of `keypolicy fix apply`, and the whole digest to --plan.",
        )
    told = [one for one in entries if one.plan == digest]
    groups: dict[str, list[AuditEntry]] = {}
    for entry in told:
        groups.setdefault(entry.action_id, []).append(entry)
    final = {one.target.place: one.after for one in told if one.after is not None}
    actions, left = [], []
    for group in groups.values():
        made = _undone(group, final, entries)
        if isinstance(made, Left):
            left.append(made)
        elif made is not None:
            actions.append(made)
    return Plan(
        tool=PlanTool("keypolicy", __version__),
        created_at=now,
        as_of=now,
        server=told[0].server,
        organizations=tuple(sorted({one.target.organization for one in told})),
        policies=(),
        actions=tuple(sorted(actions, key=lambda one: (*one.target.place, one.action))),
        left=tuple(sorted(left, key=lambda one: one.target.place)),
    )


def _undone(
    group: list[AuditEntry], states: Mapping[_Place, State], entries: Sequence[AuditEntry]
) -> PlannedAction | Left | None:
    """Return what takes one action back, why nothing does, or None where it changed nothing.

    `states` are those in which the plan left keys.
    """
    sent = [one for one in group if one.result is ActionFate.SENDING]
    if not sent:
        return None
    # What is told later of a key that could not be read, or was otherwise, is about no request.
    last = next(one for one in reversed(group) if one.result not in _UNTOLD)
    if last.result in OPEN:
        again = "apply its plan again, which looks it up"
        reason = again if last is group[-1] else group[-1].reason
        return _left(last, UNSEEN, f"what became of it is not known: {reason}")
    final = states.get(last.target.place)
    if sent[0].target.id == "":
        return _unmade(last, final, entries)
    if sent[-1].changes is not None:
        return _reverted(last, sent, final)
    if last.result is ActionFate.APPLIED:
        return _left(last, "irreversible", "the key is deleted: nothing brings back its DSN")
    return None


def _unmade(
    last: AuditEntry, final: State | None, entries: Sequence[AuditEntry]
) -> PlannedAction | Left | None:
    """Return what deletes a key that was made, if it was, unless others rely on it."""
    if not last.target.id or final is None:
        return None
    if why := _needed(last.target, entries):
        return _left(last, "in-use", why)
    return _planned(last, "delete", final, {}, None)


def _needed(made: KeyTarget, entries: Sequence[AuditEntry]) -> str:
    """Say that the key which a new one follows accepts nothing, as far as the log tells."""
    for entry in reversed(entries):
        old, done = entry.target, entry.result is ActionFate.APPLIED
        if done and old.place[:2] == made.place[:2] and is_successor(made.name or "", old.id):
            if entry.after is not None and entry.after.get("isActive"):
                return ""
            gone = "deleted" if entry.after is None else "disabled"
            return f"it follows the key {old.name}, which was {gone} since then: it may be in use"
    return ""


def _reverted(
    last: AuditEntry, sent: Sequence[AuditEntry], final: State | None
) -> PlannedAction | Left | None:
    """Return what sets the fields of a key back that were set and became other, if any did.

    What else became other meanwhile was done by somebody else, or by the server: it stays.
    """
    before, after = sent[0].before or {}, last.after
    if after is None or final is None:
        if last.result in {ActionFate.REFUSED, ActionFate.NOT_DONE}:
            return None
        if last.result is ActionFate.VANISHED:
            return _left(last, "gone", "there is no such key any more")
        return _left(last, UNSEEN, f"the key was not seen afterwards ({last.reason})")
    asked = {field for one in sent for field in one.changes or {}}
    changed = [field for field in differing(before, after) if field in asked]
    others = [field for field in differing(before, after) if field not in asked]
    stays = f"{', '.join(others)} became other at the same time, which nobody planned: that stays"
    if not changed:
        return _left(last, "spread", stays) if others else None
    wanted = {field: before[field] for field in changed if field in before}
    is_known, untold = len(wanted) == len(changed) and is_whole(wanted), []
    if is_known:
        untold = _untold(before, after, sent)
        wanted = {name: value for name, value in wanted.items() if not fits({name: value}, after)}
    if not is_known or not wanted:
        reason = f"what it was before is not known: {', '.join(untold or changed)}"
        return _left(last, "unknown-state", reason)
    now = {field: after[field] for field in wanted if field in after}
    name = _OPPOSITES.get(last.action, last.action)
    told = [stays] if others else []
    if untold:
        told.append(f"what was before is not known of {', '.join(untold)}: that stays")
    return _planned(last, name, final, now, wanted, *told)


def _untold(before: State, after: State, sent: Sequence[AuditEntry]) -> list[str]:
    """Return the members of objects that were set, and that the key did not tell before."""
    found = {
        f"{field}.{member}"
        for one in sent
        for field, value in (one.changes or {}).items()
        if isinstance(value, Mapping) and isinstance(old := before.get(field), Mapping)
        for member in value.keys() - old.keys()
        if member in (after.get(field) or {})
    }
    return sorted(found)


def _planned(
    entry: AuditEntry,
    name: str,
    final: State,
    before: State,
    after: State | None,
    *told: str,
) -> PlannedAction:
    is_cut = after is None or after.get("isActive") is False or bool(after.get("rateLimit"))
    risk = Risk.IRREVERSIBLE if after is None else Risk.DISRUPTIVE
    if after is not None and name in ACTIONS:
        risk = get_action(name).risk
    if risk is Risk.SAFE and is_cut:
        # Nobody looked at what the key receives by now: the log alone is read.
        risk = Risk.DISRUPTIVE
    notes = [*told, UNSEEN_TRAFFIC] if is_cut else [*told]
    rotation = None
    if after is None:
        notes.append(_LOOKED_AT)
        rotation = Rotation(entry.target.id, TAKE_BACK)
    return PlannedAction(
        id=action_id(name, entry.target, after),
        action=name,
        risk=risk,
        target=entry.target,
        before=before,
        after=after,
        precondition=Precondition.of(final),
        reason=f"takes back {entry.action} of {entry.at:%Y-%m-%d %H:%M:%S} UTC"
        f" (plan {entry.plan[:12]})",
        findings=entry.findings,
        notes=tuple(notes),
        rotation=rotation,
    )


def _left(entry: AuditEntry, code: str, reason: str) -> Left:
    cause = entry.findings[0] if entry.findings else None
    return Left(
        target=entry.target,
        rule_id=cause.rule_id if cause else "",
        policy=cause.policy if cause else "",
        fingerprint=cause.fingerprint if cause else "",
        code=code,
        reason=f"{entry.action}: {reason}",
    )
