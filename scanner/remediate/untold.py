"""Actions go in; those that would set what is not known whole are taken out."""

from collections.abc import Iterable

from scanner.remediate.apart import left_of
from scanner.remediate.document import Left, PlannedAction
from scanner.remediate.keys import HIDDEN, is_whole


def told(actions: Iterable[PlannedAction], left: list[Left]) -> list[PlannedAction]:
    """Return the actions without those whose new values are made of a text that was redacted."""
    kept = []
    for one in actions:
        lost = [field for field, value in (one.after or {}).items() if not is_whole({field: value})]
        if lost:
            left += left_of(one, "unknown-state", f"its {', '.join(lost)} {HIDDEN}")
        else:
            kept.append(one)
    return kept
