"""What every source is: something that delivers an inventory, honest about what it lacks."""

from pathlib import Path
from typing import Protocol

from scanner.model.inventory import Inventory, Needs, Scope


class Source(Protocol):
    """Delivers an inventory.

    `collect` is told what the rules read and where temporary or result files may go; it
    raises FetchError where nothing could be seen, InventoryFileError for a bad file, and
    returns coverage for everything in between.
    """

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Return the inventory of the scope."""
        ...
