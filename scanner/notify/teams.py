"""Microsoft Teams, through a workflow that waits for a webhook: an Adaptive Card.

All text stands in runs of a rich text block, which have no Markdown (that of a TextBlock has no
escapes). What is left are functions for dates in double braces, and tags of mentions, which mean
nothing without the card's list of entities; both are broken up with a zero-width space.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from scanner.model.run import GateResult
from scanner.notify import words
from scanner.notify.digest import Digest
from scanner.notify.interface import Channel, ChannelDocument, EnvName, Misfit
from scanner.report.parts.markup import safe_url

_ACTIVE: Final = re.compile(r"(?<=[{$])(?=\{)|(?<=<)(?=[A-Za-z/!])|(?<=@)(?=\w)")
_COLORS: Final = {
    GateResult.PASSED: "Good",
    GateResult.FAILED: "Attention",
    GateResult.INCOMPLETE: "Warning",
}


class TeamsDocument(ChannelDocument, frozen=True, kw_only=True):
    """A channel or chat of Microsoft Teams."""

    url_env: Annotated[
        EnvName, Meta(description="Variable with the URL of the workflow, a secret.")
    ]


DOCUMENT: Final = TeamsDocument


def misfits(document: TeamsDocument) -> Iterator[Misfit]:
    """Give nothing: the form says it all."""
    del document
    yield from ()


def compose(digest: Digest, document: TeamsDocument) -> bytes:
    """Return the JSON of the message, below the 28 KB that Teams takes."""
    del document
    color = _COLORS[digest.result]
    body = [_block(_run(words.title(digest), size="Large", weight="Bolder", color=color))]
    body += [
        _block(_run(f"{label}: ", weight="Bolder"), _run(text))
        for label, text in words.facts(digest)
    ]
    if digest.worst:
        body.append(_block(_run(words.heading(digest), weight="Bolder"), separator=True))
    for one in digest.worst:
        what, subject, rest = words.finding(one)
        body.append(_block(_run(f"{what} ", weight="Bolder"), _run(f"{subject}: {rest}")))
    body.append(_block(_run(words.footer(digest), isSubtle=True, size="Small"), separator=True))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": literal(words.title(digest)),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if digest.link is not None:
        action = {"type": "Action.OpenUrl", "title": "Read on", "url": safe_url(digest.link)}
        card["actions"] = [action]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def send(message: bytes, channel: Channel) -> None:
    """Send it. Raises DeliveryError."""
    # Imported here: heavy, and seldom is there anything to tell.
    from scanner.http.post import post  # noqa: PLC0415

    post(channel.secrets["url"], message, {"Content-Type": "application/json; charset=utf-8"})


def literal(text: str) -> str:
    """Return text as a card shows it: no function, no mention."""
    return _ACTIVE.sub("\u200b", text)


def _run(text: str, **style: Any) -> dict[str, Any]:  # noqa: ANN401 - words of the card's format
    return {"type": "TextRun", "text": literal(text), **style}


def _block(*runs: dict[str, Any], separator: bool = False) -> dict[str, Any]:
    more = {"separator": True} if separator else {}
    return {"type": "RichTextBlock", "inlines": list(runs), **more}
