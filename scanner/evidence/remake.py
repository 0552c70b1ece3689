"""A run made anew: in comes what a run kept, out comes the run that follows from it.

The same scan goes over the kept inventory, as of then, with the policies, waivers, baseline, owners
and settings of then, and into a history that has the one run before it. So whatever a run holds can
be held against what it should.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import once
from scanner.engine.intake.keep import packed
from scanner.evidence.gate import check_settings, settings_of, sla_of, thresholds_of
from scanner.gate import EXIT_REFUSED
from scanner.history.folder import (
    FINDINGS,
    REPORT,
    TRACKED,
    History,
    StoredRun,
    marker_bytes,
)
from scanner.history.keeper import HistoryRequest
from scanner.history.kept import KeptFiles, KeptSource, own_params
from scanner.history.manifest import DamageError, RunPart
from scanner.model.history import MANIFEST, MARKER
from scanner.model.run import Run, RunInfo
from scanner.pipeline import ScanRequest, scan
from scanner.report import to_stream, write_reports

_LOST: Final = "19700101T000000Z-{line}-000000000000"
"""A run that cannot be read: to make anew what a scan wrote that had passed one over."""


def report_of(run: StoredRun) -> dict[str, Any]:
    """Return the JSON report of a run. Raises DamageError."""
    try:
        found = json.loads(run.unpacked(REPORT), object_pairs_hook=once)
        if found["schema_version"] == "1" and found["gate"]["settings"]:
            return dict(found)
    except (ValueError, RecursionError, LookupError, TypeError):
        pass
    raise not_whole(run)


def not_whole(run: StoredRun) -> DamageError:
    """Return the error for a report that lacks what every one of version 1 has."""
    where = str(run.path / REPORT)
    return DamageError("is no whole report of version 1", "edited", where=where)


def remake(
    run: StoredRun, before: StoredRun | None, workspace: Path, *, is_certain: bool = True
) -> StoredRun:
    """Make a run anew in an empty folder; its report, table and times are as if it were that run.

    `before` is the run that it carries on, with its findings. Not `is_certain` makes what a scan
    writes that found a damaged run before it. Raises as a scan does, and DamageError.
    """
    folder, table, private = (workspace / name for name in ("history", "table", "files"))
    for one in (folder, table, private):
        one.mkdir(parents=True)
    (folder / MARKER).write_bytes(marker_bytes())
    known = {_LOST.format(line=run.manifest.line)}
    if before is not None:
        known.add(before.path.name)
        (folder / before.path.name).mkdir()
        for name in (MANIFEST, TRACKED):
            shutil.copyfile(before.path / name, folder / before.path.name / name)
    if not is_certain:
        (folder / _LOST.format(line=run.manifest.line)).mkdir()
    manifest, where = run.manifest, str(run.path / REPORT)
    settings = settings_of(report_of(run)["gate"]["settings"], where)
    files = KeptFiles.unpacked(run, private)
    check_settings(settings, manifest, where)
    thresholds = thresholds_of(settings, where)
    request = ScanRequest(
        source=KeptSource(run),
        scope=manifest.looked.scope,
        policies=files.policies,
        params=own_params(run),
        triage=msgspec.structs.replace(
            files.triage, strict_waivers=manifest.exit_code == EXIT_REFUSED
        ),
        as_of=manifest.run.as_of,
        thresholds=thresholds,
        ahead=thresholds.due_within or 0,
        gate=settings,
        folder=table,
        history=HistoryRequest(folder, keep_inventory=True, sla=sla_of(settings, where)),
    )
    with scan(request) as found:
        made = [name for name in History(folder).names() if name not in known]
        if len(made) != 1:
            raise UsageError(
                f"cannot be made anew: {'; '.join(found.warnings)}",
                where=str(run.path),
                remedy="Make room in the folder that TMPDIR names.",
            )
        remade = History(folder).run(made[0])
        return _rewritten(_as_then(found, run, request), remade)


def _as_then(found: Run, run: StoredRun, request: ScanRequest) -> Run:
    """Give the scan the identity and the clock of then, and the file of waivers its name."""
    times = run.manifest.run
    reasons = found.verdict.reasons
    named = next((one.value for one in request.gate if one.name == "waivers"), "")
    if request.triage.waivers is not None:
        private = str(request.triage.waivers)
        reasons = tuple(reason.replace(private, named) for reason in reasons)
    return msgspec.structs.replace(
        found,
        info=RunInfo(times.id, times.as_of, times.started_at, times.finished_at),
        verdict=msgspec.structs.replace(found.verdict, reasons=reasons),
    )


def _rewritten(found: Run, remade: StoredRun) -> StoredRun:
    """Write report and table once more."""
    folder = remade.path
    with packed(folder / REPORT) as report, (folder / FINDINGS).open("wb") as table:
        out = cast("BinaryIO", report)
        write_reports(found, [to_stream(found, "json", out), to_stream(found, "parquet", table)])
    parts = dict(remade.manifest.parts)
    for name in (REPORT, FINDINGS):
        raw = (folder / name).read_bytes()
        parts[name] = RunPart(hashlib.sha256(raw).hexdigest(), len(raw))
    replace = msgspec.structs.replace
    return replace(remade, manifest=replace(remade.manifest, parts=parts))
