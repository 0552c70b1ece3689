"""A rule on a resource, with an outcome other than pass."""

import msgspec

from scanner.model.outcome import Disposition, Outcome
from scanner.model.severity import Severity


class Resource(msgspec.Struct, frozen=True):
    """The row that a finding is about. For a gap in the inventory `id` is empty."""

    type: str
    id: str
    name: str | None
    organization: str | None
    project: str | None
    url: str | None


class Finding(msgspec.Struct, frozen=True):
    """One finding, in the shape that the JSON report writes.

    `evidence` is a JSON object: the columns that the rule read, with their values.
    """

    rule_id: str
    policy: str
    severity: Severity
    outcome: Outcome
    disposition: Disposition
    message: str
    resource: Resource
    evidence: msgspec.Raw
    fingerprint: str
