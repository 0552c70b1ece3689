"""The JSON report of a run as it is read again: schema version 1, and what older ones lack."""

from datetime import date, datetime

import msgspec
from msgspec import UNSET, UnsetType

from scanner.model.coverage import CoverageState, Gap
from scanner.model.finding import Resource
from scanner.model.history import GroupTally
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import GateResult, GateSetting
from scanner.report.parts.effect import setting_read


class KeptTimes(msgspec.Struct, frozen=True):
    """`run`."""

    id: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime


class KeptTable(msgspec.Struct, frozen=True):
    """A table of `inventory`."""

    rows: int
    coverage: CoverageState
    reason: str
    gaps: tuple[Gap, ...] = ()


class KeptTables(msgspec.Struct, frozen=True):
    """`inventory`."""

    sources: tuple[str, ...]
    tables: dict[str, KeptTable]
    digest: str
    organizations: dict[str, int] = {}


class KeptRule(msgspec.Struct, frozen=True):
    """`rules[]`."""

    id: str
    policy: str
    title: str
    severity: Severity
    resource: str
    controls: dict[str, list[str]]
    counts: dict[str, int]


class KeptFinding(msgspec.Struct, frozen=True, gc=False):
    """`findings[]`."""

    rule_id: str
    policy: str
    severity: Severity
    outcome: Outcome
    disposition: Disposition
    message: str
    resource: Resource
    evidence: msgspec.Raw
    fingerprint: str
    waiver: str | None = None
    first_seen: datetime | None = None
    owner: str | UnsetType | None = UNSET
    due: datetime | None = None


class KeptWaiver(msgspec.Struct, frozen=True):
    """`summary.waivers[]`."""

    id: str
    state: str
    expires: date
    findings: int
    unused: bool


class KeptOwner(msgspec.Struct, frozen=True):
    """`summary.owners[]`."""

    owner: str | None
    contact: str | None = None


class KeptOrganization(msgspec.Struct, frozen=True):
    """`summary.organizations[]`."""

    organization: str | None
    projects: int | None
    checks: GroupTally
    not_seen: int


class KeptSummary(msgspec.Struct, frozen=True):
    """`summary`."""

    waivers: tuple[KeptWaiver, ...] = ()
    warnings: tuple[str, ...] = ()
    owners: tuple[KeptOwner, ...] = ()
    organizations: tuple[KeptOrganization, ...] = ()


class KeptSetting(msgspec.Struct, frozen=True):
    """`gate.settings[]`."""

    name: str
    value: str
    origin: str
    looser: bool = False

    @property
    def setting(self) -> GateSetting:
        """As the scan had it."""
        return setting_read(self.name, self.value, self.origin, is_looser=self.looser)


class KeptVerdict(msgspec.Struct, frozen=True):
    """`gate`."""

    result: GateResult
    exit_code: int
    reasons: tuple[str, ...]
    settings: tuple[KeptSetting, ...] = ()


class KeptReport(msgspec.Struct, frozen=True):
    """The report."""

    run: KeptTimes
    inventory: KeptTables
    rules: tuple[KeptRule, ...]
    findings: tuple[KeptFinding, ...]
    summary: KeptSummary
    gate: KeptVerdict
