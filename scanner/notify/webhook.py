"""A webhook of one's own: the digest as JSON, signed as Standard Webhooks 1.0 says.

The scheme is one for which there are libraries to verify with in most languages: HMAC-SHA256 over
the message's id, the time and the body, with the time in a header, so that an old message cannot be
sent again. Signing takes no library.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.errors import DeliveryError
from scanner.http.origin import check_address
from scanner.model.token import Token
from scanner.notify import words
from scanner.notify.digest import Digest
from scanner.notify.interface import Channel, ChannelDocument, EnvName, Misfit, WebAddress

VERSION: Final = 1
_LEAST: Final = 16
"""Bytes of a secret; a shorter one can be guessed from a single message."""


class WebhookDocument(ChannelDocument, frozen=True, kw_only=True):
    """An address that takes signed JSON."""

    url: Annotated[
        WebAddress | UnsetType, Meta(description="Where to send it, if that is no secret.")
    ] = UNSET
    url_env: Annotated[
        EnvName | UnsetType, Meta(description="Variable with the address, where it is a secret.")
    ] = UNSET
    secret_env: Annotated[
        EnvName, Meta(description="Variable with the secret that messages are signed with.")
    ]


DOCUMENT: Final = WebhookDocument


def misfits(document: WebhookDocument) -> Iterator[Misfit]:
    """Tell of no address, of two, and of one that messages cannot go to."""
    if (document.url is UNSET) is (document.url_env is UNSET):
        hint = "Give either `url` or `url_env`."
        yield Misfit("", "a webhook needs one address", hint)
    if document.url is not UNSET:
        try:
            check_address(Token(document.url))
        except DeliveryError as error:
            yield Misfit("url", error.message, error.remedy)


def compose(digest: Digest, document: WebhookDocument) -> bytes:
    """Return the JSON of the message; members are added, never renamed."""
    del document
    changes = digest.changes
    told: dict[str, Any] = {
        "type": "keypolicy.test" if digest.is_test else "keypolicy.scan",
        "version": VERSION,
        "title": words.title(digest),
        "run": {"id": digest.run or None, "as_of": digest.as_of},
        "gate": {
            "result": digest.result,
            "exit_code": digest.exit_code,
            "reasons": digest.reasons,
            "reasons_total": digest.reasons_total,
        },
        "organizations": digest.organizations,
        "organizations_total": digest.organizations_total,
        "policies": digest.policies,
        "open": {"total": digest.open_total, **digest.open} if digest.run else None,
        "overdue": digest.overdue,
        "changes": changes and {**msgspec.structs.asdict(changes), "told": _told(digest)},
        "gaps": digest.gaps,
        "gaps_total": digest.gaps_total,
        "worst": digest.worst,
        "shows": digest.shows or None,
        "link": digest.link,
    }
    return msgspec.json.encode(told)


def _told(digest: Digest) -> str:
    return words.change(digest.changes, digest.result)


def send(message: bytes, channel: Channel) -> None:
    """Sign and send it. Raises DeliveryError."""
    # Imported here: heavy, and seldom is there anything to tell.
    from scanner.http.post import post  # noqa: PLC0415

    url = channel.secrets.get("url") or Token(channel.document.url)  # type: ignore[attr-defined]
    headers = signed(message, channel.secrets["secret"], round(time.time()))
    post(url, message, {"Content-Type": "application/json", **headers})


def signed(message: bytes, secret: Token, now: int) -> dict[str, str]:
    """Return the headers of a message; `now` is in seconds since 1970. Raises DeliveryError.

    The id is the message's own digest: a receiver that knows it has had the message already.
    """
    name = f"msg_{hashlib.sha256(message).hexdigest()[:32]}"
    content = f"{name}.{now}.".encode() + message
    mac = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _key(secret: Token) -> bytes:
    """Return the bytes to sign with: `whsec_` and base64, or any other text as it is."""
    text = secret.reveal()
    try:
        key = (
            base64.b64decode(text[6:], validate=True) if secret.begins("whsec_") else text.encode()
        )
    except binascii.Error:
        raise DeliveryError(
            "the secret begins with whsec_, but what follows is not base64"
        ) from None
    if len(key) < _LEAST:
        raise DeliveryError(
            f"the secret has less than {_LEAST} bytes",
            remedy="Make one, for example with: openssl rand -hex 32",
        )
    return key
