"""set_loader_options: options to turn on and off go in, what they are to be comes out."""

from typing import Annotated, Final

import msgspec

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, Proposal, Situation
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType
from scanner.providers.sentry.tables.client_keys import LOADER_OPTIONS

_FIELD: Final = "dynamicSdkLoaderOptions"


def _option(what: str) -> Slot:
    return Slot(type=ValueType.BOOLEAN, description=f"Whether the loader is to have {what}.")


class SetLoaderOptionsArguments(msgspec.Struct, frozen=True):
    """What each option is to be; the ones left out stay."""

    replay: Annotated[bool | None, _option("Session Replay")] = None
    performance: Annotated[bool | None, _option("tracing")] = None
    debug: Annotated[bool | None, _option("debug bundles")] = None
    feedback: Annotated[bool | None, _option("User Feedback")] = None
    logs_and_metrics: Annotated[bool | None, _option("logs and metrics")] = None

    def __post_init__(self) -> None:
        """Refuse arguments that change nothing."""
        if all(value is None for value in msgspec.structs.astuple(self)):
            raise ValueError(f"it needs one of {', '.join(self.__struct_fields__)}")


def propose(arguments: SetLoaderOptionsArguments, situation: Situation) -> Proposal:
    """Propose the options that are given."""
    del situation
    given = {
        LOADER_OPTIONS[name]: value
        for name, value in msgspec.structs.asdict(arguments).items()
        if value is not None
    }
    return Proposal({_FIELD: given})


ACTION: Final = Action(
    name="set_loader_options",
    summary="Turns options of the JavaScript loader on or off.",
    description=(
        "Turns options of the key's JavaScript loader on or off; the others stay. What a page"
        " sends changes at once: an option that is turned off ends what it recorded."
    ),
    example="fix: {set_loader_options: {debug: false}}",
    arguments=SetLoaderOptionsArguments,
    resource="sentry_key",
    risk=Risk.DISRUPTIVE,
    needs=(_FIELD,),
    merges=(_FIELD,),
    propose=propose,
)
