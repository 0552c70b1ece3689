"""scopes: a credential may do no more than it should."""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

if TYPE_CHECKING:
    from scanner.model.rule import ParamValue


class ScopesArguments(msgspec.Struct, frozen=True):
    """Which scopes a credential may have."""

    forbidden: Annotated[
        list[str] | None,
        Slot(type=ValueType.STRINGS, description="Scopes that it must not have."),
    ] = None
    allowed: Annotated[
        list[str] | None,
        Slot(type=ValueType.STRINGS, description="The only scopes that it may have."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse arguments that demand nothing."""
        if self.allowed is None and not self.forbidden:
            raise ValueError("it needs `forbidden` or `allowed`")


def build(arguments: ScopesArguments) -> Macro:
    """Hold the list of scopes against each list that is given."""
    terms: list[str] = []
    params: dict[str, ParamValue] = {}
    if arguments.forbidden:
        terms.append("NOT list_has_any(scopes, $forbidden)")
        params["forbidden"] = arguments.forbidden
    if arguments.allowed is not None:
        terms.append("list_has_all($allowed, scopes)")
        params["allowed"] = arguments.allowed
    return Macro(" AND ".join(terms), params)


CHECK: Final = Check(
    name="scopes",
    summary="Has none of the forbidden scopes, and none but the allowed ones.",
    description=(
        "Passes when the list of scopes holds none of `forbidden` and nothing beyond `allowed`;"
        " one of the two is enough. Scopes are compared as texts: `org:write` is not taken to"
        " include `org:read`. No scopes at all pass; a missing list is unknown."
    ),
    example="check: {scopes: {forbidden: ['org:admin', 'project:admin']}}",
    message="{name} has scopes that the policy does not allow",
    arguments=ScopesArguments,
    build=build,
)
