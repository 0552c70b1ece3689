"""What a message says of a scan: out of a run comes a short, bounded, harmless value.

All text in it that came from elsewhere is cut, without secrets and without control characters;
what a channel's own markup is made of, that channel makes harmless.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import nsmallest
from itertools import groupby, islice
from typing import Final

import msgspec

from scanner.base.errors import FetchError
from scanner.base.text import clean, is_blank
from scanner.catalogue.redact import redact_text
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import GateResult, Run
from scanner.report.parts.subject import name_of, place, shortened, told, web_url

WORST: Final = 5
_MOST_TOLD: Final = 3
"""Reasons, gaps and organizations that are told one by one."""

_LONGEST_READ: Final = 20_000


class ScanChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is different from the time before, which is `since` when `against` is a scan.

    Findings count where they are open, or were. `overdue` are those that became so; `demanded` and
    `released` came and went with a changed policy, `uncovered` are where nobody looked before,
    `lapsed` were waived or in the baseline, and `worse` are those that a diff calls so. `was` is
    the verdict before, and `is_seen_otherwise` whether other parts of the inventory could not be
    seen then.
    """

    against: str
    since: datetime | None = None
    was: GateResult | None = None
    new: int = 0
    reopened: int = 0
    fixed: int = 0
    overdue: int = 0
    demanded: int = 0
    released: int = 0
    uncovered: int = 0
    lapsed: int = 0
    worse: int = 0
    is_seen_otherwise: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many findings changed, by what happened to them."""
        return {
            "new": self.new,
            "reopened": self.reopened,
            "fixed": self.fixed,
            "newly overdue": self.overdue,
            "waived or in the baseline no more": self.lapsed,
            "worse": self.worse,
            "come into view": self.uncovered,
            "come with a changed policy": self.demanded,
            "gone with a changed policy": self.released,
        }

    def is_any(self, now: GateResult) -> bool:
        """Whether anything is different."""
        is_other = self.was is not None and self.was is not now
        return is_other or self.is_seen_otherwise or any(self.counts.values())


class WorstFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One of the findings that a message names."""

    severity: Severity
    outcome: Outcome
    rule: str
    subject: str
    message: str
    first_seen: datetime | None
    due: datetime | None
    is_overdue: bool
    url: str | None


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan came to, as messages tell it.

    `reasons` and `gaps` are the first of them, with the number of all. `overdue` is None where no
    history tells. `changes` is None where there is nothing to compare with. `shows` says whose
    findings are named where not all are. `is_test` marks a message that is about no scan. Where
    there is no `run`, nothing could be seen: the only thing known is why.
    """

    run: str
    as_of: datetime
    result: GateResult
    exit_code: int
    reasons: tuple[str, ...]
    reasons_total: int
    organizations: tuple[str, ...]
    organizations_total: int
    policies: tuple[str, ...]
    open: dict[Severity, int]
    overdue: int | None
    changes: ScanChanges | None
    gaps: tuple[str, ...]
    gaps_total: int
    worst: tuple[WorstFinding, ...]
    shows: str = ""
    link: str | None = None
    is_test: bool = False

    @property
    def open_total(self) -> int:
        """How many findings are open."""
        return sum(self.open.values())


def digest_of(run: Run, changes: ScanChanges | None) -> Digest:
    """Return what is to be told of a run, without a link. Findings are read as far as needed."""
    gaps = list(_gaps(run))
    reasons, organizations = run.verdict.reasons, sorted(run.inventory.organizations)
    progress, moment = run.progress, run.info.as_of
    return Digest(
        run=run.info.id,
        as_of=moment,
        result=run.verdict.result,
        exit_code=run.verdict.exit_code,
        reasons=tuple(bounded(one, 180) for one in reasons[:_MOST_TOLD]),
        reasons_total=len(reasons),
        organizations=tuple(bounded(one, 60) for one in organizations[:_MOST_TOLD]),
        organizations_total=len(organizations),
        policies=tuple(bounded(f"{one.name} {one.version}", 60) for one in run.policies[:10]),
        open=run.open_by_severity(),
        overdue=sum(one.is_overdue(moment) for one in progress.findings) if progress else None,
        changes=changes,
        gaps=tuple(bounded(one, 180) for one in gaps[:_MOST_TOLD]),
        gaps_total=len(gaps),
        worst=tuple(_shown(one, moment) for one in worst(run)),
        shows=bounded(run.narrowing.told, 180) if run.narrowing else "",
    )


def unseen_digest(error: FetchError, as_of: datetime, organizations: Sequence[str]) -> Digest:
    """Return what is to be told of a scan that saw nothing at all."""
    why = f"{error.message}. {error.remedy}".strip()
    return Digest(
        run="",
        as_of=as_of,
        result=GateResult.INCOMPLETE,
        exit_code=error.exit_code,
        reasons=(bounded(why, 400),),
        reasons_total=1,
        organizations=tuple(bounded(one, 60) for one in organizations[:_MOST_TOLD]),
        organizations_total=len(organizations),
        policies=(),
        open={},
        overdue=None,
        changes=None,
        gaps=(),
        gaps_total=0,
        worst=(),
    )


def bounded(text: str, most: int) -> str:
    """Return text from elsewhere on one line, without secrets, of at most so many characters."""
    # Cut first, far beyond what is left: a name may have a million characters.
    return shortened(clean(redact_text(" ".join(text[:_LONGEST_READ].split()))), most)


def worst(run: Run) -> list[Finding]:
    """Return the worst open findings: by severity, then by when they are due, then by age."""
    found: list[Finding] = []
    if run.progress is None:
        # None is older or due sooner: the first are as bad as any.
        return list(islice(_open(run), WORST))
    for _, some in groupby(_open(run), key=lambda one: one.severity):
        found += nsmallest(WORST - len(found), some, key=_urgency)
        if len(found) >= WORST:
            break
    return found


def _open(run: Run) -> Iterator[Finding]:
    for one in run.findings:
        if one.disposition is Disposition.OPEN and one.resource.id:
            yield one


def _urgency(one: Finding) -> tuple[bool, float, bool, float]:
    due, seen = one.due, one.first_seen
    return (
        *(due is None, due.timestamp() if due else 0.0),
        *(seen is None, seen.timestamp() if seen else 0.0),
    )


def _shown(one: Finding, moment: datetime) -> WorstFinding:
    resource = one.resource
    name = resource.name
    called = resource.id if name is None or is_blank(name) else name_of(resource)
    url = web_url(resource)
    return WorstFinding(
        severity=one.severity,
        outcome=one.outcome,
        rule=one.rule_id,
        subject=f"{bounded(place(resource.organization, resource.project), 60)}:"
        f" {bounded(called, 60)}",
        message=bounded(told(one), 160),
        first_seen=one.first_seen,
        due=one.due,
        is_overdue=one.due is not None and one.due < moment,
        url=redact_text(url) if url is not None and len(url) <= 500 else None,  # noqa: PLR2004
    )


def _gaps(run: Run) -> Iterable[str]:
    for name, coverage in run.inventory.incomplete.items():
        if not coverage.gaps:
            yield f"{name}: {coverage.reason}"
        for gap in coverage.gaps:
            yield f"{name} of {place(gap.organization, gap.project)}: {gap.reason}"
