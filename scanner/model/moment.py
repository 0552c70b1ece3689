"""Points in time that people and files name: in UTC, and far from the ends of the calendar."""

from datetime import UTC, datetime
from typing import Final

_FIRST: Final = 1970
_LAST: Final = 9000
"""Years; from these on, no difference or offset that anything here adds leaves the calendar."""


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, which one without an offset is taken to be in already.

    Raises ValueError where it is before 1970 or after 9000.
    """
    try:
        found = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not _FIRST <= found.year <= _LAST:
        raise ValueError(f"the year is not between {_FIRST} and {_LAST}")
    return found


def read_moment(text: str) -> datetime:
    """Read a date or an ISO 8601 time; raises ValueError."""
    return in_utc(datetime.fromisoformat(text))
