"""Findings as rows of a table: the columns that CSV and Parquet share."""

from typing import Final, NamedTuple

from scanner.base.text import timestamp
from scanner.model.finding import Finding


class FlatRow(NamedTuple):
    """One finding. Columns may be added at the end; none is renamed or removed."""

    rule_id: str
    policy: str
    severity: str
    outcome: str
    disposition: str
    message: str
    resource_type: str
    resource_id: str | None
    resource_name: str | None
    organization: str | None
    project: str | None
    url: str | None
    evidence: str
    fingerprint: str
    waiver: str | None
    first_seen: str | None
    owner: str | None


COLUMNS: Final = FlatRow._fields


def row(finding: Finding) -> FlatRow:
    """Return the finding as a row; `evidence` is a JSON object, times are RFC 3339."""
    resource = finding.resource
    # By position: naming the fields would take three times as long.
    return FlatRow(
        finding.rule_id,
        finding.policy,
        finding.severity,
        finding.outcome,
        finding.disposition,
        finding.message,
        resource.type,
        resource.id or None,
        resource.name,
        resource.organization,
        resource.project,
        resource.url,
        bytes(finding.evidence).decode(),
        finding.fingerprint,
        finding.waiver,
        timestamp(finding.first_seen) if finding.first_seen else None,
        finding.owner,
    )
