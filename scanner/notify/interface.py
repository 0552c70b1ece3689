"""What every channel is, and what a file of settings may say of any of them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.model.token import Token
from scanner.notify.digest import Digest

_END: Final = r"(?![\s\S])"  # what `$` is not: it lets a line break follow
ENV_PATTERN: Final = rf"^[A-Z_][A-Z0-9_]{{0,99}}{_END}"
LINK_PATTERN: Final = rf"""^https?://[^\s<>"|\\^`]{{1,1900}}{_END}"""

EnvName = Annotated[
    str,
    Meta(
        pattern=ENV_PATTERN,
        extra_json_schema={
            "errorMessage": "this is not the name of an environment variable",
            "x-hint": "Write the name, in capitals, of the variable that holds it.",
        },
    ),
]
"""Name of an environment variable. In capitals, as a secret that is put here by mistake is not."""

WebAddress = Annotated[
    str,
    Meta(
        pattern=LINK_PATTERN,
        extra_json_schema={
            "errorMessage": "this is not an address of the web",
            "x-hint": "Write it whole, with https://.",
        },
    ),
]

When = Literal["change", "always", "failure"]


class ChannelDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every channel has."""

    when: Annotated[
        When,
        Meta(
            description="When to tell: on a change since the run before (default), after every"
            " scan, or when the gate did not pass."
        ),
    ] = "change"
    link: Annotated[
        WebAddress | UnsetType,
        Meta(description="Where to read on, such as the report; {run} becomes the run's id."),
    ] = UNSET


class Misfit(msgspec.Struct, frozen=True):
    """What is wrong with a channel's settings though each has the right form: where, and why."""

    key: str
    message: str
    hint: str


class Channel(msgspec.Struct, frozen=True):
    """A channel as it is set up, for messages called by its `kind` and `place`.

    `secrets` are values from the environment, by the setting without its `_env`. `problem` is why
    nothing can be sent, such as a variable that is not set.
    """

    kind: str
    place: str
    document: ChannelDocument
    secrets: Mapping[str, Token] = {}
    problem: str = ""


class ChannelModule(Protocol):
    """One channel; a module with these is one."""

    DOCUMENT: type[ChannelDocument]
    """The type of the channel's settings. Those that end in `_env` name variables."""

    def misfits(self, document: Any) -> Iterator[Misfit]:  # noqa: ANN401 - a DOCUMENT
        """Give what is wrong with the settings beyond their form."""
        ...

    def compose(self, digest: Digest, document: Any) -> bytes:  # noqa: ANN401 - a DOCUMENT
        """Return the message, as it is sent; what is no secret of it stands in the document."""
        ...

    def send(self, message: bytes, channel: Channel) -> None:
        """Send it, within a bounded time. Raises DeliveryError."""
        ...
