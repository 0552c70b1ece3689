"""A rule on a resource, with an outcome other than pass."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from scanner.model.outcome import Disposition, Outcome, Severity


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
