"""set_rate_limit: a count, a window and what is in use go in, the key's rate limit comes out."""

import math
from datetime import timedelta
from typing import Annotated, Final

import msgspec

from scanner.base.text import plural
from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NotPossibleError, Proposal, Situation
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType, format_duration

LONGEST: Final = timedelta(days=1)
"""Longest window that Sentry takes: 86400 seconds."""

_HOUR: Final = timedelta(hours=1)
_LEAST: Final = 100
_FIGURES: Final = 2


class SetRateLimitArguments(msgspec.Struct, frozen=True):
    """The limit to set, and how low usage may make it."""

    count: Annotated[
        int,
        Slot(
            type=ValueType.INTEGER,
            minimum=1,
            description="Most events that one window may accept; fewer where usage is known.",
        ),
    ]
    window: Annotated[
        timedelta,
        Slot(
            type=ValueType.DURATION,
            minimum=timedelta(seconds=1),
            maximum=LONGEST,
            description="The window, at most 1d (default 1h).",
        ),
    ] = _HOUR
    least: Annotated[
        int,
        Slot(
            type=ValueType.INTEGER,
            minimum=1,
            description="Fewest events that usage may bring the count down to (default 100).",
        ),
    ] = _LEAST


def propose(arguments: SetRateLimitArguments, situation: Situation) -> Proposal:
    """Propose what was in use at the busiest time with the margin, and no more than the count."""
    window = round(arguments.window.total_seconds())
    shown = format_duration(arguments.window)
    if situation.usage is None:
        why = f" ({situation.why_not.rstrip('.')})" if situation.why_not else ""
        note = (
            f"usage was not looked at{why}: {arguments.count:,} in {shown} is what the policy says;"
            " see what the key receives before it is applied"
        )
        # A limit that is there already and no higher lets through no more than this one.
        now = situation.state["rateLimit"]
        is_checked = bool(now) and now["window"] == window and now["count"] <= arguments.count
        return Proposal(_limit(arguments.count, window), (note,), is_checked=is_checked)
    busiest = situation.usage.busiest(window)
    if busiest > arguments.count:
        raise NotPossibleError(
            "in-use",
            f"the key accepted {plural(busiest, 'event')} in its busiest {shown}, more than the"
            f" {arguments.count:,} that the policy would allow: find out why, or give the rule's"
            " `fix` a higher count",
        )
    wanted = max(_rounded(busiest * situation.headroom), min(arguments.least, arguments.count))
    count = min(wanted, arguments.count)
    notes = [
        f"busiest {shown} in {plural(situation.usage.days, 'day')}: {plural(busiest, 'event')}"
    ]
    if count < busiest * situation.headroom:
        notes.append(f"the policy's {count:,} is less than {situation.headroom:g} times that")
    if arguments.window < _HOUR:
        notes.append("statistics are by the hour: what comes in one short window may be more")
    is_checked = arguments.window >= _HOUR
    return Proposal(_limit(count, window), tuple(notes), is_checked=is_checked)


def _limit(count: int, window: int) -> dict[str, object]:
    return {"rateLimit": {"count": count, "window": window}}


def _rounded(count: float) -> int:
    """Round up to two figures: a plan must not change with every event."""
    unit: int = 10 ** max(len(str(math.ceil(count))) - _FIGURES, 0)
    return math.ceil(count / unit) * unit


ACTION: Final = Action(
    name="set_rate_limit",
    summary="Sets the key's rate limit.",
    description=(
        "Sets the rate limit to at most `count` events in a `window`. Where a live plan can look"
        " at the key's statistics, the count is what the busiest window of the last 30 days"
        " accepted times `--headroom`, rounded up, but no less than `least` and no more than"
        " `count`; a key that accepted more than `count` in a window is left alone. Without"
        " statistics the count stands as it is written, and the plan calls the change disruptive."
    ),
    example="fix: {set_rate_limit: {count: 1000, window: 1h}}",
    arguments=SetRateLimitArguments,
    resource="sentry_key",
    risk=Risk.SAFE,
    needs=("rateLimit",),
    cuts=True,
    propose=propose,
)
