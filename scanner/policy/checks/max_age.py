"""max_age: a resource is no older than allowed."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro, remarks
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType


class MaxAgeArguments(msgspec.Struct, frozen=True):
    """How old a resource may be."""

    age: Annotated[
        timedelta, Slot(type=ValueType.DURATION, description="Longest allowed age since creation.")
    ]


def build(arguments: MaxAgeArguments) -> Macro:
    """Compare the creation date with the oldest allowed one, which itself passes."""
    return Macro("date_created >= now() - $age", {"age": arguments.age})


CHECK: Final = Check(
    name="max_age",
    summary="Created no longer ago than the given time.",
    description=(
        "Passes when the resource was created at most `age` before the scan's as-of time. One"
        " exactly as old as allowed passes; an unknown creation date is unknown."
        + remarks("max_age")
    ),
    example="check: {max_age: 90d}",
    message="{name} was created {age_days} days ago, longer than allowed",
    arguments=MaxAgeArguments,
    build=build,
    short="age",
)
