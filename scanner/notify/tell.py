"""From a finished scan to messages on their way, and what is to be said of those that failed.

Nothing here changes a verdict: whatever goes wrong is returned as a warning. All channels are sent
to at once, each in a thread of its own, and what has not ended in time is left behind: a name that
is not resolved, or a server that gives a byte a minute, cannot be interrupted otherwise.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from scanner.base.errors import FetchError, KeypolicyError, heed_interrupt
from scanner.base.text import clean
from scanner.catalogue.redact import MIN_SECRET, redact_text
from scanner.gate import EXIT_PASSED
from scanner.model.run import Run
from scanner.notify import load_channel
from scanner.notify.digest import Digest, digest_of, unseen_digest
from scanner.notify.interface import Channel
from scanner.notify.since import Known, changes_since

SECONDS: Final = 25.0
"""How long all messages together may take."""


class Letter(msgspec.Struct, frozen=True):
    """A message for a channel, as it is sent."""

    channel: Channel
    message: bytes


def tell(run: Run, channels: Sequence[Channel], known: Known) -> list[str]:
    """Send what is to be told of a scan, and return what went wrong, fit to be shown."""
    return _whatever_happens(lambda: _tell(run, channels, known))


def _whatever_happens(work: Callable[[], list[str]]) -> list[str]:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the verdict stands, and is still to be given
        heed_interrupt(error)
        return [f"notify: nobody was told: internal error: {type(error).__name__}"]


def _tell(run: Run, channels: Sequence[Channel], known: Known) -> list[str]:
    changes = changes_since(run, known)
    digest = digest_of(run, changes)
    is_change = changes is None or changes.is_any(digest.result)
    is_failure = digest.exit_code != EXIT_PASSED
    wanted = [
        one
        for one in channels
        if {"change": is_change, "failure": is_failure}.get(one.document.when, True)
    ]
    return deliver(letters(digest, wanted)) + [
        _told(one, one.problem) for one in channels if one.problem and one not in wanted
    ]


def tell_unseen(
    error: FetchError, as_of: datetime, organizations: Sequence[str], channels: Sequence[Channel]
) -> list[str]:
    """Tell everybody that a scan saw nothing, whenever they want to hear of one, as `tell` does."""
    digest = unseen_digest(error, as_of, organizations)
    return _whatever_happens(lambda: deliver(letters(digest, channels)))


def letters(digest: Digest, channels: Sequence[Channel]) -> list[Letter]:
    """Return the message for each channel."""
    return [
        Letter(one, load_channel(one.kind).compose(_linked(digest, one), one.document))
        for one in channels
    ]


def _linked(digest: Digest, channel: Channel) -> Digest:
    link = channel.document.link
    if link is UNSET or ("{run}" in link and not digest.run):
        return digest
    return msgspec.structs.replace(digest, link=link.replace("{run}", quote(digest.run, safe="")))


def deliver(messages: Sequence[Letter], seconds: float = SECONDS) -> list[str]:
    """Send all of them, and return what went wrong with which, in their order."""
    ends = time.monotonic() + seconds
    sent = [(one, _begin(one)) for one in messages]
    return [
        _told(letter.channel, problem)
        for letter, outcome in sent
        if (problem := outcome(max(ends - time.monotonic(), 0.0))) is not None
    ]


def _begin(letter: Letter) -> Callable[[float], str | None]:
    """Begin to send; what comes back waits so many seconds, and returns what went wrong."""
    channel, problems = letter.channel, ["it took too long, and is left behind"]

    def work() -> None:
        try:
            load_channel(channel.kind).send(letter.message, channel)
        except KeypolicyError as error:
            where = f"{error.where}: " if error.where else ""
            problems.append(f"{where}{error.message}. {error.remedy}".strip())
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the scan either
            # What it says may quote an address; its type has to do.
            problems.append(f"internal error: {type(error).__name__}")
        else:
            problems.clear()

    if channel.problem:
        return lambda _: channel.problem
    thread = threading.Thread(target=work, name=f"keypolicy-{channel.kind}", daemon=True)
    thread.start()

    def outcome(seconds: float) -> str | None:
        thread.join(seconds)
        return problems[-1] if problems else None

    return outcome


def _told(channel: Channel, problem: str) -> str:
    secrets = {name: one.reveal() for name, one in channel.secrets.items() if name != "host"}
    known = tuple(one for one in secrets.values() if len(one) >= MIN_SECRET)
    safe = clean(redact_text(problem, known=known))
    return f"notify: {channel.kind} ({channel.place}) was not told: {safe}"
