"""The history's part in a scan: from what it found come dates of findings, and a run in the folder.

Whatever goes wrong with the history becomes a warning: a scan's verdict is given in any case.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.base.errors import KeypolicyError, remedy_for
from scanner.base.scratch import scratch
from scanner.engine.database import Connection
from scanner.engine.intake.keep import keep
from scanner.engine.intake.load import Loaded
from scanner.history.choose import Predecessor, run_before
from scanner.history.compare.past import past
from scanner.history.folder import History
from scanner.history.line import line_of
from scanner.history.manifest import PreviousRun
from scanner.history.seal import SealRequest, seal_run
from scanner.history.track import Before, are_here, track
from scanner.history.write import Staging
from scanner.model.history import HistoryProgress, Sla, TrackedFinding, late_by
from scanner.model.inventory import Inventory, KeptInventory
from scanner.model.outcome import Outcome
from scanner.model.rule import Rule
from scanner.triage.decide import PLAIN, Decision
from scanner.triage.interface import Facts, Sight
from scanner.triage.triage import Triaged

if TYPE_CHECKING:
    from scanner.model.run import TrendPoint


class HistoryRequest(msgspec.Struct, frozen=True):
    """Where runs are kept, whether with their inventory, and the time allowed to fix findings.

    `told` is how many earlier runs a report of the scan is to tell of, 0 where there is none.
    """

    folder: Path
    keep_inventory: bool = True
    sla: Sla = {}
    told: int = 0


class Dated(msgspec.Struct, frozen=True):
    """What a history adds to a scan.

    `decisions` are triage's with dates. `overdue` counts open findings by rule and outcome, None
    where the history could not tell since when they are open.
    """

    decisions: Mapping[str, Decision]
    overdue: Mapping[str, Mapping[Outcome, int]] | None
    progress: HistoryProgress


@contextmanager
def kept_by(request: HistoryRequest) -> Iterator["Keeper"]:
    """Give the keeper of a scan; what it did not seal is cleared away."""
    with scratch() as folder:
        keeper = Keeper(request, folder)
        try:
            yield keeper
        finally:
            keeper.close()


class Keeper:
    """Keeps one scan. `scratch` is an empty folder that the database may write to.

    `earlier` are runs of the scan's line up to it, as many as were asked for, with the run before.
    """

    def __init__(self, request: HistoryRequest, scratch: Path) -> None:
        self.scratch = scratch
        self.earlier: tuple[TrendPoint, ...] = ()
        self._request = request
        self._warnings: list[str] = []
        self._staging: Staging | None = None
        self._kept: KeptInventory | None = None
        self._before: Predecessor | None = None
        self._line = ""
        self._demands: dict[str, str] = {}
        self._findings: tuple[TrackedFinding, ...] = ()
        try:
            self._staging = Staging(request.folder)
        except (OSError, KeypolicyError) as error:
            self._lose("this scan is not kept", error)

    def keep(self, connection: Connection, inventory: Inventory) -> None:
        """Keep a redacted copy of the inventory."""
        if self._staging is None or not self._request.keep_inventory:
            return
        try:
            self._kept = keep(connection, inventory, self._staging.folder)
        except (OSError, msgspec.MsgspecError, KeypolicyError) as error:
            self._lose("this scan is not kept", error)
            self.close()

    def date(  # noqa: PLR0913, PLR0917 - all that a scan knows of what it found
        self,
        rules: Sequence[Rule],
        facts: Facts,
        sight: Sight,
        loaded: Loaded,
        triaged: Triaged,
        as_of: datetime,
    ) -> Dated:
        """Find the run before, and tell what became of every finding since."""
        decisions = triaged.decisions
        self._line = line_of(sight.scope, loaded.reaches, loaded.servers)
        is_certain = True
        try:
            history = History(self._request.folder)
            found = run_before(
                history,
                self._line,
                as_of,
                loaded.organizations,
                lambda findings: are_here(findings, rules, facts, sight),
            )
            self.earlier = past(history, found, as_of, self._request.told)
            self._warnings += found.warnings
            self._before, is_certain = found, found.is_certain
        except (OSError, KeypolicyError) as error:
            is_certain = False
            if self._staging is not None:
                self._lose("what is new and since when cannot be told", error)
        run = self._before.run if self._before else None
        before, late = None, None
        if self._before is not None and run is not None:
            late = late_by(self._before.tracked, run.manifest.run.as_of)
            self._demands = run.manifest.demands
            known = {one.fingerprint: one for one in self._before.tracked}
            before = Before(known, self._demands)
            # What was found goes on; while reports are written it alone is in memory.
            self._before = msgspec.structs.replace(self._before, tracked=())
        findings = tuple(track(rules, facts, sight, decisions, before, as_of, self._request.sla))
        self._findings = findings
        progress = HistoryProgress(run.manifest.name if run else None, findings, late)
        if not is_certain:
            return Dated(decisions, None, progress)
        return Dated(_decided(findings, decisions), progress.overdue(as_of), progress)

    def seal(self, request: SealRequest) -> tuple[str, ...]:
        """Keep the run, and return what is to be told of the history."""
        if self._staging is not None:
            run = self._before.run if self._before else None
            previous = PreviousRun(run.manifest.name, run.digest) if run else None
            try:
                seal_run(
                    self._staging,
                    request,
                    line=self._line,
                    previous=previous,
                    demands=self._demands,
                    findings=self._findings,
                    kept=self._kept,
                    sla=self._request.sla,
                )
            except (OSError, KeypolicyError) as error:
                self._lose("this scan is not kept", error)
            self.close()
        return tuple(self._warnings)

    def close(self) -> None:
        """Clear away what was not sealed."""
        if self._staging is not None:
            self._staging.discard()
            self._staging = None

    def _lose(self, what: str, error: Exception) -> None:
        where, why = str(self._request.folder), str(error)
        if isinstance(error, KeypolicyError):
            where, why = error.where or where, f"{error.message}. {error.remedy}".strip()
        elif isinstance(error, OSError):
            where, why = str(error.filename or where), error.strerror or str(error)
            why = f"{why}. {remedy_for(error)}"
        self._warnings.append(f"history: {what}: {where}: {why}")


def _decided(
    findings: Sequence[TrackedFinding], decisions: Mapping[str, Decision]
) -> dict[str, Decision]:
    """Return the decisions with the dates of all findings that are there."""
    return {
        one.fingerprint: decisions.get(one.fingerprint, PLAIN)._replace(
            first_seen=one.first_seen, due=one.due
        )
        for one in findings
        if one.fate.is_present
    }
