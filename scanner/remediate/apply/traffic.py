"""A planned step of a rotation goes in; what its key received since the plan looked comes out."""

from datetime import timedelta

from scanner.base.text import clock, plural
from scanner.remediate.document import KeyTarget, Plan, PlannedAction
from scanner.remediate.remote import Remote


def used_since(plan: Plan, action: PlannedAction, target: KeyTarget, remote: Remote) -> str:
    """Say that a key which is to be rotated out received something; empty where it did not.

    `target` is where the key is now: its project may go by another name than the plan has.
    Its statistics end up to a day before the plan, and the plan may have waited for its review.
    Raises ApiError where the server does not tell.
    """
    if action.rotation is None:
        return ""
    since = plan.created_at - timedelta(days=1)
    events = remote.received(target, since)
    return f"it received {plural(events, 'error')} since {clock(since)}" if events else ""
