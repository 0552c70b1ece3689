"""How much a violated rule matters."""

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """The four severities of a rule, ordered by `rank`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in the order: 0 (low) to 3 (critical)."""
        return _ORDER.index(self)


_ORDER: Final = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)

WORST_FIRST: Final = tuple(reversed(_ORDER))
"""The severities as reports list them."""
