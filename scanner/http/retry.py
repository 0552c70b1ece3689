"""Failures and Retry-After headers go in; whether and when to ask again comes out.

There are libraries for retrying; none fits. Here a refusal for going too fast holds back every
request to the same endpoint, the wait must be shown to a person, and all waits end with the
fetch's deadline. What is left of a library after that is a loop and a power of two.
"""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from scanner.http.failure import ApiError

LONGEST_WAIT: Final = 300.0
"""Seconds; a server that asks for a longer pause is given up on."""


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how long. All times are in seconds.

    `attempts` is for answers that fail, `throttled` for refusals because of a limit, which are
    no fault, and `first_contact` for a server that has not answered once: a wrong address should
    be told soon. `patience` is how long all requests together may fail without one good answer
    between them, if it is more than the fifteenth part of the time for the whole fetch.
    """

    attempts: int = 5
    throttled: int = 20
    first_contact: int = 2
    first_wait: float = 0.5
    longest_wait: float = 20.0
    patience: float = 60.0

    def wait(self, failures: int) -> float:
        """Return how long to wait after so many failures: doubled each time, with jitter.

        The jitter, between half and the whole, keeps parallel requests from coming back
        together.
        """
        longest = min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreading, not secrecy


class Drought:
    """Failed attempts of all requests since the last sign of life, and for how long they go on.

    Many requests at once take their turns at failing, so that none of them alone comes to its
    last attempt for a long time; together they tell much sooner that the server is gone. `over` is
    why no further one is sent, None as long as there is hope.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._since: float | None = None
        self.failures = 0
        self.over: ApiError | None = None

    def failed(self, started: float) -> None:
        """Take note of an attempt that failed; `started` is a moment of the clock."""
        # From the start of the attempt, not its end: a server that hangs until the time limit of
        # a request has been silent for all of it.
        self._since = started if self._since is None else self._since
        self.failures += 1

    def ended(self) -> None:
        """Take note of an answer: the server is there."""
        self._since, self.failures = None, 0

    @property
    def lasted(self) -> float:
        """Seconds since the first of the failed attempts began."""
        return 0.0 if self._since is None else self._clock() - self._since

    @property
    def is_too_long(self) -> bool:
        """Whether it has lasted so long, over more than one attempt, that nothing will come."""
        return self.failures > 1 and self.lasted >= self._patience


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, None without a readable one.

    RFC 9110, section 10.2.3: a number of seconds or an HTTP date.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # thirty years are as good as any longer wait
    moment = http_date(text)
    if moment is None:
        return None
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer's headers ask to wait, None where they ask for none.

    A date is held against the server's own clock, if it tells the time: ours may be another.
    """
    return retry_after(headers.get("Retry-After"), now=http_date(headers.get("Date", ""))) or None


def http_date(text: str) -> datetime | None:
    """Return the moment that a header of a date tells, None where it is none."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - heavy, and not for files

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for years beyond all bounds
        return None
    # `-0000`, or nothing, makes a time without a zone; HTTP knows none but UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
