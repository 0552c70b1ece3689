"""What becomes of a rule on a resource: how much it matters, what is decided, what a fix risks."""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """The verdict of a rule on a resource.

    Three-valued logic decides: a requirement that is TRUE passes, FALSE fails and NULL is
    unknown. A rule that could not be evaluated is an error. Neither is ever a pass.
    """

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"


class Disposition(StrEnum):
    """What triage says of a finding; it never changes the outcome."""

    OPEN = "open"
    WAIVED = "waived"
    BASELINED = "baselined"


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


class Risk(StrEnum):
    """What an action may cost: nothing, events that are sent meanwhile, or what nothing undoes."""

    SAFE = "safe"
    DISRUPTIVE = "disruptive"
    IRREVERSIBLE = "irreversible"
