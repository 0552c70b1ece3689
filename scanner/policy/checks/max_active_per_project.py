"""max_active_per_project: no project has more active keys than allowed."""

from typing import Annotated, Final

import msgspec

from scanner.policy.checks.interface import PROJECT, Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType


class MaxActiveArguments(msgspec.Struct, frozen=True):
    """How many active keys a project may have."""

    max: Annotated[
        int,
        Slot(
            type=ValueType.INTEGER,
            minimum=1,
            description="Most active keys that a project may have.",
        ),
    ]


_PROJECT: Final = f"PARTITION BY {PROJECT}"
_NEWEST_FIRST: Final = (
    f"{_PROJECT} ORDER BY date_created DESC NULLS LAST, id"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
)
_MAYBE_ACTIVE: Final = "CASE WHEN is_active IS DISTINCT FROM FALSE THEN 1 END"
_UNDATED: Final = "CASE WHEN date_created IS NULL AND is_active IS DISTINCT FROM FALSE THEN 1 END"

# Ranks a key among the active ones of its project, newest first. Missing data makes two ranks: the
# worst it can have (every key that may be active is, every undated one is newer) and the best.
# Only a worst rank within the limit passes, only a best one beyond it fails.
_TEXT: Final = f"""\
CASE
  WHEN NOT is_active THEN TRUE
  WHEN project_id IS NULL AND project_slug IS NULL THEN NULL
  WHEN count({_MAYBE_ACTIVE}) OVER ({_PROJECT}) <= $max THEN TRUE
  WHEN date_created IS NULL THEN NULL
  WHEN count({_MAYBE_ACTIVE}) OVER ({_NEWEST_FIRST})
    + count({_UNDATED}) OVER ({_PROJECT}) <= $max THEN TRUE
  WHEN is_active AND count(CASE WHEN is_active THEN 1 END) OVER ({_NEWEST_FIRST}) > $max THEN FALSE
END"""


def build(arguments: MaxActiveArguments) -> Macro:
    """Let the newest keys of a project pass, as many as are allowed."""
    return Macro(_TEXT, {"max": arguments.max})


CHECK: Final = Check(
    name="max_active_per_project",
    summary="Among the newest active keys of its project, as many as are allowed.",
    description=(
        "Passes for the newest `max` active keys of each project and fails for the older ones, so"
        " that the findings are the keys to retire. Inactive keys pass. Where it is not known"
        " whether a key is active, when it was created or where it belongs, a key whose verdict"
        " depends on that is unknown. Every key of the project counts, also those that `where`"
        " leaves out."
    ),
    example="check: {max_active_per_project: 3}",
    message="{name} is one active key too many in project {project_slug}",
    arguments=MaxActiveArguments,
    build=build,
    fails_surely=True,
    short="max",
)
