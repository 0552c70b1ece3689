"""set_sdk_version: a version goes in, what the key's loader is to serve comes out."""

from typing import Annotated, Final

import msgspec

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, Proposal, Situation
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType


class SetSdkVersionArguments(msgspec.Struct, frozen=True):
    """The version to serve."""

    version: Annotated[
        str,
        Slot(
            type=ValueType.STRING,
            pattern=r"latest|[1-9][0-9]{0,2}\.x",
            description="The version as Sentry writes it, such as 10.x.",
        ),
    ]


def propose(arguments: SetSdkVersionArguments, situation: Situation) -> Proposal:
    """Propose the version."""
    del situation
    return Proposal({"browserSdkVersion": arguments.version})


ACTION: Final = Action(
    name="set_sdk_version",
    summary="Sets the version of the browser SDK that the loader serves.",
    description=(
        "Sets the version of the browser SDK that the key's loader serves. Pages get another major"
        " version at once, without a release of theirs: read its migration guide first."
    ),
    example="fix: {set_sdk_version: 10.x}",
    short="version",
    arguments=SetSdkVersionArguments,
    resource="sentry_key",
    risk=Risk.DISRUPTIVE,
    needs=("browserSdkVersion",),
    propose=propose,
)
