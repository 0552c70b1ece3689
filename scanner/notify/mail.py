"""E-mail over SMTP: plain text and HTML, made and sent by the standard library."""

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.errors import DeliveryError, UsageError
from scanner.base.text import plural
from scanner.http.certificates import trusted
from scanner.http.origin import is_loopback
from scanner.notify import words
from scanner.notify.digest import Digest, WorstFinding
from scanner.notify.interface import Channel, ChannelDocument, EnvName, Misfit
from scanner.report.parts.markup import safe_url

if TYPE_CHECKING:
    import smtplib

_SECONDS: Final = 8.0
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_PART: Final = r"[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]"
_ADDRESS: Final = rf"^{_PART}{{1,64}}@[A-Za-z0-9.-]{{1,200}}(?![\s\S])"
_HOST: Final = r"^[A-Za-z0-9.:_-]{1,200}(?![\s\S])"

Address = Annotated[
    str,
    Meta(
        pattern=_ADDRESS,
        extra_json_schema={
            "errorMessage": "this is not an e-mail address",
            "x-hint": "Write the bare address, such as security@example.com.",
        },
    ),
]

HostName = Annotated[
    str,
    Meta(
        pattern=_HOST,
        extra_json_schema={
            "errorMessage": "this is not the name of a server",
            "x-hint": "Write the bare name, such as smtp.example.com; the port is a setting apart.",
        },
    ),
]
_Port = Annotated[int, Meta(ge=1, le=65535)]


class MailDocument(ChannelDocument, frozen=True, kw_only=True):
    """Mail to some people."""

    to: Annotated[
        list[Address], Meta(min_length=1, max_length=20, description="Addresses to send to.")
    ]
    sender: Annotated[Address, Meta(description="Address that it is from.")] = msgspec.field(
        name="from"
    )
    host: Annotated[HostName | UnsetType, Meta(description="Name of the mail server.")] = UNSET
    host_env: Annotated[
        EnvName | UnsetType, Meta(description="Variable with the name of the mail server.")
    ] = UNSET
    port: Annotated[
        _Port | UnsetType,
        Meta(description="Its port (default: 587, 465 for tls, 25 for none)."),
    ] = UNSET
    tls: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="How the connection is encrypted (default: starttls)."),
    ] = "starttls"
    user_env: Annotated[
        EnvName | UnsetType, Meta(description="Variable with the name to log in with.")
    ] = UNSET
    password_env: Annotated[
        EnvName | UnsetType, Meta(description="Variable with the password to log in with.")
    ] = UNSET


DOCUMENT: Final = MailDocument


def misfits(document: MailDocument) -> Iterator[Misfit]:
    """Tell of no server or two, of half a login, and of a password that anybody could read."""
    if (document.host is UNSET) is (document.host_env is UNSET):
        hint = "Give either `host` or `host_env`."
        yield Misfit("", "e-mail needs one server", hint)
    if (document.user_env is UNSET) is not (document.password_env is UNSET):
        hint = "Give both `user_env` and `password_env`, or neither."
        yield Misfit("", "a login is a name and a password", hint)
    # A server that a variable names is looked at when the mail is sent.
    is_near = document.host is UNSET or is_loopback(document.host)
    if document.tls == "none" and document.password_env is not UNSET and not is_near:
        hint = "Use `starttls` or `tls`."
        yield Misfit("tls", "the password would go over the network in clear", hint)


def compose(digest: Digest, document: MailDocument) -> bytes:
    """Return the message, but for its date."""
    # Imported here: a scan that sends no mail does without.
    from email.message import EmailMessage  # noqa: PLC0415
    from email.policy import SMTP  # noqa: PLC0415
    from hashlib import sha256  # noqa: PLC0415

    message = EmailMessage(SMTP)
    message["Subject"] = words.title(digest)
    message["From"] = document.sender
    message["To"] = ", ".join(document.to)
    own = sha256(f"{digest.run} {' '.join(document.to)}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{own}@{document.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_text(digest)) + "\n", cte="quoted-printable")
    message.add_alternative(_html(digest), subtype="html", cte="quoted-printable")
    message.set_boundary(f"keypolicy-{own}")
    return message.as_bytes()


def _text(digest: Digest) -> Iterator[str]:
    yield words.title(digest)
    yield ""
    for label, text in words.facts(digest):
        yield f"{label}: {text}"
    if digest.worst:
        yield from ("", f"{words.heading(digest)}:")
    for one in digest.worst:
        what, subject, rest = words.finding(one)
        yield from (f"- {what}", f"  {subject}", f"  {rest}")
    if digest.link is not None:
        yield from ("", f"Read on: {safe_url(digest.link)}")
    yield from ("", "-- ", words.footer(digest))


def _html(digest: Digest) -> str:
    told = html.escape
    rows = "".join(
        f'<tr><th align="left" valign="top">{told(label)}</th><td>{told(text)}</td></tr>\n'
        for label, text in words.facts(digest)
    )
    heading = f"<h2>{told(words.heading(digest))}</h2>\n" if digest.worst else ""
    found = "".join(map(_item, digest.worst))
    listed = f"<ol>\n{found}</ol>\n" if found else ""
    link = digest.link and f'<p><a href="{told(safe_url(digest.link))}">Read on</a></p>\n'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{told(words.title(digest))}</title></head>\n"
        '<body style="font-family:sans-serif">\n'
        f"<h1>{told(words.title(digest))}</h1>\n<table>\n{rows}</table>\n{heading}{listed}"
        f"{link or ''}<p><small>{told(words.footer(digest))}</small></p>\n</body></html>\n"
    )


def _item(one: WorstFinding) -> str:
    what, subject, rest = map(html.escape, words.finding(one))
    if one.url is not None:
        subject = f'<a href="{html.escape(safe_url(one.url))}">{subject}</a>'
    return f"<li><b>{what}</b><br>{subject}<br>{rest}</li>\n"


def send(message: bytes, channel: Channel) -> None:
    """Send it, with today's date. Raises DeliveryError."""
    import smtplib  # noqa: PLC0415 - a scan that sends no mail does without
    from email.utils import format_datetime  # noqa: PLC0415

    document: Any = channel.document
    named = channel.secrets.get("host")
    host: str = document.host if named is None else named.reveal()
    if "password" in channel.secrets and document.tls == "none" and not is_loopback(host):
        raise DeliveryError("the password would go over the network in clear", where=host)
    dated = f"Date: {format_datetime(datetime.now(UTC))}\r\n".encode() + message
    try:
        with _connected(document, host) as server:
            if "password" in channel.secrets:
                server.login(channel.secrets["user"].reveal(), channel.secrets["password"].reveal())
            refused = server.sendmail(document.sender, document.to, dated)
    except smtplib.SMTPAuthenticationError as error:
        told = f"the mail server takes neither name nor password ({error.smtp_code})"
        raise DeliveryError(told, where=host) from None
    except smtplib.SMTPRecipientsRefused:
        raise DeliveryError("the mail server refuses every recipient", where=host) from None
    except smtplib.SMTPResponseException as error:
        told = f"the mail server answered {error.smtp_code}"
        raise DeliveryError(told, where=host) from None
    except smtplib.SMTPNotSupportedError:
        told = "the mail server does not offer what is needed: STARTTLS, or a way to log in"
        raise DeliveryError(told, where=host) from None
    except smtplib.SMTPException:
        raise DeliveryError("the mail server broke off", where=host) from None
    except OSError as error:  # also a certificate that is not trusted, and time that is over
        told = f"the mail server cannot be reached ({type(error).__name__})"
        raise DeliveryError(told, where=host) from None
    if refused:
        told = f"the mail server refuses {len(refused)} of {plural(len(document.to), 'recipient')}"
        raise DeliveryError(told, where=host)


def _connected(document: MailDocument, host: str) -> "smtplib.SMTP":
    import smtplib  # noqa: PLC0415 - see above

    port = _PORTS[document.tls] if document.port is UNSET else document.port
    try:
        context = None if document.tls == "none" else trusted()
    except UsageError as error:
        raise DeliveryError(error.message, where=error.where, remedy=error.remedy) from None
    if document.tls == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=_SECONDS)
    try:
        if document.tls == "starttls":
            server.starttls(context=context)
    except OSError:  # all of smtplib's errors are, too
        server.close()
        raise
    return server
