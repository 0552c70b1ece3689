"""loader_options: the JavaScript loader is configured as demanded."""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

if TYPE_CHECKING:
    from scanner.model.rule import ParamValue


def _option(what: str) -> Slot:
    return Slot(type=ValueType.BOOLEAN, description=f"Whether the loader must have {what}.")


class LoaderOptionsArguments(msgspec.Struct, frozen=True):
    """What each option must be; the ones left out may be anything."""

    replay: Annotated[bool | None, _option("Session Replay")] = None
    performance: Annotated[bool | None, _option("tracing")] = None
    debug: Annotated[bool | None, _option("debug bundles")] = None
    feedback: Annotated[bool | None, _option("User Feedback")] = None
    logs_and_metrics: Annotated[bool | None, _option("logs and metrics")] = None

    def __post_init__(self) -> None:
        """Refuse arguments that demand nothing."""
        if all(value is None for value in msgspec.structs.astuple(self)):
            raise ValueError(f"it needs one of {', '.join(self.__struct_fields__)}")


def build(arguments: LoaderOptionsArguments) -> Macro:
    """Compare each option that is given."""
    params: dict[str, ParamValue] = {
        option: value
        for option, value in msgspec.structs.asdict(arguments).items()
        if value is not None
    }
    return Macro(" AND ".join(f"loader_has_{option} = ${option}" for option in params), params)


CHECK: Final = Check(
    name="loader_options",
    summary="The loader has, or has not, the named options.",
    description=(
        "Passes when each option named is as demanded: `debug: false` means that the loader must"
        " not serve debug bundles. An option that the inventory does not tell is unknown."
    ),
    example="check: {loader_options: {debug: false}}",
    message="{name} has loader options that the policy does not allow",
    arguments=LoaderOptionsArguments,
    build=build,
)
