"""unused_for: somebody still uses the key."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

_PERIOD: Final = timedelta(days=30)


class UnusedForArguments(msgspec.Struct, frozen=True):
    """For how long a key may go without an event."""

    time: Annotated[
        timedelta,
        Slot(
            type=ValueType.DURATION,
            minimum=_PERIOD,
            maximum=_PERIOD,
            description="Longest allowed time without an event; 30d, which is what is counted.",
        ),
    ]


# Each count decides alone: one event is enough, whatever the missing counts would be.
_TEXT: Final = (
    "events_accepted_30d > 0 OR events_dropped_30d > 0 OR events_filtered_30d > 0"
    " OR date_created > now() - $time"
)


def build(arguments: UnusedForArguments) -> Macro:
    """Ask for an event, or for a key too young to be judged."""
    return Macro(_TEXT, {"time": arguments.time})


CHECK: Final = Check(
    name="unused_for",
    summary="Got an event in the last 30 days, or is younger than that.",
    description=(
        "Passes when Sentry counted any event of the key, accepted, dropped or filtered, in the 30"
        " days before the keys were fetched, and for keys younger than that. Sentry's statistics"
        " of a key count errors only: one that carries just transactions, replays or check-ins"
        " looks unused, so take a failure as a question, not as a verdict. 30 days are the only"
        " time supported, because that is what is summed up. Keys whose statistics were not"
        " fetched are unknown; a live scan asks for them by itself, at 20 keys a second, and for"
        " files it is `keypolicy fetch --with usage`."
    ),
    example="check: {unused_for: 30d}",
    message="{name} got no event in 30 days",
    arguments=UnusedForArguments,
    build=build,
    short="time",
)
