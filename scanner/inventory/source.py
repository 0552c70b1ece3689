"""What every source is: something that delivers an inventory, honest about what it lacks."""

from pathlib import Path
from typing import Protocol

import msgspec

from scanner.http.retry import RetryPolicy
from scanner.model.inventory import Inventory, Needs, Scope
from scanner.model.token import Token


class Source(Protocol):
    """Delivers an inventory.

    `collect` is told what the rules read and where temporary or result files may go; it
    raises FetchError where nothing could be seen, InventoryFileError for a bad file, and
    returns coverage for everything in between.
    """

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Return the inventory of the scope."""
        ...


class LiveSettings(msgspec.Struct, frozen=True):
    """Where and how to fetch. `timeout` is for one request, `deadline` for all, in seconds.

    With a `journal` a fetch that was killed goes on where it was; see inventory.journal.
    """

    url: str
    token: Token
    status: str | None = None
    insecure_http: bool = False
    ca_bundle: str | None = None
    timeout: float = 30.0
    deadline: float = 900.0
    concurrency: int = 20
    retry: RetryPolicy = RetryPolicy()
    journal: Path | None = None
