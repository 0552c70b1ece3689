"""What a date and time is: one rule for files, which SQL reads, and for a live server, in Python.

A form that one of the two read and the other did not, or read otherwise, would let a key be as
old as whoever wrote the file likes: DuckDB knows `infinity`, `epoch` and `+25:00`.
"""

import re
from datetime import datetime
from typing import Final

SKEW_MINUTES: Final = 5
"""How far the server's clock may be ahead: a date later than that after as-of is not known."""

_HOUR: Final = "([01][0-9]|2[0-3])"
_DAY: Final = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"  # years before 1583 are by agreement alone
_ZONE: Final = f"(Z|[+-]{_HOUR}(:[0-5][0-9])?)"
_PATTERN: Final = f"{_DAY}([T ]{_HOUR}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?{_ZONE}?)?"
"""The part of ISO 8601 that Python and DuckDB read alike; both have to know the day as well."""

_TIME: Final = re.compile(_PATTERN)


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
        f"({value} IS NOT NULL AND NOT (regexp_full_match({value}, '{_PATTERN}')"
        f" AND TRY_CAST({value} AS TIMESTAMPTZ) IS NOT NULL))"
    )


def moment(path: str) -> str:
    """Return the source of a column for a field's time, NULL where it lies after as-of.

    Nothing was made or used in the future: such a date is wrong, and what is true is not known.
    """
    time = f"TRY_CAST(<{path}> AS TIMESTAMPTZ)"
    return f"CASE WHEN {time} <= $as_of + INTERVAL {SKEW_MINUTES} MINUTE THEN {time} END"
