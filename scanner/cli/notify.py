"""`keypolicy notify`: a test message to every channel of keypolicy.yaml, or what it would say."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import DeliveryError, UsageError
from scanner.base.text import clean, plural
from scanner.cli.shared import inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.notify.tell import Letter

_REMEDY: Final = "Say in keypolicy.yaml whom to tell, such as: notify: [{slack: {url_env: NAME}}]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    inputs.add_lock_argument(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the messages, and send nothing; no variable has to be set for it",
    )


def run(namespace: argparse.Namespace) -> int:
    """Send or print; returns 0.

    Raises UsageError where there is no channel, and DeliveryError where one was not told.
    """
    channels = inputs.settings(namespace).notify
    if not channels:
        raise UsageError("there is no channel", where="notify", remedy=_REMEDY)
    from scanner.notify.tell import deliver, letters  # noqa: PLC0415 - not for --help
    from scanner.notify.trial import trial  # noqa: PLC0415

    messages = letters(trial(), channels)
    if namespace.dry_run:
        _print(messages)
        return 0
    problems = deliver(messages)
    for problem in problems:
        inputs.warn(problem)
    if problems:
        told = f"not told: {len(problems)} of {plural(len(channels), 'channel')}"
        raise DeliveryError(told, remedy="Why is said above.")
    sys.stdout.write(f"Told: {', '.join(one.channel.kind for one in messages)}\n")
    return 0


def _print(messages: "Sequence[Letter]") -> None:
    for one in messages:
        text = one.message
        if text.startswith(b"{"):
            text = msgspec.json.format(text, indent=2)
        lines = [f"# {one.channel.kind} ({one.channel.place})", *text.decode().splitlines(), ""]
        sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
