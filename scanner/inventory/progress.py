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


class Progress(Protocol):
    """Told of every change, from the fetch's own thread; must be quick and must not raise."""

    def update(self, progress: FetchProgress) -> None:
        """Take note of the counts so far."""
        ...


class NoProgress:
    """Shows nothing."""

    def update(self, progress: FetchProgress) -> None:
        """Do nothing."""
