"""What became of one rule on one resource, and what was decided about it."""

from enum import StrEnum


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
