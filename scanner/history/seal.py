"""From a finished scan to a sealed run: the parts are written, and the manifest is made of them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.catalogue.redact import redact_text
from scanner.engine.intake.keep import packed
from scanner.engine.intake.load import Loaded
from scanner.engine.judge.groups import Groups
from scanner.history.carry import write_lines
from scanner.history.figures import figures
from scanner.history.folder import FINDINGS, REPORT, TRACKED
from scanner.history.manifest import (
    FORMAT,
    VERSION,
    Looked,
    Manifest,
    PreviousRun,
    RanPolicy,
    RanRule,
    RunTimes,
    SeenTable,
)
from scanner.history.write import Staging
from scanner.model.history import Sla, TrackedFinding
from scanner.model.inventory import KeptInventory
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Policy
from scanner.model.run import RuleResult, Run
from scanner.report import to_stream, write_reports
from scanner.triage.interface import Sight, TriageRequest

_MOST: Final = 1 << 30


class SealRequest(msgspec.Struct, frozen=True):
    """A finished scan, whole: `run` is not narrowed to some owners, and can write its table."""

    run: Run
    sight: Sight
    loaded: Loaded
    groups: Groups
    triage: TriageRequest
    params: Mapping[str, str]


def seal_run(  # noqa: PLR0913 - what the keeper gathered on the way
    staging: Staging,
    request: SealRequest,
    *,
    line: str,
    previous: PreviousRun | None,
    demands: Mapping[str, str],
    findings: Sequence[TrackedFinding],
    kept: KeptInventory | None,
    sla: Sla,
) -> Path:
    """Write the run and give it its name. Raises OSError and UsageError for what is refused."""
    run = request.run
    _write_reports(staging, run)
    write_tracked(staging, findings)
    policies, triage = _copy_policies(staging, run.policies), request.triage
    waivers = _copy(staging, triage.waivers, "waivers.yaml")
    baseline = _copy(staging, triage.baseline, "baseline.jsonl")
    owners = _copy(staging, triage.owners, "owners.yaml")
    ran = {one.rule.id: _ran(one) for one in run.results}
    info = run.info
    return staging.seal(
        Manifest(
            format=FORMAT,
            version=VERSION,
            tool=f"keypolicy {__version__}",
            run=RunTimes(info.id, info.as_of, info.started_at, info.finished_at),
            line=line,
            previous=previous,
            looked=_looked(request),
            digest=run.inventory.digest,
            policies=policies,
            params={name: redact_text(value) for name, value in request.params.items()},
            rules=ran,
            demands={**demands, **{name: one.demand for name, one in ran.items()}},
            result=run.verdict.result,
            exit_code=run.verdict.exit_code,
            figures=figures(run, findings, request.groups),
            sla={severity: round(time.total_seconds()) for severity, time in sla.items()},
            waivers=waivers,
            baseline=baseline,
            owners=owners,
            inventory=kept,
            parts=staging.parts(),
        )
    )


def _write_reports(staging: Staging, run: Run) -> None:
    with packed(staging.folder / REPORT) as report, (staging.folder / FINDINGS).open("wb") as table:
        out = cast("BinaryIO", report)
        write_reports(run, [to_stream(run, "json", out), to_stream(run, "parquet", table)])


def write_tracked(staging: Staging, findings: Sequence[TrackedFinding]) -> None:
    """Write the findings that the next run of the line carries on. Raises OSError."""
    with packed(staging.folder / TRACKED) as out:
        out.writelines(write_lines(findings))


def _copy_policies(staging: Staging, policies: Sequence[Policy]) -> list[RanPolicy]:
    """Put the files of all policies where they lay towards each other: `extends` still works."""
    names = [os.path.abspath(name) for policy in policies for name, _ in policy.sources]  # noqa: PTH100 - text, not a file
    root = os.path.commonpath([os.path.dirname(name) for name in names]) if names else ""  # noqa: PTH120
    ran = []
    for policy in policies:
        files = []
        for name, raw in policy.sources:
            below = os.path.relpath(os.path.abspath(name), root)  # noqa: PTH100
            files.append(staging.put(f"policies/{Path(below).as_posix()}", raw))
        ran.append(
            RanPolicy(policy.name, policy.version, policy.digest, policy.terms, tuple(files))
        )
    return ran


def _copy(staging: Staging, path: Path | None, name: str) -> str | None:
    """Keep a file as it is now; None where there is none."""
    if path is None:
        return None
    try:
        return staging.put(name, read_regular(path, _MOST))
    except UsageError:
        return None  # it was there when the scan began: its effects are in the report


def _looked(request: SealRequest) -> Looked:
    loaded, sight = request.loaded, request.sight
    tables = {
        name: SeenTable(
            rows=table.rows,
            coverage=table.coverage.state,
            needed=table.needed,
            gaps=tuple(sight.gaps.get(name, table.coverage.gaps)),
        )
        for name, table in request.run.inventory.tables.items()
        if table.rows or table.needed
    }
    return Looked(sight.scope, loaded.reaches, loaded.servers, loaded.organizations, tables)


def _ran(result: RuleResult) -> RanRule:
    rule = result.rule
    return RanRule(
        policy=rule.policy,
        title=rule.title,
        resource=rule.resource,
        severity=rule.severity,
        demand=rule.demand,
        controls=rule.controls,
        counts={
            **{str(outcome): result.count(outcome) for outcome in Outcome},
            "waived": result.disposed(Disposition.WAIVED),
            "baselined": result.disposed(Disposition.BASELINED),
        },
        open=result.open_findings,
    )
