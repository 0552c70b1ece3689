"""What delivers an inventory, honest about what it lacks: what a source is, and which there are."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec

from scanner.catalogue import PROVIDERS
from scanner.http.retry import RetryPolicy
from scanner.model.inventory import Inventory, Needs, Scope
from scanner.model.provider import imported
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


SOURCES: Final = {
    "file": "scanner.inventory.file:FileSource",
    **{name: place for provider in PROVIDERS for name, place in provider.sources.items()},
}
"""Where each source lives, `module:class`; what is not used is not imported."""


def load_source(name: str) -> Callable[..., Source]:
    """Return the class of a source by its name in SOURCES."""
    return cast("Callable[..., Source]", imported(SOURCES[name]))
