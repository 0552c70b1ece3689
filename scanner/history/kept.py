"""The inventory of a run as a source: in comes the run, out comes what its scan was made of."""

from pathlib import Path

from scanner.history.folder import StoredRun
from scanner.history.manifest import DamageError
from scanner.model.inventory import Inventory, Needs, RawInput, Scope


class KeptSource:
    """Delivers the inventory that a run kept; what it was not asked for is not there."""

    def __init__(self, run: StoredRun) -> None:
        self._run = run

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Unpack into the workspace. Raises DamageError where nothing was kept, or damage is."""
        del scope, needs  # the engine applies the scope
        kept = self._run.manifest.inventory
        if kept is None:
            raise DamageError(
                "was kept without its inventory",
                "no-inventory",
                where=str(self._run.path),
                remedy="Scan without --no-history-inventory, so that later runs can be replayed.",
            )
        inputs = []
        for number, one in enumerate(kept.inputs):
            path = workspace / f"kept-{number}.jsonl"
            path.write_bytes(self._run.unpacked(one.name))
            inputs.append(
                RawInput(
                    path,
                    one.layout,
                    one.label,
                    one.kind,
                    one.organization,
                    one.project,
                    one.server,
                    is_redacted=True,
                )
            )
        return Inventory(tuple(inputs), kept.sources, kept.coverage, live=kept.live)
