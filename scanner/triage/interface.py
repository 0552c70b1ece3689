"""What triage needs to know of a scan; the pipeline hands it in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from scanner.model.coverage import Gap
from scanner.model.finding import Identity
from scanner.model.inventory import Scope
from scanner.model.rule import Rule


class Facts(Protocol):
    """What the engine knows. A waiver's predicate is called by its place in Triage.predicates."""

    def identities(self, rule: Rule, predicates: Sequence[int]) -> Iterable[Identity]:
        """Give the rule's findings on rows; `matched` is in the order of the predicates."""
        ...

    def matches(self, predicate: int) -> int:
        """Count the rows for which the predicate is TRUE."""
        ...

    def existing(self, table: str, ids: frozenset[str]) -> frozenset[str]:
        """Return those of the ids that the table has."""
        ...


class Sight(msgspec.Struct, frozen=True):
    """What the scan looked at: the scope it was given, and what it could not see, by table.

    For `is_filtered` and `is_narrowed` see TriageRequest.
    """

    scope: Scope
    gaps: Mapping[str, tuple[Gap, ...]]
    is_filtered: bool = False
    is_narrowed: bool = False

    def is_whole(self, table: str) -> bool:
        """Whether everything that waivers can be about was looked at.

        Choosing organizations does not count: their waivers are what the file is for.
        """
        return not (self.is_filtered or self.is_narrowed or self.gaps.get(table))

    def covers(self, table: str, organization: str | None, project: str | None) -> bool:
        """Whether this part of the table was looked at: what is not there is gone."""
        if self.is_filtered or table not in self.gaps:
            return False
        wanted = ((self.scope.organizations, organization), (self.scope.projects, project))
        if any(slugs and slug not in slugs for slugs, slug in wanted):
            return False
        return not any(
            gap.organization is None
            or (gap.organization == organization and gap.project in {None, project})
            for gap in self.gaps[table]
        )
