"""Actions go in; those that would set what is not known whole are taken out."""

from collections.abc import Iterable
from typing import Final

from scanner.remediate.apart import left_of
from scanner.remediate.document import Left, PlannedAction
from scanner.remediate.keys import is_whole

_REDACTED: Final = (
    "holds what looks like a secret, which is taken out of all that is read: what is left of it"
    " would be set; change it by hand first"
)


def told(actions: Iterable[PlannedAction], left: list[Left]) -> list[PlannedAction]:
    """Return the actions without those whose new values are made of a text that was redacted."""
    kept = []
    for one in actions:
        lost = [field for field, value in (one.after or {}).items() if not is_whole({field: value})]
        if lost:
            left += left_of(one, "unknown-state", f"its {', '.join(lost)} {_REDACTED}")
        else:
            kept.append(one)
    return kept
