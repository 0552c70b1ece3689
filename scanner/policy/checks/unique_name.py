"""unique_name: no two keys of a project share a name."""

from typing import Annotated, Final

import msgspec

from scanner.policy.checks.interface import PROJECT, Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType


class UniqueNameArguments(msgspec.Struct, frozen=True):
    """When two names are the same."""

    ignore_case: Annotated[
        bool,
        Slot(
            type=ValueType.BOOLEAN,
            description="Whether names that differ only in case are the same (default false).",
        ),
    ] = False


_PROJECT: Final = f"PARTITION BY {PROJECT}"

# A nameless key may have any name: it leaves the others unknown unless they already clash.
_TEXT: Final = """\
CASE
  WHEN project_id IS NULL AND project_slug IS NULL THEN NULL
  WHEN count(*) OVER ({project}) = 1 THEN TRUE
  WHEN name IS NULL THEN NULL
  WHEN count(*) OVER ({project}, {name}) > 1 THEN FALSE
  WHEN count(*) OVER ({project}) = count(name) OVER ({project}) THEN TRUE
END"""


def build(arguments: UniqueNameArguments) -> Macro:
    """Count the keys of the project that have the same name."""
    name = "lower(name)" if arguments.ignore_case else "name"
    return Macro(_TEXT.format(project=_PROJECT, name=name), {})


CHECK: Final = Check(
    name="unique_name",
    summary="The only key of its project with its name.",
    description=(
        "Passes when no other key of the same project has the same name, active or not; every key"
        " that shares its name fails. A nameless key may have any name: beside others it is"
        " unknown, and so are those of them that share no name. The only key of a project passes."
    ),
    example="check: {unique_name: {ignore_case: true}}",
    message="{name} is the name of more than one key in project {project_slug}",
    arguments=UniqueNameArguments,
    build=build,
    fails_surely=True,
    flag=True,
)
