"""Hints for mistyped names."""

from collections.abc import Iterable
from typing import Final

_LISTED: Final = 12


def closest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known name that `name` is probably meant to be, if there is one.

    `likeness` is how alike they must be, from 0 to 1 (only case and hyphens differ).
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only needed when something is wrong

    spellings = {_plain(candidate): candidate for candidate in known}
    found = get_close_matches(_plain(name), spellings, n=1, cutoff=likeness)
    return spellings[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], *, kind: str) -> str:
    """Suggest the known name closest to `name`, or else list all of them."""
    names = list(known)
    if match := closest(name, names):
        return f"Did you mean `{match}`?"
    if not names:
        return f"There are no {kind}."
    more = ", ..." if len(names) > _LISTED else "."
    return f"Known {kind}: {', '.join(names[:_LISTED])}{more}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
