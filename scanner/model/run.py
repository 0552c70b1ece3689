"""Everything that one scan found out, ready for reports and the gate."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import msgspec

from scanner.base.text import plural
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.finding import Finding, Forecast, KnownFinding
from scanner.model.history import ControlTallies, GroupTally, HistoryProgress, by_control
from scanner.model.inventory import Reach
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.owner import OrganizationShare, OwnerShare
from scanner.model.rule import Policy, Rule
from scanner.model.waiver import WaiverUse


class RuleResult(msgspec.Struct, frozen=True):
    """How often a rule came to each outcome.

    `unseen` of the unknown outcomes stand for parts of the table that could not be read; the
    others are rows with missing data. `tally` counts findings by outcome and disposition. `overdue`
    counts open findings on rows whose time to be fixed is over, or that have none; None where no
    history tells.
    """

    rule: Rule
    passed: int
    not_applicable: int
    unseen: int
    tally: dict[tuple[Outcome, Disposition], int]
    overdue: Mapping[Outcome, int] | None = None

    def count(self, outcome: Outcome) -> int:
        """How many resources came to this outcome, whatever triage says of them."""
        if outcome is Outcome.PASS:
            return self.passed
        if outcome is Outcome.NOT_APPLICABLE:
            return self.not_applicable
        return sum(n for (found, _), n in self.tally.items() if found is outcome)

    def disposed(self, disposition: Disposition) -> int:
        """How many findings triage gave this disposition."""
        return sum(n for (_, found), n in self.tally.items() if found is disposition)

    def open(self, outcome: Outcome) -> int:
        """How many findings with this outcome are open."""
        return self.tally.get((outcome, Disposition.OPEN), 0)

    @property
    def open_findings(self) -> int:
        """How many findings of any outcome are open."""
        return self.disposed(Disposition.OPEN)

    @property
    def rated(self) -> GroupTally:
        """What the rule came to, for a rate: what is no pass and no failure could not be told."""
        unknown = self.count(Outcome.UNKNOWN) + self.count(Outcome.ERROR)
        return GroupTally(self.passed, self.count(Outcome.FAIL), unknown)

    @property
    def evaluated(self) -> int:
        """How many resources the rule was held against, those it is not about included."""
        return self.passed + self.not_applicable + sum(self.tally.values()) - self.unseen


class Clear(msgspec.Struct, frozen=True):
    """A place where a rule found nothing: resources that passed, and that it is not about."""

    policy: str
    rule_id: str
    organization: str | None
    project: str | None
    passed: int
    not_applicable: int


class TableSummary(msgspec.Struct, frozen=True):
    """A table of the inventory: its rows, its coverage, and whether any rule reads it."""

    rows: int
    coverage: TableCoverage
    needed: bool


class InventorySummary(msgspec.Struct, frozen=True):
    """Where the inventory came from, its tables, and the SHA-256 of what they hold.

    `digest` is that SHA-256, empty where no report was to tell it. `organizations` maps the slug of
    each organization seen to the number of its projects. `servers` are the base URLs of those that
    the records are of, `reaches` what the inputs can be about, `warnings` what a person has to know
    of them; they are among those of the run.
    """

    sources: tuple[str, ...]
    tables: dict[str, TableSummary]
    digest: str
    organizations: dict[str, int] = {}
    servers: tuple[str, ...] = ()
    reaches: tuple[Reach, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def incomplete(self) -> dict[str, TableCoverage]:
        """The tables that rules read and that were not seen whole."""
        return {
            name: table.coverage
            for name, table in self.tables.items()
            if table.needed and table.coverage.state is not CoverageState.COMPLETE
        }

    @property
    def is_fleet(self) -> bool:
        """Whether it is of several organizations, those included that could not be seen."""
        gaps = (gap for coverage in self.incomplete.values() for gap in coverage.gaps)
        missing = {gap.organization for gap in gaps if gap.organization is not None}
        return len(missing | self.organizations.keys()) > 1


class RunInfo(msgspec.Struct, frozen=True):
    """Identity and clock of a run; only these four differ between two runs of the same facts."""

    id: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime


class GateResult(StrEnum):
    """The verdict in a word."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class Verdict(msgspec.Struct, frozen=True):
    """The gate's decision, with its reasons in sentences."""

    result: GateResult
    exit_code: int
    reasons: tuple[str, ...]


class GateSetting(msgspec.Struct, frozen=True):
    """One setting that decides what the scan looks at or tolerates, as it took effect.

    `value` is as a report shows it, `origin` the place that it came from: a flag, a variable, a
    file with its line, or "the default". `is_looser`: it tolerates more than the default does.
    `is_given`: it came from elsewhere than the command line and the defaults.
    """

    name: str
    value: str
    origin: str
    is_looser: bool = False
    is_given: bool = False


class TrendPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a scan came to, and what it was about: only like is compared with like.

    `found` counts all findings by severity, `open` those that are neither waived nor in the
    baseline. `policies` maps each policy to its version and its `Policy.terms`, `organizations`
    are the slugs of those that were seen, `incomplete` the tables that were not seen whole; they
    are None where the scan's report does not tell. `controls` tell what passed, by framework and
    requirement, and `unseen` counts what was open when somebody last looked, where that is known.
    """

    as_of: datetime
    result: GateResult
    found: dict[Severity, int]
    open: dict[Severity, int]
    policies: dict[str, tuple[str, str]] | None = None
    organizations: frozenset[str] | None = None
    incomplete: frozenset[str] | None = None
    controls: ControlTallies = {}
    unseen: dict[Severity, int] = {}


class Narrowing(msgspec.Struct, frozen=True):
    """What is shown of the findings; counts, verdict and exit code are of the whole scan.

    `shown` findings of `total` are those of `owners`, and the `unseen` that stand for what could
    not be seen: that may be anybody's.
    """

    owners: tuple[str, ...]
    shown: int
    total: int
    unseen: int = 0

    @classmethod
    def to(
        cls, owners: Sequence[str], results: Sequence[RuleResult], shares: Sequence[OwnerShare]
    ) -> Self | None:
        """Return the narrowing to these owners; None where none is named."""
        if not owners:
            return None
        unseen = sum(result.unseen for result in results)
        mine = sum(one.findings for one in shares if one.owner in owners)
        total = sum(sum(result.tally.values()) for result in results)
        return cls(tuple(dict.fromkeys(owners)), unseen + mine, total, unseen)

    @property
    def told(self) -> str:
        """What a reader of a report has to know, in a sentence without its stop."""
        gaps = ", and what could not be seen" if self.unseen else ""
        return (
            f"Shows {self.shown:,} of {plural(self.total, 'finding')}: those of"
            f" {' and '.join(self.owners)}{gaps}; verdict and counts are of all"
        )


class Run(msgspec.Struct, frozen=True):
    """A finished scan.

    `findings` can be iterated any number of times; each time it streams from the database in
    the same order: severity (worst first), rule in policy order, organization, project, id.
    `waivers` are all of those that were given, in the order of their file; `fixed` are the
    findings of the baseline that are there no more. `clear` are the places without a finding,
    by rule in the order of the findings; None where only their number is known. `earlier` are
    the scans that a trend is to start with, oldest first. `gate` are the settings in effect, and
    `sample`, where it is known, gives the first findings of a rule, as many as asked for.
    `owners` have a share each, those without findings too, where a file tells who owns what; with
    a `narrowing`, `findings` and `sample` are of some of them. `table`, where it was asked for,
    writes the findings into files of Parquet, which are to be read one after the other. `rows`
    gives columns of a table's rows by their id, of those with these ids or of all. `progress` is
    what a history tells, where the scan has one: the run before is one of the `earlier` then, if
    they were asked for. `forecast` is what falls due, where that was asked for. `organizations`
    have a share each where the scan is about more than one.
    """

    info: RunInfo
    inventory: InventorySummary
    policies: tuple[Policy, ...]
    results: tuple[RuleResult, ...]
    findings: Iterable[Finding]
    verdict: Verdict
    warnings: tuple[str, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    fixed: tuple[KnownFinding, ...] = ()
    earlier: tuple[TrendPoint, ...] = ()
    clear: Iterable[Clear] | None = None
    gate: tuple[GateSetting, ...] = ()
    sample: Callable[[Rule, int], Iterable[Finding]] | None = None
    owners: tuple[OwnerShare, ...] = ()
    narrowing: Narrowing | None = None
    table: Callable[[], Sequence[Path]] | None = None
    rows: (
        Callable[[str, Sequence[str], Collection[str] | None], dict[str, dict[str, Any]]] | None
    ) = None
    progress: HistoryProgress | None = None
    forecast: Forecast | None = None
    organizations: tuple[OrganizationShare, ...] = ()

    def open_shown(self, result: RuleResult) -> int:
        """How many open findings of a rule the reports show."""
        if self.narrowing is None:
            return result.open_findings
        mine = (one for one in self.owners if one.owner in self.narrowing.owners)
        key = result.rule.id, Disposition.OPEN
        return result.unseen + sum(one.tally.get(key, 0) for one in mine)

    def open_by_severity(self) -> dict[Severity, int]:
        """Open findings of every outcome, by the severity of their rule."""
        counts = dict.fromkeys(Severity, 0)
        for result in self.results:
            counts[result.rule.severity] += result.open_findings
        return counts

    def found_by_severity(self) -> dict[Severity, int]:
        """All findings, whatever triage says of them, by the severity of their rule."""
        counts = dict.fromkeys(Severity, 0)
        for result in self.results:
            counts[result.rule.severity] += sum(result.tally.values())
        return counts

    @property
    def point(self) -> TrendPoint:
        """This scan as a point of a trend."""
        return TrendPoint(
            as_of=self.info.as_of,
            result=self.verdict.result,
            found=self.found_by_severity(),
            open=self.open_by_severity(),
            policies={one.name: (one.version, one.terms) for one in self.policies},
            organizations=frozenset(self.inventory.organizations),
            incomplete=frozenset(self.inventory.incomplete),
            controls=by_control((one.rule.controls, one.rated) for one in self.results),
            unseen=self.progress.unseen({r.rule.id for r in self.results}) if self.progress else {},
        )

    def total(self, outcome: Outcome) -> int:
        """How many (rule, resource) pairs came to this outcome."""
        return sum(result.count(outcome) for result in self.results)
