"""What triage is asked to tolerate, and what it needs to know of a scan."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from scanner.model.coverage import Gap
from scanner.model.finding import Identity, Place
from scanner.model.inventory import Reach, Scope
from scanner.model.rule import Rule

TERM_DAYS: Final = 365
"""Longest term of a waiver, in days from `created` to `expires`, unless configured otherwise."""

NOTICE_DAYS: Final = 14
"""Days before the end of a waiver from which on it is warned of, unless configured otherwise."""


class TriageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The files that tolerate findings, how strictly they are read, and the one of owners.

    `strict_waivers`: one that covers nothing is an error.
    """

    waivers: Path | None = None
    baseline: Path | None = None
    owners: Path | None = None
    strict_waivers: bool = False
    term_days: int = TERM_DAYS
    notice_days: int = NOTICE_DAYS


class Facts(Protocol):
    """What the engine knows. A waiver's predicate is called by its place in Triage.predicates."""

    def identities(self, rule: Rule, predicates: Sequence[int]) -> Iterable[Identity]:
        """Give the rule's findings on rows; `matched` is in the order of the predicates."""
        ...

    def spread(self, rule: Rule) -> Mapping[tuple[str | None, str | None], int]:
        """Count the rule's findings on rows by the owner and the organization of the row."""
        ...

    def matches(self, predicate: int) -> int:
        """Count the rows for which the predicate is TRUE."""
        ...

    def existing(self, table: str, ids: frozenset[str]) -> Iterable[tuple[str, Place]]:
        """Give the table's rows that have one of the ids: the id, and where the row is."""
        ...

    def places(self, table: str) -> Iterable[Place]:
        """Give the places in which the table has rows, each once."""
        ...


class Sight(msgspec.Struct, frozen=True):
    """What the scan looked at.

    `scope` is what the scan was asked about, `reaches` what its inputs can tell of it, and `gaps`
    what they could not see, by table. On one server, an id is that of one resource.
    """

    scope: Scope
    gaps: Mapping[str, tuple[Gap, ...]]
    reaches: tuple[Reach, ...]
    is_one_server: bool = False

    def is_whole(self, table: str) -> bool:
        """Whether everything that waivers can be about was looked at.

        Choosing organizations does not count: their waivers are what the file is for.
        """
        reaches = self.reaching(table)
        return bool(reaches) and not self.gaps.get(table) and all(map(self._is_whole, reaches))

    def reaching(self, table: str) -> list[Reach]:
        """Return what the inputs that have this table can tell."""
        return [one for one in self.reaches if table in one.tables]

    def _is_whole(self, one: Reach) -> bool:
        if one.is_export:  # `--project` says whose the keys in it are: that leaves nothing out
            return one.scope is not None or not self.scope.projects
        if one.filters or one.scope is None:
            return False
        return not (one.scope.projects or self.scope.projects)
