"""Telling people what a scan came to: one message a scan and channel, and never a secret.

Each channel is one module and one line in `CHANNELS`, imported only when it is used.
"""

import importlib
from typing import Final, cast

import msgspec

from scanner.notify.interface import ChannelModule


class ChannelInfo(msgspec.Struct, frozen=True):
    """Where a channel lives, and which of its secrets go to which of its other settings.

    A secret may not go to a place that is less trusted than itself: whoever may write the file of
    settings could have it sent anywhere.
    """

    module: str
    tied: dict[str, str] = {}


CHANNELS: Final[dict[str, ChannelInfo]] = {
    "slack": ChannelInfo("slack"),
    "teams": ChannelInfo("teams"),
    "email": ChannelInfo("mail", {"user": "host", "password": "host"}),
    "webhook": ChannelInfo("webhook"),
}


def load_channel(kind: str) -> ChannelModule:
    """Return the module of a channel, which is one of `CHANNELS`."""
    return cast("ChannelModule", importlib.import_module(f"scanner.notify.{CHANNELS[kind].module}"))
