"""How far a fetch has come, for whoever shows it to a person."""

from datetime import datetime
from typing import Protocol

import msgspec


class FetchProgress(msgspec.Struct, frozen=True):
    """Counts so far. `projects_total` is None until the project lists are read.

    `waiting_until` is set while everything waits for a limit of the server's to pass.
    """

    organizations: int = 0
    organizations_total: int | None = None
    projects: int = 0
    projects_total: int | None = None
    keys: int = 0
    requests: int = 0
    waiting_until: datetime | None = None


class FetchStats(msgspec.Struct, frozen=True):
    """What a fetch took: bytes as received, attempts beyond the first, times in seconds.

    `throttled` counts refusals because of a limit, `waited` how long requests were held back
    to keep to the limits, added over endpoints.
    """

    requests: int
    bytes: int
    retries: int
    throttled: int
    seconds: float
    waited: float


class Progress(Protocol):
    """Told of every change, from the fetch's own thread; must be quick and must not raise."""

    def update(self, progress: FetchProgress) -> None:
        """Take note of the counts so far."""
        ...

    def finish(self, stats: FetchStats | None) -> None:
        """Take note that the fetch is over; None where it failed."""
        ...


class NoProgress:
    """Shows nothing."""

    def update(self, progress: FetchProgress) -> None:
        """Do nothing."""

    def finish(self, stats: FetchStats | None) -> None:
        """Do nothing."""
