"""Slack, through an incoming webhook: blocks of plain text.

Plain text has no markup; what Slack still reads in any text are `&`, `<` and `>`, of which links
and mentions are made (`<!here>`), and they are escaped. A zero-width space keeps `@channel` from
being one, where a client looks for such words. Only the link is in Slack's own markup.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from scanner.notify import words
from scanner.notify.digest import Digest
from scanner.notify.interface import Channel, ChannelDocument, EnvName, Misfit
from scanner.report.parts.markup import safe_url

_MENTION: Final = re.compile(r"@(?=\w)")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class SlackDocument(ChannelDocument, frozen=True, kw_only=True):
    """A channel of Slack."""

    url_env: Annotated[
        EnvName, Meta(description="Variable with the URL of the incoming webhook, a secret.")
    ]


DOCUMENT: Final = SlackDocument


def misfits(document: SlackDocument) -> Iterator[Misfit]:
    """Give nothing: the form says it all."""
    del document
    yield from ()


def compose(digest: Digest, document: SlackDocument) -> bytes:
    """Return the JSON of the message."""
    del document
    title = words.title(digest)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title)}]
    facts = [_plain(f"{label}: {text}") for label, text in words.facts(digest)]
    blocks += [{"type": "section", "text": one} for one in facts]
    if digest.worst:
        blocks.append({"type": "divider"})
        blocks.append({"type": "section", "text": _plain(words.heading(digest))})
    for one in digest.worst:
        what, subject, rest = words.finding(one)
        blocks.append({"type": "section", "text": _plain(f"{what}\n{subject}\n{rest}")})
    if digest.link is not None:
        link = {"type": "mrkdwn", "text": f"<{safe_url(digest.link)}|Read on>", "verbatim": True}
        blocks.append({"type": "section", "text": link})
    blocks.append({"type": "context", "elements": [_plain(words.footer(digest))]})
    return msgspec.json.encode(
        {
            "text": literal(title),
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": blocks,
        }
    )


def send(message: bytes, channel: Channel) -> None:
    """Send it. Raises DeliveryError."""
    # Imported here: heavy, and seldom is there anything to tell.
    from scanner.http.post import post  # noqa: PLC0415

    post(channel.secrets["url"], message, {"Content-Type": "application/json; charset=utf-8"})


def literal(text: str) -> str:
    """Return text as Slack shows it: no link, no mention."""
    return _MENTION.sub("@\u200b", text).translate(_ENTITIES)


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": literal(text), "emoji": False}
