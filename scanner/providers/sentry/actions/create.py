"""create: a name and a rate limit go in, the fields of a new key come out."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, Proposal, Situation
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType
from scanner.providers.sentry.actions.set_rate_limit import LONGEST
from scanner.remediate.keys import kept_name


class CreateArguments(msgspec.Struct, frozen=True):
    """The new key."""

    name: Annotated[
        str,
        Slot(
            type=ValueType.STRING,
            pattern=r"[^{}]{1,64}",
            description="Name of the key, without spaces at its ends; a project that has one of"
            " that name gets no other.",
        ),
    ]
    count: Annotated[
        int | None,
        Slot(
            type=ValueType.INTEGER,
            minimum=1,
            description="Most events that one window may accept; without it there is no limit.",
        ),
    ] = None
    window: Annotated[
        timedelta,
        Slot(
            type=ValueType.DURATION,
            minimum=timedelta(seconds=1),
            maximum=LONGEST,
            description="The window of the limit, at most 1d (default 1h).",
        ),
    ] = timedelta(hours=1)

    def __post_init__(self) -> None:
        """Refuse a name of which the server would keep nothing."""
        if not kept_name(self.name):
            raise ValueError("a name needs more than spaces")


def propose(arguments: CreateArguments, situation: Situation) -> Proposal:
    """Propose the fields of the key."""
    del situation
    window = round(arguments.window.total_seconds())
    limit = None if arguments.count is None else {"count": arguments.count, "window": window}
    return Proposal({"name": kept_name(arguments.name), "rateLimit": limit})


ACTION: Final = Action(
    name="create",
    summary="Creates a key in the project.",
    description=(
        "Creates a key in a project that a rule finds without one. Where the project has a key of"
        " that name already, none is created."
    ),
    example="fix: {create: {name: web, count: 1000}}",
    short="name",
    arguments=CreateArguments,
    resource="sentry_project",
    creates="sentry_key",
    risk=Risk.SAFE,
    reads=("name",),
    propose=propose,
)
