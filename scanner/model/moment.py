"""Points in time: those that people and files name, in UTC and far from the calendar's ends.

What a date of a record may be is one rule, which SQL reads in files and Python on the live path. A
form that one of the two read and the other did not, or read otherwise, would let a key be as old as
whoever wrote the file likes: DuckDB knows `infinity`, `epoch` and `+25:00`.
"""

import re
from datetime import UTC, date, datetime
from typing import Final

SKEW_MINUTES: Final = 5
"""How far the server's clock may be ahead: a date later than that after as-of is not known."""

_HOUR: Final = "([01][0-9]|2[0-3])"
_DAY: Final = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"  # years before 1583 are by agreement alone
_ZONE: Final = f"(Z|[+-]{_HOUR}(:[0-5][0-9])?)"
PATTERN: Final = f"{_DAY}([T ]{_HOUR}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?{_ZONE}?)?"
"""The part of ISO 8601 that Python and DuckDB read alike; both have to know the day as well."""

_TIME: Final = re.compile(PATTERN)

_FIRST: Final = 1970
_LAST: Final = 9000
"""Years; from these on, no difference or offset that anything here adds leaves the calendar."""

_BEGIN: Final = datetime(_FIRST, 1, 1, tzinfo=UTC)
_END: Final = datetime(_LAST + 1, 1, 1, tzinfo=UTC)


def utc_day(moment: datetime) -> date:
    """Return the day of a moment in UTC."""
    return moment.astimezone(UTC).date()


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


def check_moment(name: str, moment: datetime | None, latest: datetime = _END) -> None:
    """Raise ValueError for a time without a zone, before 1970, or later than another one is."""
    if moment is not None and (moment.tzinfo is None or not _BEGIN <= moment <= latest):
        raise ValueError(f"{name} is {moment}, which is no time that it can be")


def read_moment(text: str) -> datetime:
    """Read a date or an ISO 8601 time; raises ValueError."""
    return in_utc(datetime.fromisoformat(text))


def read_day(text: str) -> date:
    """Read a date, at which a person's term begins or ends; raises ValueError."""
    found = date.fromisoformat(text)
    if not _FIRST <= found.year <= _LAST:
        raise ValueError(f"the year is not between {_FIRST} and {_LAST}")
    return found


def is_moment(text: str) -> bool:
    """Whether the text is a date and time; without a zone it is in UTC, without a time midnight."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def not_moment(value: str) -> str:
    """Return the SQL condition that a text, given as SQL, is not what `is_moment` is true of."""
    return (
        f"({value} IS NOT NULL AND NOT (regexp_full_match({value}, '{PATTERN}')"
        f" AND TRY_CAST({value} AS TIMESTAMPTZ) IS NOT NULL))"
    )
