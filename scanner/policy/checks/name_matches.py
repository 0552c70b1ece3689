"""name_matches: names follow a convention."""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

if TYPE_CHECKING:
    from scanner.model.rule import ParamValue


class NameMatchesArguments(msgspec.Struct, frozen=True):
    """What names look like, and what they must not look like."""

    pattern: Annotated[
        str | None,
        Slot(
            type=ValueType.STRING,
            description="RE2 regular expression that the whole name must match.",
        ),
    ] = None
    forbidden: Annotated[
        str | None,
        Slot(
            type=ValueType.STRING,
            description="RE2 regular expression that the whole name must not match.",
        ),
    ] = None
    search: Annotated[
        bool,
        Slot(
            type=ValueType.BOOLEAN,
            description="Whether a match anywhere in the name counts (default false).",
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse arguments that demand nothing."""
        if self.pattern is None and self.forbidden is None:
            raise ValueError("it needs `pattern` or `forbidden`")


def build(arguments: NameMatchesArguments) -> Macro:
    """Match the name with each expression given."""
    function = "regexp_matches" if arguments.search else "regexp_full_match"
    terms: list[str] = []
    params: dict[str, ParamValue] = {}
    if arguments.pattern is not None:
        terms.append(f"{function}(name, $pattern)")
        params["pattern"] = arguments.pattern
    if arguments.forbidden is not None:
        terms.append(f"NOT {function}(name, $forbidden)")
        params["forbidden"] = arguments.forbidden
    return Macro(" AND ".join(terms), params)


CHECK: Final = Check(
    name="name_matches",
    summary="Named as a pattern demands.",
    description=(
        "Passes when the name matches `pattern` and does not match `forbidden`, each a regular"
        " expression in RE2 syntax over the whole name, or anywhere in it with `search: true`."
        " Upper and lower case differ unless the expression starts with (?i). A missing name is"
        " unknown."
    ),
    example="check: {name_matches: '[a-z0-9-]+-(prod|staging)'}",
    message="{name} does not follow the naming convention",
    arguments=NameMatchesArguments,
    build=build,
    short="pattern",
)
