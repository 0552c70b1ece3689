"""What triage is asked to tolerate."""

from pathlib import Path
from typing import Final

import msgspec

TERM_DAYS: Final = 365
"""Longest term of a waiver, in days from `created` to `expires`, unless configured otherwise."""

NOTICE_DAYS: Final = 14
"""Days before the end of a waiver from which on it is warned of, unless configured otherwise."""


class TriageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The files that tolerate findings, how strictly they are read, and the one of owners.

    `strict_waivers`: one that covers nothing is an error.
    """

    waivers: Path | None = None
    baseline: Path | None = None
    owners: Path | None = None
    strict_waivers: bool = False
    term_days: int = TERM_DAYS
    notice_days: int = NOTICE_DAYS
