"""A key's state goes in; its rate limit, or what is to be said of it, comes out.

And of what is to become of it, what the tools alike can set.
"""

from typing import Any, Final

from scanner.remediate.document import State

_LARGEST: Final = 2**53 - 1
"""The largest integer that JavaScript, and the decoders of Terraform's plans, hold exactly."""


def rate_limit(state: State) -> tuple[int, int] | None:
    """Return window (in seconds) and count of a rate limit that is told whole, or None."""
    limit: Any = state.get("rateLimit")
    if not isinstance(limit, dict):
        return None
    window, count = limit.get("window"), limit.get("count")
    if isinstance(window, int) and isinstance(count, int):
        return (window, count) if 0 < window <= _LARGEST and 0 < count <= _LARGEST else None
    return None


def limit_note(state: State) -> str | None:
    """Return what is to be said of a rate limit that is not written."""
    if "rateLimit" not in state:
        return "rateLimit is left out: the source did not tell it."
    if state["rateLimit"] is None:
        return "There is no rate limit."
    return None if rate_limit(state) else "rateLimit is left out: the source did not tell it whole."


def cannot_limit(before: State, after: State) -> list[str]:
    """Return rateLimit, if a state is to get one that cannot be written, or is to lose its own."""
    if "rateLimit" not in after or rate_limit(after):
        return []
    return [] if after["rateLimit"] is None and not before.get("rateLimit") else ["rateLimit"]


def is_usual(before: State, field: str, value: object) -> bool:
    """Whether a new key has the value also where nobody sets it."""
    return not before and (not value or (field == "useCase" and value == "user"))
