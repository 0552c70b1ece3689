"""A rule on a resource, with an outcome other than pass: now, known from before, or to come."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.waiver import Waiver


class Resource(msgspec.Struct, frozen=True):
    """The row that a finding is about. For a gap in the inventory `id` is empty.

    `project` is the slug, `project_id` what fingerprints take for the project: its id, or the
    slug where the source tells none.
    """

    type: str
    id: str
    name: str | None
    organization: str | None
    project: str | None
    url: str | None
    project_id: str | None = None


class Finding(msgspec.Struct, frozen=True):
    """One finding, in the shape that the JSON report writes.

    `evidence` is a JSON object: the columns that the rule read, with their values. `waiver` is
    the id of the waiver that covers the finding or, where it is open, of the one that has lapsed.
    `first_seen` is known only to a baseline or a history, `owner` to a file of owners. `due` is the
    end of the time that is allowed to fix it, where a history tells when that began.
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
    waiver: str | None = None
    first_seen: datetime | None = None
    owner: str | None = None
    due: datetime | None = None


class Identity(NamedTuple):
    """As much of a finding as triage needs to decide about it.

    `project` is what fingerprints take for the project: its id where the source tells one.
    `matched` tells for each of the waivers' predicates that were asked for whether it is TRUE.
    `slug` and `name` are what the project and the resource are called now.
    """

    outcome: Outcome
    organization: str | None
    project: str | None
    id: str
    matched: list[bool]
    slug: str | None = None
    name: str | None = None
    owner: str | None = None


class Place(NamedTuple):
    """Where a row is: its organization, what fingerprints take for its project, and its slug."""

    organization: str | None
    project: str | None
    slug: str | None


def is_same(first: str | None, second: str | None, *, is_one_server: bool) -> bool:
    """Whether what has one id in two organizations is one resource, its place told otherwise.

    An id is of its server: on several of them it may be of two resources. An organization that is
    not told, None, may be any.
    """
    return is_one_server or first == second or first is None or second is None


class KnownFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as a baseline keeps it: its identity, and how bad it was.

    `project_id` is None where the project was known by its slug alone. `type`, `name` and, beside
    an id, `project` are for those who read the file.
    """

    rule: str
    severity: Severity
    outcome: Outcome
    type: str
    organization: str | None
    project: str | None
    project_id: str | None
    id: str
    name: str | None
    fingerprint: str
    first_seen: datetime

    @property
    def place(self) -> Place:
        """Where its resource was."""
        return Place(self.organization, self.project_id or self.project, self.project)


class DueReason(StrEnum):
    """Why a finding comes to be open on its day."""

    BREAKS = "breaks"  # the outcome itself gets worse
    UNCOVERED = "uncovered"  # the outcome was there before, and what tolerated it ends


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that will be open, worse than it is today, and the first day on which it is.

    `day` counts whole days from as-of, `at` is as-of moved by them. `finding` is as the scan of
    that day would tell it. `before` is the outcome at as-of; `was_open` is that of the open finding
    which this one takes the place of, None where there is none.
    """

    day: int
    at: datetime
    reason: DueReason
    finding: Finding
    before: Outcome
    was_open: Outcome | None


class Lapse(msgspec.Struct, frozen=True):
    """A waiver that ends: `day` and `at` are the first without it, `reopens` findings come back."""

    waiver: Waiver
    day: int
    at: datetime
    reopens: int


class Forecast(msgspec.Struct, frozen=True):
    """What falls due in so many `days` from as-of, soonest first and worst first within a day.

    `moving_rules` of the `rules` depend on the time at all.
    """

    as_of: datetime
    days: int
    dues: tuple[Due, ...]
    lapses: tuple[Lapse, ...]
    rules: int
    moving_rules: int

    def within(self, days: int) -> tuple[Due, ...]:
        """Return what falls due in the first so many days."""
        return tuple(one for one in self.dues if one.day <= days)
