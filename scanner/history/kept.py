"""What a scan is made of, out of a run that was kept: its inventory as a source, and its files."""

from pathlib import Path
from typing import Final

import msgspec

from scanner.catalogue.redact import REDACTED
from scanner.history.folder import StoredRun
from scanner.history.manifest import DamageError
from scanner.model.inventory import Inventory, Needs, RawInput, Scope
from scanner.triage.interface import TriageRequest

_ANY_TERM: Final = 1_000_000
"""Days: a waiver whose term was too long would have stopped the scan then."""


def own_params(run: StoredRun) -> dict[str, str]:
    """Return the parameters that a run was given. Raises DamageError where one was not kept."""
    for name, value in run.manifest.params.items():
        if REDACTED in value:
            raise DamageError(
                f"was kept without the value of parameter {name}, which looks like a secret",
                "redacted",
                where=str(run.path),
                remedy="Name the policies and the value: `history replay --policy ... --param"
                f" {name}=...`.",
            )
    return run.manifest.params


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
            with path.open("wb") as out:
                out.writelines(self._run.pieces(one.name))
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


class KeptFiles(msgspec.Struct, frozen=True):
    """What a scan was told by files, as a run kept them: put where a scan can read them anew."""

    policies: tuple[str, ...]
    triage: TriageRequest

    @classmethod
    def unpacked(cls, run: StoredRun, folder: Path) -> "KeptFiles":
        """Put the files of a run into a folder. Raises DamageError."""
        manifest = run.manifest

        def put(name: str) -> Path:
            content, path = run.part(name), folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return path

        placed = [list(map(put, policy.files)) for policy in manifest.policies]
        others = (manifest.waivers, manifest.baseline, manifest.owners)
        waivers, baseline, owners = (None if name is None else put(name) for name in others)
        triage = TriageRequest(
            waivers=waivers, baseline=baseline, owners=owners, term_days=_ANY_TERM
        )
        return cls(tuple(str(own) for own, *_ in placed), triage)
