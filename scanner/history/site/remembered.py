"""A scan as its run kept it: in comes a run, out comes what reports can be written of again.

The JSON report tells what was found. What it leaves out comes from the other parts: how to mend a
finding from the policies, who approved an exception from the waivers. Nothing is judged anew.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.base.errors import KeypolicyError, Location
from scanner.base.scratch import scratch
from scanner.base.shape.decode import UnfitError, decoded
from scanner.history.folder import REPORT, StoredRun
from scanner.history.kept import KeptFiles
from scanner.history.manifest import DamageError, Manifest
from scanner.history.site.document import (
    KeptFinding,
    KeptReport,
    KeptRule,
    KeptTable,
    KeptWaiver,
)
from scanner.model.coverage import TableCoverage
from scanner.model.finding import Finding
from scanner.model.history import HistoryProgress, Late, late_by
from scanner.model.moment import in_utc
from scanner.model.outcome import Disposition, Outcome
from scanner.model.owner import OrganizationShare, OwnerShare
from scanner.model.rule import Policy, Predicate, Rule
from scanner.model.run import (
    InventorySummary,
    RuleResult,
    Run,
    RunInfo,
    TableSummary,
    TrendPoint,
    Verdict,
)
from scanner.model.waiver import Waiver, WaiverState, WaiverUse
from scanner.policy.load import load_policies
from scanner.triage.waivers import read_waivers

MOST: Final = 512 << 20
"""Largest report, in bytes, of which a page is made."""

_NOWHERE: Final = Location("")
_NOTHING: Final = Predicate("", {}, _NOWHERE)


class RememberedPolicy(Policy, frozen=True):
    """A policy of which is known what its terms were, and not how it put them."""

    kept_terms: str = ""

    @property
    def terms(self) -> str:
        """As the run kept them."""
        return self.kept_terms


class _Sources(msgspec.Struct, frozen=True):
    """What the files of a run tell beside its report: rules by id, policies and waivers."""

    policies: Mapping[str, Policy]
    rules: Mapping[tuple[str, str], Rule]
    waivers: Mapping[str, Waiver]


def remembered(
    run: StoredRun, earlier: Sequence[TrendPoint] = (), before: StoredRun | None = None
) -> Run:
    """Return the scan of a run, whole in memory; `before` is the run before. Raises DamageError."""
    manifest = run.manifest
    where = str(run.path / REPORT)
    try:
        report = decoded(run.unpacked(REPORT, MOST), KeptReport)
    except UnfitError as error:
        raise DamageError(f"cannot be read: {error}", "edited", where=where) from error
    sources = _sources(run)
    findings = [_finding(one) for one in report.findings]
    gate, told = report.gate, report.run
    times = (in_utc(one) for one in (told.as_of, told.started_at, told.finished_at))
    previous = manifest.previous
    return Run(
        info=RunInfo(told.id, *times),
        inventory=InventorySummary(
            report.inventory.sources,
            {name: _table(name, one, manifest) for name, one in report.inventory.tables.items()},
            report.inventory.digest,
            report.inventory.organizations,
            manifest.looked.servers,
        ),
        policies=tuple(_policies(manifest, sources)),
        results=tuple(_results(report.rules, findings, sources)),
        findings=findings,
        verdict=Verdict(gate.result, gate.exit_code, gate.reasons),
        warnings=report.summary.warnings,
        waivers=tuple(_waiver(one, sources, manifest) for one in report.summary.waivers),
        earlier=tuple(earlier),
        clear=(),
        gate=tuple(one.setting for one in gate.settings),
        owners=tuple(_owners(report, findings)),
        progress=HistoryProgress(previous.run if previous else None, run.tracked(), _late(before)),
        organizations=tuple(_organizations(report, findings)),
    )


def _late(before: StoredRun | None) -> Late | None:
    """Return what was overdue by the run before, if it still tells."""
    if before is None:
        return None
    try:
        return late_by(before.tracked(), before.manifest.run.as_of)
    except DamageError:
        return None


def _sources(run: StoredRun) -> _Sources:
    """Read the files of a run; what cannot be read any more is not told."""
    policies: tuple[Policy, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    with scratch() as private:
        files = KeptFiles.unpacked(run, private)
        triage = files.triage
        try:
            policies = load_policies(files.policies, run.manifest.params)
            if triage.waivers is not None:
                waivers = read_waivers(triage.waivers, policies, triage.term_days).waivers
        except KeypolicyError:
            pass  # of a release that wrote them otherwise
    known = {one.name: one.digest for one in run.manifest.policies}
    same = [one for one in policies if known.get(one.name) == one.digest]
    return _Sources(
        {one.name: one for one in same},
        {(rule.policy, rule.id): rule for one in same for rule in one.rules},
        {one.id: one for one in waivers},
    )


def _finding(one: KeptFinding) -> Finding:
    return Finding(
        one.rule_id,
        one.policy,
        one.severity,
        one.outcome,
        one.disposition,
        one.message,
        one.resource,
        one.evidence,
        one.fingerprint,
        one.waiver,
        None if one.first_seen is None else in_utc(one.first_seen),
        one.owner if one.owner is not UNSET else None,
        None if one.due is None else in_utc(one.due),
    )


def _table(name: str, one: KeptTable, manifest: Manifest) -> TableSummary:
    seen = manifest.looked.tables.get(name)
    coverage = TableCoverage(one.coverage, one.reason, one.gaps)
    return TableSummary(one.rows, coverage, needed=seen is not None and seen.needed)


def _policies(manifest: Manifest, sources: _Sources) -> list[Policy]:
    return [
        RememberedPolicy(
            name=one.name,
            version=one.version,
            title=known.title if (known := sources.policies.get(one.name)) else "",
            digest=one.digest,
            rules=(),
            location=_NOWHERE,
            kept_terms=one.terms,
        )
        for one in manifest.policies
    ]


def _results(
    rules: Sequence[KeptRule], findings: Sequence[Finding], sources: _Sources
) -> list[RuleResult]:
    tallies: dict[tuple[str, str], Counter[tuple[Outcome, Disposition]]] = {}
    unseen: Counter[tuple[str, str]] = Counter()
    for one in findings:
        key = one.policy, one.rule_id
        tallies.setdefault(key, Counter())[one.outcome, one.disposition] += 1
        unseen[key] += not one.resource.id
    return [
        RuleResult(
            rule=_rule(one, sources.rules.get((one.policy, one.id))),
            passed=one.counts.get(Outcome.PASS, 0),
            not_applicable=one.counts.get(Outcome.NOT_APPLICABLE, 0),
            unseen=unseen[one.policy, one.id],
            tally=dict(tallies.get((one.policy, one.id), {})),
        )
        for one in rules
    ]


def _rule(one: KeptRule, known: Rule | None) -> Rule:
    return Rule(
        id=one.id,
        policy=one.policy,
        title=one.title,
        severity=one.severity,
        resource=one.resource,
        requirement=_NOTHING,
        location=_NOWHERE,
        controls=one.controls,
        rationale=known.rationale if known else "",
        remediation=known.remediation if known else "",
    )


def _waiver(one: KeptWaiver, sources: _Sources, manifest: Manifest) -> WaiverUse:
    known = sources.waivers.get(one.id)
    as_of = manifest.run.as_of
    waiver = known or Waiver(
        id=one.id,
        reason="",
        owner="",
        approved_by="",
        created=as_of.date(),
        expires=one.expires,
        location=_NOWHERE,
    )
    return WaiverUse(
        waiver=waiver,
        state=WaiverState(one.state),
        days_left=waiver.days_left(as_of),
        resources=0,
        findings=one.findings,
        decided=one.findings,
        is_seen_whole=one.unused,
    )


def _organizations(report: KeptReport, findings: Sequence[Finding]) -> Iterator[OrganizationShare]:
    tallies: dict[str | None, Counter[tuple[str, Disposition]]] = {}
    for one in findings:
        of_it = tallies.setdefault(one.resource.organization, Counter())
        of_it[one.rule_id, one.disposition] += 1
    for part in report.summary.organizations:
        slug = part.organization
        tally = tallies.get(slug, Counter())
        yield OrganizationShare(slug, part.projects, part.checks, tally, part.not_seen)


def _owners(report: KeptReport, findings: Sequence[Finding]) -> list[OwnerShare]:
    tallies: dict[str | None, Counter[tuple[str, Disposition]]] = {}
    for one in findings:
        if one.resource.id:
            tallies.setdefault(one.owner, Counter())[one.rule_id, one.disposition] += 1
    return [
        OwnerShare(one.owner, one.contact or "", tallies.get(one.owner, Counter()))
        for one in report.summary.owners
    ]
