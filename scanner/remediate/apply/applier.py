"""A planned action goes in; the key is read, changed, read back, and its fate comes out.

Nothing is sent to a key that is otherwise than planned, nothing is sent twice, and nothing is sent
before the audit log holds it. What may have been done is looked up by reading.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from scanner.base.text import clock
from scanner.http.failure import ApiError
from scanner.remediate.apply.against import against
from scanner.remediate.apply.audit import (
    FORMAT,
    OPEN,
    SETTLED,
    ActionFate,
    Actor,
    AuditEntry,
    AuditLog,
)
from scanner.remediate.apply.compare import (
    Standing,
    drift,
    fits,
    lacking,
    moved_away,
    standing,
)
from scanner.remediate.apply.create import chosen, named, placed
from scanner.remediate.apply.taken import alike, by_key, settled, still_done, taken_back, undone
from scanner.remediate.apply.verdict import verdict
from scanner.remediate.document import KeyTarget, Plan, PlannedAction, State, plan_digest
from scanner.remediate.remote import FoundKey, Operation, Remote


class Applied(msgspec.Struct, frozen=True):
    """What became of an action, and why.

    `dsn` is the public one of a key that was made. `is_new`: it came to that now, not in a run
    before.
    """

    action: PlannedAction
    fate: ActionFate
    reason: str = ""
    dsn: str | None = None
    is_new: bool = True

    @property
    def is_surprise(self) -> bool:
        """Whether it is otherwise than the plan has it."""
        return self.fate not in SETTLED


class Applier:
    """Applies the actions of one plan, one after the other, on one server."""

    def __init__(self, plan: Plan, remote: Remote, log: AuditLog, who: Actor) -> None:
        self._plan = plan
        self._digest = plan_digest(plan)
        self._keys = by_key(plan.actions)
        self._remote = remote
        self._log = log
        self._who = who

    def apply(self, action: PlannedAction) -> Applied:
        """Apply one action. Raises UsageError where the audit log cannot be written."""
        if (done := settled(self._log, self._digest, action)) is None:
            return self._apply(action)
        if back := taken_back(self._log, done, action):
            was = f"another plan took it back at {clock(back.at)}"
        else:
            was = f"was {done.result.value} at {clock(done.at)}"
            try:
                otherwise = undone(done, action, self._remote)
            except ApiError as error:
                return self._note(action, ActionFate.UNREAD, f"could not be read: {error.message}")
            if not otherwise:
                return Applied(action, done.result, was, is_new=False)
            was += f", and {otherwise}"
        again = self._apply(action, is_undone=True)
        return msgspec.structs.replace(again, reason=f"{was}; {again.reason or 'made again'}")

    def _apply(self, action: PlannedAction, *, is_undone: bool = False) -> Applied:
        past = self._log.of(self._digest, action.id)
        try:
            if not action.target.id:
                return self._make(action, past)
            pending = past[-1] if past and past[-1].result in OPEN else None
            return self._change(action, pending, is_undone=is_undone)
        except ApiError as error:
            reason = f"could not be read: {error.message}"
            if past and past[-1].result in OPEN:  # it still is: nothing new is known
                return self._note(action, ActionFate.UNSURE, reason, **_facts(past[-1], None))
            return self._note(action, ActionFate.UNREAD, reason)

    def _change(
        self, action: PlannedAction, pending: AuditEntry | None, *, is_undone: bool
    ) -> Applied:
        """Change or delete a key; `pending` is a request of which nobody knows what became."""
        found = self._remote.read(action.target)
        done = ActionFate.APPLIED if pending else ActionFate.ALREADY
        facts = _facts(pending, found)
        looked_up = "looked up: it was done before the run was cut off" if pending else ""
        if found is None:
            if action.after is None:
                return self._note(action, done, looked_up or "the key is gone already", **facts)
            return self._note(action, ActionFate.VANISHED, "the project has no such key any more")
        if moved := moved_away(action.target, found.state):
            return self._note(action, ActionFate.DRIFTED, moved, before=found.state)
        others = alike(action, self._keys)
        # What took this back may have taken back the others, too, whatever the log has.
        own = [] if is_undone else still_done(self._log, self._digest, others)
        now = standing(action, found.state, own, others)
        if now is Standing.DONE:
            return self._note(action, done, looked_up or "it is so already", **facts)
        target = msgspec.structs.replace(action.target, project=found.project)
        is_other = now is Standing.OTHERWISE
        reason = (
            drift(action, found.state)
            if is_other
            else against(self._plan, action, target, self._remote)
        )
        if is_other or reason:
            return self._note(action, ActionFate.DRIFTED, reason, before=found.state)
        return self._update(action, target, found.state, action.after)

    def _update(
        self, action: PlannedAction, target: KeyTarget, before: State, changes: State | None
    ) -> Applied:
        """Send what changes of a key, or its deletion, and say what came of it."""

        def send(request_id: str) -> None:
            if changes is None:
                self._remote.delete(target, request_id)
            else:
                self._remote.update(target, changes, before, request_id)

        facts: dict[str, Any] = {"target": target, "before": before, "changes": changes}
        broken = self._send(action, send, facts)
        try:
            found = self._remote.read(target)
        except ApiError as error:
            return self._unread(action, broken, error, facts)
        return self._judged(action, broken, found, facts)

    def _judged(
        self,
        action: PlannedAction,
        broken: ApiError | None,
        found: FoundKey | None,
        facts: dict[str, Any],
    ) -> Applied:
        """Say what came of a request, whatever its answer, by the key as it is now."""
        before, changes, after = facts["before"], facts["changes"], found.state if found else None
        fate, reason = verdict(action.after, broken, changes, before, after)
        dsn = found.dsn if found and not action.target.id else None
        return self._note(action, fate, reason, dsn=dsn, **{**facts, "after": after})

    def _make(self, action: PlannedAction, past: list[AuditEntry]) -> Applied:
        """Make a key, unless one of the name is there; set what making does not take."""
        target, wanted = action.target, action.after or {}
        ids = {entry.target.id for entry in past if entry.target.id}
        there = self._there(target, ids)
        target, moved = placed(target, there, self._remote)
        if moved:
            return self._note(action, ActionFate.DRIFTED, moved)
        found, is_ours, problem = chosen(wanted, there, past)
        fate = ActionFate.DRIFTED
        if found is None and not problem and ids and past[-1].result in OPEN:
            fate, problem = ActionFate.VANISHED, f"the server made {min(ids)} and does not have it"
        if problem:
            return self._note(action, fate, problem)
        if found is not None and fits(wanted, found.state):
            fate = ActionFate.APPLIED if is_ours else ActionFate.ALREADY
            facts = _facts(past[-1] if is_ours else None, found)
            facts["target"] = named(target, found)
            reason = f"the key {found.state['id']} is there already"
            return self._note(action, fate, reason, dsn=found.dsn, **facts)
        facts = {"target": target, "before": None, "changes": wanted}
        if found is None:
            taken = self._remote.fields[Operation.CREATE]
            facts["changes"] = {k: v for k, v in wanted.items() if k in taken}
            made = self._post(action, target, facts)
            if isinstance(made, Applied):
                return made
            found = made
        target = named(target, found)
        settable = self._remote.fields[Operation.UPDATE] - self._remote.fields[Operation.CREATE]
        rest = {f: wanted[f] for f in lacking(wanted, found.state) if f in settable}
        if rest:
            return self._update(action, target, found.state, rest)
        return self._judged(action, None, found, {**facts, "target": target})

    def _post(
        self, action: PlannedAction, target: KeyTarget, facts: dict[str, Any]
    ) -> Applied | FoundKey:
        """Make the key and return it as it was read back; what became of it where that failed."""
        fields = facts["changes"]
        made: list[FoundKey | None] = []

        def send(request_id: str) -> None:
            made.append(self._remote.create(target, fields, request_id))

        broken = self._send(action, send, facts)
        ids = {one.state["id"] for one in made if one is not None}
        facts["target"] = msgspec.structs.replace(target, id=min(ids, default=""))
        try:
            there = self._there(target, ids)
        except ApiError as error:
            return self._unread(action, broken, error, facts)
        past = self._log.of(self._digest, action.id)
        found, _, problem = chosen(fields, there, past, ids)
        is_refused = broken is not None and not broken.unsure
        if found and is_refused and not fits(action.after or {}, found.state):
            # It may be somebody else's, for which the server refused ours: nothing is set on it.
            found, problem = None, "the project has a key of the name now"
        if found is None:
            fate, lost = ActionFate.UNSURE, f"{broken.message}; " if broken else ""
            if is_refused:
                fate = ActionFate.REFUSED
            elif broken and not problem:
                fate = ActionFate.NOT_DONE
            reason = f"{lost}looked up: {problem or 'the project has no key of the name'}"
            return self._note(action, fate, reason, **facts)
        return found

    def _there(self, target: KeyTarget, ids: set[str]) -> list[FoundKey]:
        """Return the project's keys; those of known ids also where its list lags behind."""
        there = self._remote.keys(target.organization, target.project)
        for key in sorted(ids.difference(one.state["id"] for one in there)):
            one = self._remote.read(msgspec.structs.replace(target, id=key))
            there += [one] if one is not None else []
        return there

    def _unread(
        self, action: PlannedAction, broken: ApiError | None, error: ApiError, facts: dict[str, Any]
    ) -> Applied:
        """Say that a key could not be read after its request; a refusal is believed then."""
        if broken is not None and not broken.unsure:
            return self._note(action, ActionFate.REFUSED, broken.message, **facts)
        why = f"{broken.message}; " if broken else ""
        reason = f"{why}it could not be read back: {error.message}"
        return self._note(action, ActionFate.UNSURE, reason, **facts)

    def _send(
        self, action: PlannedAction, send: Callable[[str], object], facts: dict[str, Any]
    ) -> ApiError | None:
        """Announce a request and send it; return how it failed, if it did."""
        request_id = uuid.uuid4().hex
        facts["request_id"] = request_id
        self._log.append(self._entry(action, ActionFate.SENDING, "", facts))
        try:
            send(request_id)
        except ApiError as error:
            return error
        return None

    def _note(
        self,
        action: PlannedAction,
        fate: ActionFate,
        reason: str = "",
        *,
        dsn: str | None = None,
        **facts: Any,  # noqa: ANN401 - fields of an entry
    ) -> Applied:
        self._log.append(self._entry(action, fate, reason, facts))
        return Applied(action, fate, reason, dsn)

    def _entry(
        self, action: PlannedAction, fate: ActionFate, reason: str, facts: dict[str, Any]
    ) -> AuditEntry:
        return AuditEntry(
            format=FORMAT,
            at=datetime.now(UTC),
            who=self._who,
            plan=self._digest,
            server=self._plan.server,
            action_id=action.id,
            action=action.action,
            result=fate,
            reason=reason,
            findings=action.findings,
            **{"target": action.target, **facts},
        )


def _facts(pending: AuditEntry | None, found: FoundKey | None) -> dict[str, Any]:
    """Return the key as it is now, with what was noted of the request that led to it."""
    facts: dict[str, Any] = {"after": found.state if found else None}
    if pending is not None:
        known = ("request_id", "before", "changes")
        facts |= {name: getattr(pending, name) for name in known}
    return facts
