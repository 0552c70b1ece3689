"""What was found at a moment: out of a run, or of a JSON report, comes what a diff compares."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.base.shape.decode import decoded
from scanner.history.choose import choose
from scanner.history.folder import History, StoredRun
from scanner.model.coverage import CoverageState, Gap
from scanner.model.finding import Resource
from scanner.model.history import Fate, TrackedFinding
from scanner.model.inventory import Reach, Scope
from scanner.model.moment import in_utc
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import TrendPoint
from scanner.report.parts.earlier import MAX_BYTES, NOT_OURS, read_earlier

_Project: TypeAlias = tuple[str, str | None, str]
"""A table, an organization, and a project of it by id or slug."""


class Demand(msgspec.Struct, frozen=True):
    """A rule that was run: its policy, what it reads, and digests of what it and its policy ask.

    `demand` is None where only the policy's is known.
    """

    policy: str
    resource: str
    demand: str | None
    terms: str | None

    def is_as(self, other: "Demand") -> bool:
        """Whether the two demand the same; where that cannot be told, they do not."""
        if self.demand is not None and other.demand is not None:
            return self.demand == other.demand
        return self.terms is not None and self.terms == other.terms


class Snapshot(msgspec.Struct, frozen=True):
    """What was found, and what was looked at.

    `findings` are those that were there, by fingerprint, `absent` those that a history knows
    besides. `gaps` are by table; a rule's table that is not in it was seen whole. `server` is the
    one that all is of, None where it may be several. `owners` are those whose findings alone are
    told, None where all are. `filled` are the projects of the findings.
    """

    label: str
    point: TrendPoint
    rules: Mapping[str, Demand]
    findings: Mapping[str, TrackedFinding]
    absent: Mapping[str, TrackedFinding]
    scope: Scope
    reaches: tuple[Reach, ...]
    gaps: Mapping[str, tuple[Gap, ...]]
    server: str | None = None
    owners: tuple[str, ...] | None = None
    filled: frozenset[_Project] = frozenset()

    def saw(self, one: TrackedFinding, other: "Snapshot") -> bool:
        """Whether it looked at where the other's finding is: then what is not there is gone."""
        if self.owners is not None and one.owner not in self.owners:
            return False
        known = self.absent.get(one.fingerprint)
        if known is not None:
            return known.fate is not Fate.UNSEEN
        organizations = self.point.organizations
        if organizations is not None and one.organization not in organizations:
            return False
        if not _covers(self.scope, one) or not self._reaches_to(one):
            return False
        return not any(self._may_hide(gap, one, other) for gap in self.gaps.get(one.type, ()))

    def _may_hide(self, gap: Gap, one: TrackedFinding, other: "Snapshot") -> bool:
        """Whether the finding may be in the gap, perhaps of its project under a new name."""
        if gap.organization is None or one.organization is None:
            return True
        if gap.organization != one.organization or gap.project in {None, one.project}:
            return gap.organization == one.organization
        # Where either knows the other's name, they are two projects.
        known = (one.type, one.organization, gap.project) in other.filled
        return not known and not self._has_of(one)

    def _reaches_to(self, one: TrackedFinding) -> bool:
        """Whether an input was asked for the place; without any, nothing is told of them.

        One that does not tell has all of a project of which it has something: see triage.fixed.
        """
        reaches = [reach for reach in self.reaches if one.type in reach.tables]
        return not reaches or any(
            not reach.filters
            and (self._has_of(one) if reach.scope is None else _covers(reach.scope, one))
            for reach in reaches
        )

    def _has_of(self, one: TrackedFinding) -> bool:
        """Whether something else was found in the project; what passes there is not known."""
        return not self.filled.isdisjoint(_projects(one))


def _projects(one: TrackedFinding) -> Iterator[_Project]:
    """Give the names of the project that a finding is in: its id and its slug, if they are told."""
    for name in one.place[1:]:
        if name is not None:
            yield one.type, one.organization, name


def _filled(findings: Mapping[str, TrackedFinding]) -> frozenset[_Project]:
    return frozenset(name for one in findings.values() for name in _projects(one))


def _covers(scope: Scope, one: TrackedFinding) -> bool:
    return (not scope.organizations or one.organization in scope.organizations) and (
        not scope.projects or one.project in scope.projects
    )


def snapshot(history: History | None, ref: str) -> Snapshot:
    """Return what `ref` means: the path of a JSON report, or a run as `choose` knows it.

    Raises UsageError and DamageError.
    """
    if ref.endswith(".json") or (history is None and Path(ref).is_file()):
        return of_report(Path(ref))
    if history is None:
        raise UsageError(
            f"without a history, {ref!r} is no run",
            where="--history",
            remedy="Name the folder with --history DIR, or give JSON reports.",
        )
    return of_run(choose(history, ref))


def of_run(run: StoredRun) -> Snapshot:
    """Return what a run found. Raises DamageError."""
    manifest = run.manifest
    terms = {policy.name: policy.terms for policy in manifest.policies}
    tracked = run.tracked()
    present = {one.fingerprint: one for one in tracked if one.fate.is_present}
    return Snapshot(
        label=f"{run.path.name} of the history",
        point=manifest.point,
        rules={
            name: Demand(rule.policy, rule.resource, rule.demand, terms.get(rule.policy))
            for name, rule in manifest.rules.items()
        },
        findings=present,
        absent={one.fingerprint: one for one in tracked if not one.fate.is_present},
        scope=manifest.looked.scope,
        reaches=manifest.looked.reaches,
        gaps={name: table.gaps for name, table in manifest.looked.tables.items()},
        server=manifest.looked.servers[0] if len(manifest.looked.servers) == 1 else None,
        filled=_filled(present),
    )


class _ReportRule(msgspec.Struct):
    id: str
    policy: str
    resource: str


class _ReportTable(msgspec.Struct):
    coverage: CoverageState
    reason: str
    gaps: tuple[Gap, ...] = ()


class _ReportReach(msgspec.Struct):
    tables: frozenset[str]
    organizations: tuple[str, ...]
    projects: tuple[str, ...]
    filters: tuple[str, ...]
    is_told: bool = True


class _ReportInventory(msgspec.Struct):
    tables: dict[str, _ReportTable]
    reaches: tuple[_ReportReach, ...] = ()


class _ReportFinding(msgspec.Struct):
    rule_id: str
    severity: Severity
    outcome: Outcome
    disposition: Disposition
    resource: Resource
    fingerprint: str
    waiver: str | None = None
    first_seen: datetime | UnsetType = UNSET
    due: datetime | None = None
    owner: str | None = None


class _ReportSetting(msgspec.Struct):
    name: str
    value: str


class _ReportGate(msgspec.Struct):
    settings: list[_ReportSetting] = []


class _ReportNarrowing(msgspec.Struct):
    owners: tuple[str, ...]


class _ReportShown(msgspec.Struct):
    narrowed: _ReportNarrowing | None = None


class _WholeReport(msgspec.Struct):
    inventory: _ReportInventory
    rules: list[_ReportRule]
    findings: list[_ReportFinding]
    gate: _ReportGate
    summary: _ReportShown


_WHOLE: Final = CoverageState.COMPLETE


def of_report(path: Path) -> Snapshot:
    """Return what a JSON report of version 1 tells. Raises UsageError for a file that is none."""
    (point,) = read_earlier([path])
    try:
        report = decoded(read_regular(path, MAX_BYTES), _WholeReport)
        found = {
            one.fingerprint: _tracked(one, point.as_of)
            for one in report.findings
            if one.resource.id
        }
    except ValueError as error:
        message = f"is not a whole JSON report of keypolicy ({error})"
        raise UsageError(message, where=str(path), remedy=NOT_OURS) from error
    settings = {one.name: one.value for one in report.gate.settings}
    asked = (tuple(settings.get(name, "").split(", ")) for name in ("organizations", "projects"))
    organizations, projects = (tuple(filter(None, slugs)) for slugs in asked)
    terms = point.policies or {}
    return Snapshot(
        label=str(path),
        point=point,
        rules={
            one.id: Demand(one.policy, one.resource, None, terms.get(one.policy, ("", None))[1])
            for one in report.rules
        },
        findings=found,
        absent={},
        scope=Scope(organizations, projects),
        reaches=tuple(
            Reach(
                one.tables,
                Scope(one.organizations, one.projects) if one.is_told else None,
                one.filters,
            )
            for one in report.inventory.reaches
        ),
        gaps={
            # A table with no gap named and not seen whole may lack anything.
            name: table.gaps or (() if table.coverage is _WHOLE else (Gap(table.reason),))
            for name, table in report.inventory.tables.items()
        },
        owners=report.summary.narrowed.owners if report.summary.narrowed else None,
        filled=_filled(found),
    )


def _tracked(one: _ReportFinding, as_of: datetime) -> TrackedFinding:
    resource = one.resource
    first_seen = as_of if one.first_seen is UNSET else in_utc(one.first_seen)
    return TrackedFinding(
        rule=one.rule_id,
        severity=one.severity,
        outcome=one.outcome,
        type=resource.type,
        organization=resource.organization,
        project=resource.project,
        project_id=None,
        id=resource.id,
        name=resource.name,
        fingerprint=one.fingerprint,
        first_seen=first_seen,
        fate=Fate.STILL,
        opened=first_seen,
        last_seen=as_of,
        disposition=one.disposition,
        waiver=one.waiver,
        owner=one.owner,
        due=one.due,
    )
