"""What a history knows of findings and of runs: values that reports, too, can be made of."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from scanner.model.finding import KnownFinding
from scanner.model.outcome import Disposition, Outcome, Severity

Number = Annotated[int, msgspec.Meta(ge=0)]

MARKER: Final = "keypolicy-history.json"
"""The file that makes a folder a history."""

MANIFEST: Final = "manifest.json"
"""The file of a kept run that tells what belongs to it, with digests."""

Sla = Mapping[Severity, timedelta]
"""The time that is allowed to fix a finding, from when it was opened on."""


class Fate(StrEnum):
    """What became of a finding from one run to the next of the same line."""

    NEW = "new"
    REOPENED = "reopened"  # it was fixed, and is there again
    STILL = "still"
    DEMANDED = "demanded"  # it came with a rule that is new or demands something else
    FIXED = "fixed"
    RELEASED = "released"  # it went with a rule that is gone or demands something else
    UNSEEN = "unseen"  # the run did not look there: nothing is known
    GONE = "gone"  # fixed or released by an earlier run, and remembered for a while

    @property
    def is_present(self) -> bool:
        """Whether the run found it."""
        return self in _PRESENT


_PRESENT: Final = frozenset({Fate.NEW, Fate.REOPENED, Fate.STILL, Fate.DEMANDED})


class TrackedFinding(KnownFinding, frozen=True, kw_only=True, gc=False):
    """A finding as a history carries it from run to run.

    `opened` is when it was found for the first time since it was last fixed, `first_seen` ever.
    `last_seen` is the latest run that found it, `fixed_at` the one that last found it fixed.
    `reopened` counts how often it came back. `is_removed`: it was fixed since its resource is there
    no more, and no other ever has its id. `due` is the end of the time allowed to fix it.
    """

    fate: Fate
    opened: datetime
    last_seen: datetime
    disposition: Disposition = Disposition.OPEN
    waiver: str | None = None
    owner: str | None = None
    fixed_at: datetime | None = None
    reopened: int = 0
    is_removed: bool = False
    due: datetime | None = None

    def is_overdue(self, moment: datetime) -> bool:
        """Whether it is open and its time is over; what has no `due` has none to lose."""
        return self.fate.is_present and self.is_late(moment)

    def is_late(self, moment: datetime) -> bool:
        """Whether it is overdue as far as anybody knows: where nobody looked, it is still open."""
        is_known = self.fate.is_present or self.fate is Fate.UNSEEN
        is_open = is_known and self.disposition is Disposition.OPEN
        return is_open and self.due is not None and self.due < moment

    @property
    def days_to_fix(self) -> float | None:
        """Days from when it was opened to when it was found fixed; None where it is not."""
        if self.fate not in {Fate.FIXED, Fate.GONE} or self.fixed_at is None:
            return None
        return (self.fixed_at - self.opened) / timedelta(days=1)


def unseen_by_severity(
    findings: Iterable[TrackedFinding], rules: Collection[str], overdue: datetime | None = None
) -> dict[Severity, int]:
    """Count what was open when somebody last looked, of these rules: those that were run.

    With `overdue`, only that of which the time is over by then, if it is still open.
    """
    counts = Counter(
        one.severity
        for one in findings
        if one.fate is Fate.UNSEEN
        and one.disposition is Disposition.OPEN
        and one.rule in rules
        and (overdue is None or one.is_late(overdue))
    )
    return {severity: counts[severity] for severity in Severity if counts[severity]}


class RunName(msgspec.Struct, frozen=True):
    """Which run is meant: its id, the folder that it lies in, and its time."""

    id: str
    folder: str
    as_of: datetime


Late = frozenset[tuple[str, str]]
"""Rules and ids of resources: a finding that moves with its key was late before."""


def late_by(findings: Iterable[TrackedFinding], moment: datetime) -> Late:
    """Return what is overdue by then as far as anybody knows."""
    return frozenset((one.rule, one.id) for one in findings if one.is_late(moment))


class HistoryProgress(msgspec.Struct, frozen=True):
    """What a scan came to since the run before it in its history; None before the first one.

    `findings` are all that the line knows, those that are gone included. `late` are what was
    overdue by the run before, None where nobody can tell any more.
    """

    before: RunName | None
    findings: tuple[TrackedFinding, ...]
    late: Late | None = None

    def overdue(self, moment: datetime) -> dict[str, Counter[Outcome]]:
        """Count by rule what no time is left for by then; where none is allowed there is none."""
        counts: dict[str, Counter[Outcome]] = {}
        for one in self.findings:
            is_open = one.fate.is_present and one.disposition is Disposition.OPEN
            if is_open and (one.due is None or one.is_overdue(moment)):
                counts.setdefault(one.rule, Counter())[one.outcome] += 1
        return counts

    def unseen(self, rules: Collection[str]) -> dict[Severity, int]:
        """Count what was open when somebody last looked, of these rules."""
        return unseen_by_severity(self.findings, rules)


class GroupTally(msgspec.Struct, frozen=True):
    """How many pairs of a rule and a resource of a group passed, failed or could not be told."""

    passed: Number = 0
    failed: Number = 0
    unknown: Number = 0

    @property
    def rate(self) -> float | None:
        """The part that passed, from 0 to 1; None where no rule was about anything there."""
        judged = self.passed + self.failed + self.unknown
        return self.passed / judged if judged else None

    def plus(self, other: "GroupTally") -> "GroupTally":
        """Return the sum of the two."""
        return GroupTally(
            self.passed + other.passed, self.failed + other.failed, self.unknown + other.unknown
        )


ControlTallies = Mapping[str, Mapping[str, GroupTally]]
"""What passed of the checks that support a requirement, by framework and requirement."""


def by_control(rules: Iterable[tuple[Mapping[str, Sequence[str]], GroupTally]]) -> ControlTallies:
    """Add up the tallies of rules by the controls that each supports."""
    found: dict[str, dict[str, GroupTally]] = {}
    for controls, tally in rules:
        for framework, requirements in controls.items():
            of_framework = found.setdefault(framework, {})
            for one in dict.fromkeys(requirements):
                of_framework[one] = of_framework.get(one, GroupTally()).plus(tally)
    return found
