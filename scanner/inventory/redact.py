"""What must never get past the door: secrets are dropped where data enters.

A Sentry client key carries its secret twice, as `secret` and inside `dsn.secret`; both come in
clear to any token that may read keys. DSNs are let through by an allow-list of their kinds, so
a kind that a later server adds is dropped until it is known to be harmless.
"""

import re
from functools import cache
from typing import Any, Final

import msgspec

from scanner.inventory.tables import TABLES

REDACTED: Final = "[redacted]"

DSN_KINDS: Final = (
    "public",
    "csp",
    "security",
    "minidump",
    "nel",
    "unreal",
    "crons",
    "cdn",
    "playstation",
    "integration",
    "otlp_traces",
    "otlp_logs",
)
"""The DSNs without a secret, from Sentry's API description (schema of a project key)."""

SECRET_FIELDS: Final = frozenset(
    {"secret", "token", "authToken", "refreshToken", "clientSecret", "key", "apiKey"}
)
"""Fields of Sentry's API records that carry credentials, at any depth."""

TOKEN_PATTERN: Final = r"sntry[a-z]{0,3}_[A-Za-z0-9+/=_.\-]{8,}"  # noqa: S105 - a pattern
"""Sentry's own tokens (sntryu_ user, sntrys_ organization, sntryi_ integration), wherever."""

_TOKEN = re.compile(TOKEN_PATTERN)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9+/=_.\-]{8,}")
_DSN_SECRET = re.compile(r"(://[^/@:\s]+):[^/@\s]+@")
_SIGNS = ("sntry", "@", "bearer", "basic", "token")
"""What every pattern needs, in lower case: most texts have none, and are done with that."""


_WORDS = tuple(sign.encode() for sign in _SIGNS if sign != "@")
_ENCODER = msgspec.json.Encoder()
_FIELD_MARKS = tuple(f'"{name}":'.encode() for name in sorted(SECRET_FIELDS))
_URL_SECRET = re.compile(rb"://[^/@:\s]+:[^/@\s]+@")


def redact_text(text: str, *, known: tuple[str, ...] = ()) -> str:
    """Return the text without tokens, Authorization values and passwords in URLs.

    `known` are secrets to remove literally, such as the token in use.
    """
    for secret in known:
        if secret:
            text = text.replace(secret, REDACTED)
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS):
        return text
    text = _TOKEN.sub(REDACTED, text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _DSN_SECRET.sub(rf"\1:{REDACTED}@", text)


def redact_record(record: dict[str, Any], table: str | None = None) -> dict[str, Any]:
    """Return an API record without its secrets, fit to be written to disk.

    Of a record of a closed table (see inventory.tables) only the fields known to it are kept.

    A secret that is quoted in another field (a name, an unexpected DSN) is removed there too.
    """
    secrets = [record[name] for name in SECRET_FIELDS & record.keys()]
    known = tuple(s for s in secrets if isinstance(s, str) and len(s) >= 8)  # noqa: PLR2004
    kept = _closed().get(table or "")
    clean = {
        name: value
        for name, value in record.items()
        if name not in SECRET_FIELDS and (kept is None or name in kept)
    }
    dsn = clean.get("dsn")
    if isinstance(dsn, dict):
        clean["dsn"] = {kind: value for kind, value in dsn.items() if kind in DSN_KINDS}
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
        and not any(sign in lowered for sign in _WORDS)
        and not any(secret.encode() in encoded for secret in known)
        and _URL_SECRET.search(encoded) is None
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
    if isinstance(value, dict):
        return {name: _walk(v, known) for name, v in value.items() if name not in SECRET_FIELDS}
    if isinstance(value, list):
        return [_walk(v, known) for v in value]
    return redact_text(value, known=known) if isinstance(value, str) else value
