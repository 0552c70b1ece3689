"""What will be found later of an inventory that stays as it is, and when."""

from datetime import datetime
from enum import StrEnum

import msgspec

from scanner.model.finding import Finding
from scanner.model.outcome import Outcome
from scanner.model.waiver import Waiver


class DueReason(StrEnum):
    """Why a finding comes to be open on its day."""

    BREAKS = "breaks"  # the outcome itself gets worse
    UNCOVERED = "uncovered"  # the outcome was there before, and what tolerated it ends


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that will be open, worse than it is today, and the first day on which it is.

    `day` counts whole days from as-of, `at` is as-of moved by them. `finding` is as the scan of
    that day would tell it. `before` is the outcome at as-of; `was_open` is that of the open finding
    which this one takes the place of, None where there is none.
    """

    day: int
    at: datetime
    reason: DueReason
    finding: Finding
    before: Outcome
    was_open: Outcome | None


class Lapse(msgspec.Struct, frozen=True):
    """A waiver that ends: `day` and `at` are the first without it, `reopens` findings come back."""

    waiver: Waiver
    day: int
    at: datetime
    reopens: int


class Forecast(msgspec.Struct, frozen=True):
    """What falls due in so many `days` from as-of, soonest first and worst first within a day.

    `moving_rules` of the `rules` depend on the time at all.
    """

    as_of: datetime
    days: int
    dues: tuple[Due, ...]
    lapses: tuple[Lapse, ...]
    rules: int
    moving_rules: int

    def within(self, days: int) -> tuple[Due, ...]:
        """Return what falls due in the first so many days."""
        return tuple(one for one in self.dues if one.day <= days)
