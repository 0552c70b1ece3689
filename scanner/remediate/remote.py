"""What a server is on which keys are changed: questions and changes go in, states come out.

A provider implements it; see scanner.model.provider.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast

import msgspec

from scanner.base.errors import UsageError
from scanner.catalogue import LIVE
from scanner.inventory.source import LiveSettings
from scanner.model.provider import imported
from scanner.remediate.document import KeyTarget, State


class Operation(StrEnum):
    """What can be done on a server."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class FoundKey(msgspec.Struct, frozen=True):
    """A key as the server tells it now: its state, and the slug that its project goes by.

    `dsn` is the public one, which applications send to.
    """

    state: State
    project: str
    dsn: str | None = None


class Remote(Protocol):
    """A server. Methods raise ApiError where there is no answer; see its `unsure` for changes.

    `base` is its URL, and `fields` are those that an operation takes. Requests go by the limits
    that the server sets.
    """

    base: str
    fields: dict[Operation, frozenset[str]]

    def account(self) -> str | None:
        """Return the user whose token it is, None where the server does not tell."""
        ...

    def lacks(self, operation: Operation) -> str | None:
        """Return the scope that the token lacks for it, None if none or if that is not known."""
        ...

    def check(self, operation: Operation, fields: State) -> None:
        """Raise ValueError for fields that the operation does not take, or not with such values."""
        ...

    def read(self, target: KeyTarget) -> FoundKey | None:
        """Return the key as it is now; None where the project surely has none of the id."""
        ...

    def keys(self, organization: str, project: str) -> list[FoundKey]:
        """Return all keys of a project."""
        ...

    def project(self, organization: str, project: str) -> tuple[str, str]:
        """Return the id of a project that may have no key, and the slug that it goes by now."""
        ...

    def received(self, target: KeyTarget, since: datetime) -> int:
        """Return how many events the key received since then, whatever became of them."""
        ...

    def update(
        self, target: KeyTarget, changes: State, current: State, request_id: str
    ) -> FoundKey | None:
        """Change fields of a key, and return what the server says it stored.

        `current` is its state as it was just read: what the API would reset is sent along.
        """
        ...

    def create(self, target: KeyTarget, fields: State, request_id: str) -> FoundKey | None:
        """Make a key in a project, and return what the server says it stored."""
        ...

    def delete(self, target: KeyTarget, request_id: str) -> None:
        """Delete a key for good."""
        ...


def open_remote(
    settings: LiveSettings, on_wait: Callable[[float | None], None]
) -> AbstractContextManager[Remote]:
    """Connect to the server of the provider that is asked live.

    `on_wait` is told for how many seconds all is at rest because of limits, then None. Raises
    UsageError for settings that cannot be right.
    """
    if not LIVE.remote:
        raise UsageError(
            f"keys of {LIVE.title} cannot be changed",
            remedy="Give the plan to people: `keypolicy fix export`.",
        )
    made = imported(LIVE.remote)(settings, on_wait)
    return cast("AbstractContextManager[Remote]", made)
