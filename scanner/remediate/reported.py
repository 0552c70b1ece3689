"""A JSON report as what a plan is made from: its file goes in, findings and evidence come out."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.base.shape.decode import UnfitError, converted, decoded
from scanner.base.text import of_version
from scanner.catalogue import API
from scanner.catalogue.redact import redacted
from scanner.model.finding import Finding, Resource
from scanner.model.moment import in_utc
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Policy
from scanner.model.run import GateResult

MAX_BYTES: Final = 1 << 30
"""Largest report that is read."""

_REMEDY: Final = "Give a report that `keypolicy scan -o FILE.json` wrote."


class _Clock(msgspec.Struct):
    as_of: datetime


class _Tool(msgspec.Struct):
    name: str


class _Verdict(msgspec.Struct):
    result: GateResult


class _Places(msgspec.Struct):
    organizations: dict[str, int] = {}


class _Terms(msgspec.Struct):
    name: str
    version: str
    digest: str
    terms: str = ""


class _Resource(msgspec.Struct):
    type: str
    id: str
    name: str | None
    organization: str | None
    project: str | None
    url: str | None


class _ReportedFinding(msgspec.Struct):
    rule_id: str
    policy: str
    severity: Severity
    outcome: Outcome
    disposition: Disposition
    message: str
    resource: _Resource
    evidence: dict[str, Any]
    fingerprint: str
    waiver: str | UnsetType = UNSET

    @property
    def finding(self) -> Finding:
        """The finding as a scan has it."""
        row = self.resource
        return Finding(
            rule_id=self.rule_id,
            policy=self.policy,
            severity=self.severity,
            outcome=self.outcome,
            disposition=self.disposition,
            message=self.message,
            resource=Resource(row.type, row.id, row.name, row.organization, row.project, row.url),
            evidence=msgspec.Raw(msgspec.json.encode(self.evidence)),
            fingerprint=self.fingerprint,
            waiver=self.waiver or None,
        )


class _ReportFile(msgspec.Struct):
    schema_version: str
    tool: _Tool
    run: _Clock
    gate: _Verdict
    inventory: _Places
    policies: list[_Terms]
    findings: list[_ReportedFinding]


class Reported(msgspec.Struct, frozen=True):
    """What a JSON report tells a plan.

    `evidence` is all that the findings tell of a row, by its table and id. `servers` are those
    whose pages the findings name.
    """

    where: str
    as_of: datetime
    is_whole: bool
    organizations: tuple[str, ...]
    findings: tuple[Finding, ...]
    evidence: Mapping[tuple[str, str], Mapping[str, Any]]
    policies: tuple[_Terms, ...]
    servers: tuple[str, ...]

    def rows(
        self, table: str, columns: Sequence[str], ids: Collection[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return what is known of these columns, as a scan gives it."""
        if ids is None:
            ids = [key for of, key in self.evidence if of == table]
        known = {key: self.evidence[table, key] for key in ids if (table, key) in self.evidence}
        return {key: {c: row[c] for c in columns if c in row} for key, row in known.items()}

    def check_policies(self, policies: Sequence[Policy]) -> None:
        """Raise UsageError unless the policies ask what they asked when the report was made."""
        now = {policy.name: policy for policy in policies}
        for one in self.policies:
            policy = now.get(one.name)
            if policy is None:
                raise UsageError(
                    f"the report is about the policy {one.name}, which is not selected",
                    where=self.where,
                    remedy=f"Name it: --policy {one.name}, or the file it is in.",
                )
            if (one.terms or one.digest) != (policy.terms if one.terms else policy.digest):
                raise UsageError(
                    f"the policy {one.name} asked other things when the report was made"
                    f" (version {one.version})",
                    where=self.where,
                    remedy="Give the same policy and --param, or scan again.",
                )


def read_report(path: Path) -> Reported:
    """Read a JSON report, schema version 1.

    Raises UsageError for a file that cannot be read and for a report of another tool. Whatever
    looks like a secret in it is taken out.
    """
    try:
        content: Any = decoded(read_regular(path, MAX_BYTES), object)
    except UsageError as error:
        raise UsageError(error.message, where=str(path), remedy=_REMEDY) from error
    except UnfitError as error:
        raise _not_ours(path, str(error)) from None
    tool = content.get("tool") if isinstance(content, dict) else None
    name = tool.get("name") if isinstance(tool, dict) else None
    if name != "keypolicy":
        raise _not_ours(path, f"it is by {name!r}" if isinstance(name, str) else "it names no tool")
    if (version := content.get("schema_version")) != "1":
        raise UsageError(
            f"is a report {of_version('schema', version)}; this release reads '1'",
            where=str(path),
            remedy=_REMEDY,
        )
    # Digests of policies look like tokens; nothing else of what is outside is taken over as text.
    content["findings"] = redacted(content.get("findings"))
    try:
        report = converted(content, _ReportFile)
        return _reported(report, path)
    except ValueError as error:
        raise _not_ours(path, str(error)) from None


def _reported(report: _ReportFile, path: Path) -> Reported:
    evidence: dict[tuple[str, str], dict[str, Any]] = {}
    for one in report.findings:
        evidence.setdefault((one.resource.type, one.resource.id), {}).update(one.evidence)
        row = evidence[one.resource.type, one.resource.id]
        row |= {"id": one.resource.id, "name": one.resource.name}
    return Reported(
        where=str(path),
        as_of=in_utc(report.run.as_of),
        is_whole=report.gate.result is not GateResult.INCOMPLETE,
        organizations=tuple(sorted(report.inventory.organizations)),
        findings=tuple(one.finding for one in report.findings),
        evidence=evidence,
        policies=tuple(report.policies),
        servers=tuple(sorted({_server(one.resource) for one in report.findings} - {""})),
    )


def _server(row: _Resource) -> str:
    """Return the server whose page is named, which may lie below a path; empty if none is."""
    server, found, _ = (row.url or "").partition(f"{API.pages}{row.organization or ''}")
    if found:
        return server
    page = urlsplit(row.url or "")
    return f"{page.scheme}://{page.netloc}" if page.netloc else ""


def _not_ours(path: Path, why: str) -> UsageError:
    return UsageError(f"is not a JSON report of keypolicy ({why})", where=str(path), remedy=_REMEDY)
