"""JSON report, schema version 1 (scanner/schemas/report-v1.json): a stable shape of its own.

The order of keys is fixed and every policy, rule, table and finding has a line to itself, so
that two reports can be compared line by line. Two runs over the same facts differ in nothing
but the object `run`: `id`, `started_at` and `finished_at`, and `as_of` unless it was given.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import UNSET, UnsetType

from scanner import __version__
from scanner.base.text import timestamp
from scanner.model.finding import Finding
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import WORST_FIRST, Disposition, Outcome
from scanner.model.run import RuleResult, Run, TableSummary
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import disposed, meaning, parts
from scanner.report.parts.json_array import JsonArray

SCHEMA_VERSION: Final = "1"


class _ResourceV1(msgspec.Struct, frozen=True, gc=False):
    """`findings[].resource`."""

    type: str
    id: str
    name: str | None
    organization: str | None
    project: str | None
    url: str | None


class _FindingV1(msgspec.Struct, frozen=True, gc=False):
    """`findings[]`."""

    rule_id: str
    policy: str
    severity: str
    outcome: str
    disposition: str
    message: str
    resource: _ResourceV1
    evidence: msgspec.Raw
    fingerprint: str
    waiver: str | UnsetType = UNSET
    first_seen: str | UnsetType = UNSET
    owner: str | UnsetType | None = UNSET
    due: str | UnsetType = UNSET


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the JSON report; see scanner.report.interface.Format."""
    encode = msgspec.json.encode
    out.write(b'{\n"schema_version": ' + encode(SCHEMA_VERSION))
    _member(out, "tool", {"name": "keypolicy", "version": __version__})
    _member(out, "run", _run(run))
    _inventory(run, out)
    _list(
        out,
        "policies",
        (
            {"name": p.name, "version": p.version, "digest": p.digest, "terms": p.terms}
            for p in run.policies
        ),
    )
    _list(out, "rules", map(_rule, run.results))
    out.write(b',\n"findings": ')
    yield from _findings(run, JsonArray(out))
    _member(out, "summary", _summary(run))
    _member(
        out,
        "gate",
        {
            "result": run.verdict.result,
            "exit_code": run.verdict.exit_code,
            "reasons": run.verdict.reasons,
            "meaning": meaning(run),
            "settings": [
                {
                    "name": one.name,
                    "value": one.value,
                    "origin": one.origin,
                    "looser": one.is_looser,
                }
                for one in run.gate
            ],
        },
    )
    out.write(b"\n}\n")


def _member(out: BinaryIO, name: str, value: Mapping[str, Any]) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    out.write(b',\n"%s": %s' % (name.encode(), text))


def _list(out: BinaryIO, name: str, values: Iterable[Mapping[str, Any]]) -> None:
    lines = b",\n".join(map(msgspec.json.encode, values))
    out.write(b',\n"%s": [%s]' % (name.encode(), b"\n" + lines + b"\n" if lines else b""))


def _run(run: Run) -> dict[str, str]:
    return {
        "id": run.info.id,
        "as_of": timestamp(run.info.as_of),
        "started_at": timestamp(run.info.started_at),
        "finished_at": timestamp(run.info.finished_at),
    }


def _inventory(run: Run, out: BinaryIO) -> None:
    encode = msgspec.json.encode
    out.write(b',\n"inventory": {\n"sources": ' + encode(run.inventory.sources))
    lines = b",\n".join(
        encode(name) + b": " + encode(_table(table)) for name, table in run.inventory.tables.items()
    )
    out.write(b',\n"tables": {' + (b"\n" + lines + b"\n" if lines else b"") + b"}")
    out.write(b',\n"organizations": ' + encode(run.inventory.organizations))
    if any(reach.is_narrow for reach in run.inventory.reaches):
        lines = b",\n".join(sorted({encode(_reach(one)) for one in run.inventory.reaches}))
        out.write(b',\n"reaches": [\n' + lines + b"]")
    out.write(b',\n"digest": ' + encode(run.inventory.digest) + b"\n}")


def _reach(reach: Reach) -> dict[str, Any]:
    scope = reach.scope or Scope()
    return {
        "tables": sorted(reach.tables),
        "organizations": sorted(scope.organizations),
        "projects": sorted(scope.projects),
        "filters": sorted(reach.filters),
        **({"is_told": False} if reach.scope is None else {}),
    }


def _table(table: TableSummary) -> dict[str, Any]:
    coverage = table.coverage
    shown: dict[str, Any] = {
        "rows": table.rows,
        "coverage": coverage.state,
        "reason": coverage.reason,
    }
    if coverage.gaps:
        shown["gaps"] = [
            {"organization": gap.organization, "project": gap.project, "reason": gap.reason}
            for gap in coverage.gaps
        ]
    return shown


def _rule(result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    counts = {str(outcome): result.count(outcome) for outcome in Outcome}
    counts["waived"] = result.disposed(Disposition.WAIVED)
    counts["baselined"] = result.disposed(Disposition.BASELINED)
    return {
        "id": rule.id,
        "policy": rule.policy,
        "title": rule.title,
        "severity": rule.severity,
        "resource": rule.resource,
        "controls": rule.controls,
        "counts": counts,
    }


def _findings(run: Run, lines: JsonArray) -> Writing:
    """Write `findings`, one a line. This loop is the whole cost of a large report."""
    # Without a file of owners nothing is said of them; with one, null says that it is nobody's.
    nobody = repeat(None if run.owners else UNSET)
    while found := (yield):
        lines.add(map(_finding, found, nobody))
    lines.end()


def _finding(finding: Finding, nobody: UnsetType | None) -> _FindingV1:
    resource = finding.resource
    return _FindingV1(
        finding.rule_id,
        finding.policy,
        finding.severity,
        finding.outcome,
        finding.disposition,
        finding.message,
        _ResourceV1(
            resource.type,
            resource.id,
            resource.name,
            resource.organization,
            resource.project,
            resource.url,
        ),
        finding.evidence,
        finding.fingerprint,
        finding.waiver or UNSET,
        timestamp(finding.first_seen) if finding.first_seen else UNSET,
        finding.owner or nobody,
        timestamp(finding.due) if finding.due else UNSET,
    )


def _summary(run: Run) -> dict[str, Any]:
    found, by_severity = run.found_by_severity(), run.open_by_severity()
    tables = run.inventory.tables
    return {
        "resources": sum(table.rows for table in tables.values() if table.needed),
        "rules": len(run.results),
        "outcomes": {outcome: run.total(outcome) for outcome in Outcome},
        "dispositions": {disposition: disposed(run, disposition) for disposition in Disposition},
        "found_by_severity": {severity: found[severity] for severity in WORST_FIRST},
        "open_by_severity": {severity: by_severity[severity] for severity in WORST_FIRST},
        "fixed": len(run.fixed),
        "waivers": [
            {
                "id": use.waiver.id,
                "state": use.state,
                "expires": use.waiver.expires.isoformat(),
                "findings": use.decided,
                "unused": use.is_unused,
            }
            for use in run.waivers
        ],
        "incomplete_tables": sorted(run.inventory.incomplete),
        "warnings": run.warnings,
        **_organizations(run),
        **_owners(run),
    }


def _organizations(run: Run) -> dict[str, Any]:
    if not run.organizations:
        return {}
    told = [
        {
            "organization": share.slug,
            "projects": share.projects,
            "open_by_severity": part.open_by_severity,
            "open_by_rule": share.open_by_rule,
            "waived": share.count(Disposition.WAIVED),
            "baselined": share.count(Disposition.BASELINED),
            "checks": share.checks,
            "not_seen": share.gaps,
        }
        for part in sorted(parts(run), key=lambda one: (one.share.slug is None, one.name))
        for share in [part.share]
    ]
    return {"organizations": told}


def _owners(run: Run) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if run.owners:
        told["owners"] = [
            {
                "owner": one.owner,
                "contact": one.contact or None,
                "findings": one.findings,
                **{str(kind): one.by_disposition[kind] for kind in Disposition},
            }
            for one in run.owners
        ]
    if run.narrowing is not None:
        narrowing = run.narrowing
        told["narrowed"] = {
            "owners": narrowing.owners,
            "shown": narrowing.shown,
            "total": narrowing.total,
        }
    return told
