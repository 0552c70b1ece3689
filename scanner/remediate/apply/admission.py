"""A plan and what the user allows go in; nothing comes out, or the reason why it is refused."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.text import clock, plural
from scanner.catalogue import TOKEN_SETTING, URL_SETTING
from scanner.http.origin import base_url
from scanner.model.moment import SKEW_MINUTES, in_utc
from scanner.model.outcome import Risk
from scanner.policy.language.values import format_duration
from scanner.remediate.document import Plan, PlannedAction
from scanner.remediate.remote import Operation, Remote

MAX_AGE: Final = timedelta(hours=24)
MAX_CHANGES: Final = 20


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the user allows: a plan's age, the number of its actions, and what nothing undoes.

    `organizations` are those that settings name, none for all.
    """

    server: str
    organizations: tuple[str, ...] = ()
    max_age: timedelta = MAX_AGE
    max_changes: int = MAX_CHANGES
    allow_irreversible: bool = False


def check_plan(plan: Plan, terms: Terms, now: datetime, where: str) -> None:
    """Raise UsageError for a plan that is not to be applied here, or not now; `where` is its file.

    The plan does not choose the server: a token goes where its owner says.
    """
    if base_url(plan.server, insecure_http=True) != terms.server:
        raise UsageError(
            f"is a plan for {plan.server}, and the server in use is {terms.server}",
            where=where,
            remedy=f"If it is the one you mean, say so: --url {plan.server}, or {URL_SETTING}.",
        )
    used = {one.target.organization for one in plan.actions}
    foreign = used.difference(plan.organizations)
    if terms.organizations:
        foreign |= used.difference(terms.organizations)
    if foreign:
        raise UsageError(
            f"changes keys of another organization: {', '.join(sorted(foreign))}",
            where=where,
            remedy="Make a plan for the organization that you mean; --org names it.",
        )
    if len({one.id for one in plan.actions}) < len(plan.actions):
        raise UsageError("has two actions of one id", where=where, remedy="Make the plan anew.")
    _check_age(plan, terms, now, where)
    if len(plan.actions) > terms.max_changes:
        raise UsageError(
            f"has {plural(len(plan.actions), 'change')}, and at most {terms.max_changes} are made",
            where=where,
            remedy=f"Allow them with --max-changes {len(plan.actions)}, or plan fewer.",
        )
    irreversible = [one for one in plan.actions if is_irreversible(one)]
    if irreversible and not terms.allow_irreversible:
        raise UsageError(
            f"has {plural(len(irreversible), 'change')} that nothing undoes:"
            f" {', '.join(sorted({one.action for one in irreversible}))}",
            where=where,
            remedy="Allow them with --allow-irreversible, or plan without them.",
        )


def check_server(plan: Plan, remote: Remote) -> None:
    """Raise UsageError where the server takes no such change, or the token is not enough.

    Raises ApiError where the server cannot be asked whose token it is.
    """
    for action in plan.actions:
        try:
            _check_fields(action, remote)
        except ValueError as error:
            raise UsageError(
                f"action {action.id} sets what cannot be set: {error}",
                remedy="Make the plan anew.",
            ) from error
    operations = {Operation.READ, *map(operation, plan.actions)} if plan.actions else set()
    lacks = {remote.lacks(one): one for one in sorted(operations)}
    missing = {scope: one for scope, one in lacks.items() if scope is not None}
    if missing:
        told = ", ".join(f"{scope} (to {one} keys)" for scope, one in sorted(missing.items()))
        raise UsageError(
            f"the token lacks the scope {told}; nothing was changed",
            where=TOKEN_SETTING,
            remedy="Use a token that has it. Reading and planning need none that can write.",
        )


def operation(action: PlannedAction) -> Operation:
    """Return what an action comes to on a server."""
    if action.after is None:
        return Operation.DELETE
    return Operation.UPDATE if action.target.id else Operation.CREATE


def is_irreversible(action: PlannedAction) -> bool:
    """Whether nothing brings back what it does, whatever the plan calls its risk."""
    return action.risk is Risk.IRREVERSIBLE or action.after is None


def _check_fields(action: PlannedAction, remote: Remote) -> None:
    fields = action.after or {}
    made = frozenset() if action.target.id else remote.fields[Operation.CREATE]
    remote.check(Operation.UPDATE, {k: v for k, v in fields.items() if k not in made})
    if made:
        remote.check(Operation.CREATE, {k: v for k, v in fields.items() if k in made})
        if not fields.get("name"):
            raise ValueError("a key is made without a name")


def _check_age(plan: Plan, terms: Terms, now: datetime, where: str) -> None:
    try:
        age = now - in_utc(plan.created_at)
    except ValueError as error:
        raise UsageError(
            f"was made at no time: {error}",
            where=where,
            remedy="Make the plan anew.",
        ) from error
    if age > terms.max_age:
        raise UsageError(
            f"was made at {clock(plan.created_at)}, longer ago than"
            f" {format_duration(terms.max_age)}",
            where=where,
            remedy="Make it anew, or allow it with --max-age.",
        )
    if age < -timedelta(minutes=SKEW_MINUTES):
        raise UsageError(
            f"was made in the future, at {clock(plan.created_at)}",
            where=where,
            remedy="Mend the clock of this machine or of the one that made it, and plan anew.",
        )
