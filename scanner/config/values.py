"""How a setting's text, list or mapping becomes its value; a wrong one is a UsageError."""

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import UNSET

from scanner.base.errors import UsageError
from scanner.catalogue import LIVE, TOKEN_SETTING
from scanner.catalogue.redact import redact_text
from scanner.gate import NEVER, OnUnknown, PolicyThresholds
from scanner.model.outcome import Severity
from scanner.model.token import Token

MOST_AHEAD = 366
"""Most days that are looked ahead."""

MOST_DAYS = 99_999
"""Most days that a term or a notice may have."""

_LEAST_MEMORY = 64 * 1_024**2


def slugs(value: Any, origin: str) -> tuple[str, ...]:  # noqa: ANN401 - as a layer gave it
    """Read slugs of organizations or projects: a list, or text with commas between them."""
    found = tuple(dict.fromkeys(texts(value, origin)))
    for slug in found:
        check_no_token(slug, origin)
    # It becomes a part of the API's address, where a slash or a dot would lead elsewhere.
    wrong = [repr(slug) for slug in found if not re.fullmatch(r"[A-Za-z0-9_-]+", slug)]
    if wrong:
        raise UsageError(
            ", nor is ".join([f"{wrong[0]} is not a slug", *wrong[1:]]),
            where=origin,
            remedy=f"A slug is how {LIVE.title}'s addresses name it: lower case, no spaces.",
        )
    return found


def check_no_token(slug: str, origin: str) -> None:
    """Refuse a token in a slug's place: every report and history would show it."""
    if (shown := redact_text(slug)) != slug:
        raise UsageError(
            f"{shown!r} is no slug: it looks like a token",
            where=origin,
            remedy=f"A token belongs into {TOKEN_SETTING}. As it was given here, others may have"
            " seen it: revoke it.",
        )


def texts(value: Any, origin: str) -> tuple[str, ...]:  # noqa: ANN401 - as a layer gave it
    """Read a list, or text with commas between its parts; there has to be one.

    What is left of it where a variable of the shell is not set would else mean the default, or all.
    """
    parts = value.split(",") if isinstance(value, str) else value
    found = tuple(part.strip() for part in parts if part.strip())
    if not found or (len(found) < len(parts) and not isinstance(value, str)):
        raise _empty(origin)
    return found


def _empty(origin: str) -> UsageError:
    return UsageError("an empty name", where=origin, remedy="Give a name, or leave it out.")


def url(value: str, origin: str) -> str:
    """Read the server's base URL."""
    # Imported here: most scans of files name no server.
    from scanner.http.origin import base_url  # noqa: PLC0415

    try:
        # Whether plain http will do is for the source that sends the token there.
        return base_url(value, insecure_http=True)
    except UsageError as error:
        raise UsageError(error.message, where=origin, remedy=error.remedy) from None


def token(value: str, origin: str) -> Token:
    """Read a token; it is never part of a message."""
    token = Token(value)
    # Docker's --env-file and other tools' settings keep the quotes around a value.
    if not token.sendable or re.search("[\"'`]", value):
        raise UsageError(
            "the token holds spaces, line breaks, quotes or other characters that no token has",
            where=origin,
            remedy=f"Copy it again from {LIVE.title}; it is one line, without quotes.",
        )
    return token


def fail_on(value: str, origin: str) -> Severity | None:
    """Read a severity; None where it is never."""
    chosen = choice(value, origin, [*map(str, Severity), NEVER])
    return None if chosen == NEVER else Severity(chosen)


def on_unknown(value: str, origin: str) -> OnUnknown:
    """Read what missing facts mean to the gate."""
    return OnUnknown(choice(value, origin, list(map(str, OnUnknown))))


def choice(value: str, origin: str, choices: list[str]) -> str:
    """Read one of a few words."""
    chosen = value.strip().lower()
    if chosen not in choices:
        raise UsageError(
            f"{value!r} is none of {', '.join(choices)}", where=origin, remedy="Choose one of them."
        )
    return chosen


def boolean(value: bool | str, origin: str) -> bool:  # noqa: FBT001 - the value itself
    """Read true or false."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    return words[choice(value, origin, list(words))]


def path(value: str, origin: str) -> Path:
    """Read a path."""
    if not value.strip():
        raise _empty(origin)
    return Path(value)


def days(value: int | str, origin: str) -> int:
    """Read a number of days."""
    if re.fullmatch(r"[0-9]{1,5}", str(value)):  # at most MOST_DAYS
        return int(value)
    raise UsageError(
        f"{value!r} is not a number of days from 0 to {MOST_DAYS}",
        where=origin,
        remedy="Write a whole number of this size.",
    )


def whole_days(value: str, origin: str) -> int:
    """Read a time ahead, such as 14d or 2w; returns days."""
    # Imported here: most scans look at today alone.
    from scanner.policy.language.values import BadValueError, parse_duration  # noqa: PLC0415

    remedy = "Write days or weeks, such as 14d or 2w."
    try:
        found, rest = divmod(parse_duration(value.strip()), timedelta(days=1))
    except BadValueError as error:
        raise UsageError(error.message, where=origin, remedy=remedy) from None
    if rest or not 1 <= found <= MOST_AHEAD:
        raise UsageError(
            f"{value!r} is not a number of whole days from 1 to {MOST_AHEAD}",
            where=origin,
            remedy=remedy,
        )
    return found


def memory(value: str, origin: str) -> int:
    """Read a size in bytes, such as 512MB or 4GB."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([MG])i?B", value.strip(), re.IGNORECASE)
    size = int(found[1]) * (1_024**2 if found[2].upper() == "M" else 1_024**3) if found else 0
    if size < _LEAST_MEMORY:
        raise UsageError(
            f"{value!r} is not an amount of memory",
            where=origin,
            remedy="Write MB or GB, such as 512MB or 4GB; 64MB is the least.",
        )
    return size


def max_findings(value: Any, origin: str) -> dict[Severity, int]:  # noqa: ANN401 - as given
    """Read the most open findings by severity: a mapping, or SEVERITY=N in a list or text."""
    if isinstance(value, dict):
        return {Severity(severity): number for severity, number in value.items()}
    found: dict[Severity, int] = {}
    for text in texts(value, origin):
        severity, equals, number = text.partition("=")
        if not equals or not re.fullmatch(r"\s*[0-9]{1,9}\s*", number):
            raise UsageError(
                f"{text!r} is not SEVERITY=N", where=origin, remedy="For example: low=20"
            )
        known = Severity(choice(severity, origin, list(map(str, Severity))))
        if found.setdefault(known, int(number)) != int(number):
            raise two_values(known.value, origin)
    return found


def sla(value: Any, origin: str) -> dict[Severity, timedelta]:  # noqa: ANN401 - as given
    """Read the time to fix by severity: a mapping, or SEVERITY=TIME in a list or text."""
    # Imported here: most scans allow no time.
    from scanner.policy.language.values import BadValueError, parse_duration  # noqa: PLC0415

    given = value if isinstance(value, dict) else assignments(texts(value, origin), origin)
    found = {}
    for name, text in given.items():
        severity = Severity(choice(name, origin, list(map(str, Severity))))
        try:
            found[severity] = parse_duration(text)
        except BadValueError as error:
            raise UsageError(error.message, where=origin, remedy=error.hint) from None
    return found


def gate(value: dict[str, dict[str, Any]], origin: str) -> dict[str, PolicyThresholds]:
    """Read the thresholds that policies have of their own."""
    return {
        policy: PolicyThresholds(
            fail_on=fail_on(own["fail_on"], origin) if "fail_on" in own else UNSET,
            max_findings=max_findings(own["max_findings"], origin)
            if "max_findings" in own
            else UNSET,
        )
        for policy, own in value.items()
    }


def assignments(given: Iterable[str], origin: str) -> dict[str, str]:
    """Read NAME=VALUE texts."""
    params: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"{text!r} is not NAME=VALUE", where=origin, remedy="For example: max_age=30d"
            )
        if params.setdefault(name.strip(), value.strip()) != value.strip():
            raise two_values(name.strip(), origin)
    return params


def two_values(name: str, origin: str) -> UsageError:
    """Return the error for a name that one place gives two values."""
    return UsageError(
        f"{name} has two values", where=origin, remedy="Leave one of them out: none outranks it."
    )
