"""Values of a history, as tests want them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from scanner.history.manifest import (
    FORMAT,
    VERSION,
    Figures,
    Looked,
    Manifest,
    PreviousRun,
    RanPolicy,
    RanRule,
    RunTimes,
    SeenTable,
)
from scanner.history.seal import write_tracked
from scanner.history.write import Staging
from scanner.model.coverage import CoverageState
from scanner.model.history import Fate, GroupTally, TrackedFinding
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import Outcome, Severity
from scanner.model.run import GateResult

DAY = datetime(2026, 6, 1, tzinfo=UTC)
LINE = "0a1b2c3d"
COUNTS = dict.fromkeys(("fail", "unknown", "error", "not_applicable", "waived", "baselined"), 0)


def tracked(name: str = "f1", **more: Any) -> TrackedFinding:
    values: dict[str, Any] = {
        "rule": "r1",
        "severity": Severity.HIGH,
        "outcome": Outcome.FAIL,
        "type": "sentry_key",
        "organization": "acme",
        "project": "web",
        "project_id": None,
        "id": name,
        "name": name,
        "fingerprint": name,
        "first_seen": DAY,
        "fate": Fate.NEW,
        "opened": DAY,
        "last_seen": DAY,
    }
    return TrackedFinding(**{**values, **more})


def manifest(
    number: int = 1, as_of: datetime = DAY, previous: PreviousRun | None = None, **more: Any
) -> Manifest:
    tally = GroupTally(9, 1)
    values: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "tool": "keypolicy 0",
        "run": RunTimes(f"{number:032x}"[::-1], as_of, as_of, as_of),
        "line": LINE,
        "previous": previous,
        "looked": Looked(
            Scope(),
            (Reach(frozenset({"sentry_key"}), Scope()),),
            (),
            {"acme": 1},
            {"sentry_key": SeenTable(10, CoverageState.COMPLETE, needed=True)},
        ),
        "digest": "d",
        "policies": [RanPolicy("mine", "1.0.0", "d", "t", ())],
        "params": {},
        "rules": {
            "r1": RanRule(
                policy="mine",
                title="T",
                resource="sentry_key",
                severity=Severity.HIGH,
                demand="x",
                controls={"cis": ["1", "2"]},
                counts={**COUNTS, "pass": 9, "fail": 1},
                open=1,
            )
        },
        "demands": {"r1": "x"},
        "result": GateResult.FAILED,
        "exit_code": 1,
        "figures": Figures(
            found={Severity.HIGH: 1},
            open={Severity.HIGH: 1},
            waived=0,
            baselined=0,
            lapsed_waivers=0,
            overdue={},
            changes={"new": {Severity.HIGH: 1}},
            days_to_fix={},
            organizations={"acme": tally},
            teams={},
        ),
        "sla": {},
        "waivers": None,
        "baseline": None,
        "owners": None,
        "inventory": None,
        "parts": {},
    }
    return Manifest(**{**values, **more})


def stored(
    folder: Path, made: Manifest, findings: Iterable[TrackedFinding] = (), **parts: bytes
) -> Path:
    """Put a run into the history at `folder`, with its findings and other parts."""
    staging = Staging(folder)
    write_tracked(staging, list(findings))
    for name, content in parts.items():
        staging.put(name, content)
    return staging.seal(msgspec.structs.replace(made, parts=staging.parts()))
