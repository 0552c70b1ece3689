"""What must never get past the door: secrets are dropped where data enters.

What providers declare of their secrets, and what credentials look like anywhere, in one place.
Objects of URLs are let through by an allow-list of their members, so that one which a later server
adds is dropped until it is known to be harmless.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scanner.base.errors import Location, PolicyError, Problem
from scanner.catalogue import PROVIDERS, TABLES

if TYPE_CHECKING:
    from scanner.base.yamlfile import YamlFile

REDACTED: Final = "[redacted]"

_SECRETS: Final = tuple(provider.secrets for provider in PROVIDERS)

SECRET_FIELDS: Final = frozenset[str]().union(*(one.fields for one in _SECRETS))
"""Fields of records that carry credentials, at any depth."""

_URLS: Final = {field: kinds for one in _SECRETS for field, kinds in one.urls.items()}

MIN_SECRET: Final = 8
"""Shortest secret that is looked for in other fields; anything shorter would match by chance."""

_TOKEN: Final = re.compile(f"(?i){'|'.join(one.tokens for one in _SECRETS)}")
"""The providers' own tokens, wherever."""

_FILL: Final = "xX._-"
"""What documents have in the place of a secret."""

SECRET_CODE: Final = "secret-in-file"  # noqa: S105 - no secret
"""The code of what is told of a secret in a file that people write."""

_VALUE: Final = r"[A-Za-z0-9+/=_.~\-]{8,}"
_SHAPES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (_TOKEN.pattern, REDACTED),
        # Tokens of Sentry before 24.1, of GlitchTip and others: nothing but digits.
        (r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])", REDACTED),
        # As a header, as a variable of CGI (HTTP_AUTHORIZATION) and as a member of JSON in a text.
        (
            r"(?i)(authorization[\"'\\]*\s*[:=]\s*[\"'\\]*)(?:\w+\s+)?[^\s\"']{8,}",
            rf"\1{REDACTED}",
        ),
        (rf"(?i)(?<![^\W\d_])(bearer|basic|token)\s+{_VALUE}", rf"\1 {REDACTED}"),
        (
            r"(?i)((?:secret|token|password|passwd|api_?key)=)[^\s&,;\"']{8,}",
            rf"\1{REDACTED}",
        ),
        # To the last @ before a slash: a password may have one too. DSNs of old have no scheme.
        (r"(//[^/@:\s]*):[^/\s]*@", rf"\1:{REDACTED}@"),
    )
)
"""What a credential looks like, and what becomes of it, in this order."""

_WORDS: Final = (
    *(sign for one in _SECRETS for sign in one.signs),
    *("bearer", "basic", "token", "authorization"),
    *("secret=", "password=", "passwd=", "api_key=", "apikey="),
)
_SIGNS: Final = ("@", *_WORDS)
"""What every shape but one needs, in lower case: most texts have none, and are done with that."""

SUSPECT: Final = (
    rf"(?i){'|'.join(_WORDS)}|[0-9a-f]{{64}}|//[^/\s]*:[^/\s]*@"
    rf'|"(?:{"|".join(sorted(SECRET_FIELDS))})":'
)
"""A pattern for the database (RE2) that is in all text, JSON included, with anything to redact.

It may be in harmless text too: it tells what is worth a close look.
"""

_ENCODER = msgspec.json.Encoder()
_FIELD_MARKS = tuple(f'"{name}":'.encode() for name in sorted(SECRET_FIELDS))
_SIGN_BYTES = tuple(word.encode() for word in _WORDS)
_URL_SECRET = re.compile(rb"//[^/@:\s]*:[^/\s]*@")
_PASSWORD = re.compile(r"//[^/@:\s]*:([^/\s]+)@")
_DIGITS = bytes(ord("0") if chr(code) in "0123456789abcdefABCDEF" else 32 for code in range(256))
_LEGACY_TOKEN = b"0" * 64


def redact_text(text: str, *, known: tuple[str, ...] = ()) -> str:
    """Return the text without tokens, Authorization values and passwords in URLs.

    `known` are secrets to remove literally, such as the token in use.
    """
    for secret in known:
        if secret:
            text = text.replace(secret, REDACTED)
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS) and not _has_digits(
        lowered.encode(errors="replace")
    ):
        return text
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def _has_digits(text: bytes) -> bool:
    """Whether there is a run of hexadecimal digits as long as a legacy token."""
    return len(text) >= len(_LEGACY_TOKEN) and _LEGACY_TOKEN in text.translate(_DIGITS)


def redacted(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value, such as a header, without fields of secrets and what looks like one."""
    return value if isinstance(value, dict) and _is_clean(value, ()) else _walk(value, ())


def known_secrets(record: dict[str, Any]) -> tuple[str, ...]:
    """Return the secrets that a record of the API tells, which no other field may quote."""
    found = [record[name] for name in SECRET_FIELDS & record.keys()]
    for field, kinds in _URLS.items():
        urls = record.get(field)
        for kind, url in urls.items() if isinstance(urls, dict) else ():
            if kind in kinds or not isinstance(url, str):
                continue
            if not any(isinstance(secret, str) and secret in url for secret in found if secret):
                found += _PASSWORD.findall(url)
    return tuple(s for s in found if isinstance(s, str) and len(s) >= MIN_SECRET)


def redact_record(record: dict[str, Any], table: str | None = None) -> dict[str, Any]:
    """Return an API record without its secrets, fit to be written to disk.

    Of a record of a closed table (see model.table) only the fields known to it are kept.

    A secret that is quoted in another field (a name, an unexpected URL) is removed there too.
    """
    known = known_secrets(record)
    kept = _closed().get(table or "")
    clean = {
        name: value
        for name, value in record.items()
        if name not in SECRET_FIELDS and (kept is None or name in kept)
    }
    for field, kinds in _URLS.items():
        urls = clean.get(field)
        if isinstance(urls, dict):
            clean[field] = {kind: value for kind, value in urls.items() if kind in kinds}
    return clean if _is_clean(clean, known) else {**_walk(clean, known)}


def _is_clean(record: dict[str, Any], known: tuple[str, ...]) -> bool:
    """Whether there is surely nothing to redact; looking closely takes ten times as long.

    Looks at the record as JSON, which has all of its texts: what is escaped there, or not
    ASCII, is looked at closely.
    """
    try:
        encoded = _ENCODER.encode(record)
    except (TypeError, ValueError, OverflowError):
        return False
    if not encoded.isascii() or any(not secret.isalnum() for secret in known):
        return False
    lowered = encoded.lower()
    return (
        not any(mark in encoded for mark in _FIELD_MARKS)
        and not any(sign in lowered for sign in _SIGN_BYTES)
        and not any(secret.encode() in encoded for secret in known)
        and _URL_SECRET.search(encoded) is None
        and not _has_digits(encoded)
    )


@cache
def _closed() -> dict[str, frozenset[str]]:
    """Return the fields, at the top level, of every closed table."""
    return {
        name: frozenset(path.split(".")[1] for path in table.fields)
        for name, table in TABLES.items()
        if table.closed
    }


def _walk(value: Any, known: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    """Return a copy without secrets; not by recursion, as decoders take what is nested deeper."""
    whole = [value]
    copies: list[Any] = [whole]
    while copies:
        copy = copies.pop()
        for at in range(len(copy)) if isinstance(copy, list) else copy:
            part = copy[at]
            if isinstance(part, str):
                copy[at] = redact_text(part, known=known)
            elif isinstance(part, dict):
                copy[at] = {
                    redact_text(name, known=known): one
                    for name, one in part.items()
                    if name not in SECRET_FIELDS
                }
                copies.append(copy[at])
            elif isinstance(part, (list, tuple)):  # the latter from structs, such as a gap
                copy[at] = list(part)
                copies.append(copy[at])
    return whole[0]


def tokens_in(text: str) -> Iterator[re.Match[str]]:
    """Give each token in what people write; what stands for one there (sntrys_XXXXXXXX) is none."""
    for found in _TOKEN.finditer(text):
        start = found[0].rstrip(_FILL)
        if len(found[0]) - len(start) < MIN_SECRET or _TOKEN.search(start):
            yield found


def refuse_tokens(source: "YamlFile") -> None:
    """Raise PolicyError where a file that people commit, and reports quote, has a token in it.

    Nothing else is told of such a file, since messages quote it, too.
    """
    message = "a token is no text for a file that is committed, and that reports quote"
    hint = "Take it out, and revoke it: whoever has the file has it."
    problems = [
        Problem(Location(source.name, number, found.start() + 1), message, SECRET_CODE, hint)
        for number, line in enumerate(source.lines, start=1)
        for found in tokens_in(line)
    ]
    if problems:
        raise PolicyError(problems)
