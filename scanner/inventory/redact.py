"""What must never get past the door: secrets are dropped where data enters.

A Sentry client key carries its secret twice, as `secret` and inside `dsn.secret`; both come in
clear to any token that may read keys. DSNs are let through by an allow-list of their kinds, so
a kind that a later server adds is dropped until it is known to be harmless.
"""

import re
from typing import Any, Final

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


def redact_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return an API record without its secrets, fit to be written to disk.

    A secret that is quoted in another field (a name, an unexpected DSN) is removed there too.
    """
    secret = record.get("secret")
    known = (secret,) if isinstance(secret, str) and len(secret) >= 8 else ()  # noqa: PLR2004
    clean = _walk(record, known)
    dsn = clean.get("dsn")
    if isinstance(dsn, dict):
        clean["dsn"] = {kind: value for kind, value in dsn.items() if kind in DSN_KINDS}
    return clean  # type: ignore[no-any-return]


def _walk(value: Any, known: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _walk(v, known) for name, v in value.items() if name not in SECRET_FIELDS}
    if isinstance(value, list):
        return [_walk(v, known) for v in value]
    return redact_text(value, known=known) if isinstance(value, str) else value
