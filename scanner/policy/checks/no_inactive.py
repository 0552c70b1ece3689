"""no_inactive: disabled keys are removed."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro, remarks
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

_NO_GRACE: Final = timedelta()


class NoInactiveArguments(msgspec.Struct, frozen=True):
    """How long an inactive key may stay."""

    grace: Annotated[
        timedelta,
        Slot(
            type=ValueType.DURATION,
            description=(
                "How long after its creation a key may exist without being active."
                + remarks("no_inactive.grace")
            ),
        ),
    ] = _NO_GRACE


def build(arguments: NoInactiveArguments) -> Macro:
    """Ask that the key is active, or too young to be judged."""
    if not arguments.grace:
        return Macro("is_active", {})
    return Macro("is_active OR date_created >= now() - $grace", {"grace": arguments.grace})


CHECK: Final = Check(
    name="no_inactive",
    summary="Active, or too young to be judged.",
    description=(
        "Passes for active keys, and for any key created within `grace` before the as-of time"
        + (remarks("no_inactive") or ".")
    ),
    example="check: {no_inactive: {grace: 30d}}",
    message="{name} is inactive but not deleted",
    arguments=NoInactiveArguments,
    build=build,
    flag=True,
)
