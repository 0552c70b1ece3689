"""Which findings of a baseline are fixed: seen and passing, or gone from where all was seen."""

from collections.abc import Iterable, Mapping
from typing import Final

from scanner.catalogue import TABLES
from scanner.model.finding import KnownFinding, Place
from scanner.model.inventory import Reach
from scanner.triage.decide import DecisionLog
from scanner.triage.interface import Facts, Sight

_ELSEWHERE: Final = tuple(name for name, table in TABLES.items() if table.place)
"""The tables that tell of projects and organizations in which a table has no row."""


def fixed(
    known: Iterable[KnownFinding],
    tables: Mapping[str, str],
    facts: Facts,
    sight: Sight,
    ledger: DecisionLog,
) -> tuple[KnownFinding, ...]:
    """Return what the baseline has and the scan, which looked there, has not.

    `tables` maps the rules that were run to what they read. A finding that is there under another
    fingerprint, since its place is told otherwise or not at all, is not fixed.
    """
    missing = [one for one in known if one.rule in tables and one.fingerprint not in ledger.seen]
    views: dict[str, _View] = {}
    for table in dict.fromkeys(tables[one.rule] for one in missing):
        ids = frozenset(one.id for one in missing if tables[one.rule] == table)
        views[table] = _View(table, facts, sight, ids)
    return tuple(
        one
        for one in missing
        if not ledger.is_displaced(one, is_one_server=sight.is_one_server)
        and views[tables[one.rule]].is_gone(one)
    )


class _View:
    """What was seen of one table; `ids` are the resources that will be asked about."""

    def __init__(self, table: str, facts: Facts, sight: Sight, ids: frozenset[str]) -> None:
        self._scope = sight.scope
        self._gaps = sight.gaps.get(table)
        self._reaches = sight.reaching(table)
        own, elsewhere = facts.places(table), [p for t in _ELSEWHERE for p in facts.places(t)]
        self._filled = {place[:2] for place in own}
        self._listed = self._filled | {place[:2] for place in elsewhere}
        self._organizations = {place.organization for place in (*own, *elsewhere)}
        self._slugs: dict[tuple[str | None, str | None], set[str | None]] = {}
        for place in (*own, *elsewhere):
            self._slugs.setdefault(place[:2], set()).add(place.slug)
        self._rows: dict[str, list[Place]] = {}
        for key, place in facts.existing(table, ids):
            self._rows.setdefault(key, []).append(place)

    def is_gone(self, known: KnownFinding) -> bool:
        """Whether a finding that the scan has not is none any more."""
        return self._covers(known.place) and not any(
            _is_vague(row, known.place) for row in self._rows.get(known.id, ())
        )

    def _covers(self, place: Place) -> bool:
        """Whether this place was seen completely: what is not there is gone."""
        # A project may have been renamed since: its id tells what it is called now.
        slugs = {place.slug, *self._slugs.get(place[:2], ())}
        if self._gaps is None or any(
            gap.organization is None
            or place.organization is None
            or (gap.organization == place.organization and gap.project in {None, *slugs})
            for gap in self._gaps
        ):
            return False
        return any(self._reaches_to(one, place, slugs) for one in self._reaches)

    def _reaches_to(self, one: Reach, place: Place, slugs: set[str | None]) -> bool:
        if one.filters:
            return False
        if one.is_export or one.scope is None:
            # What was looked at is not told; but where it has rows, it has those of the project.
            return place[:2] in self._filled
        for scope in (one.scope, self._scope):
            if scope.organizations and place.organization not in scope.organizations:
                return False
            if scope.projects and (
                place[:2] not in self._listed or slugs.isdisjoint(scope.projects)
            ):
                return False
        # A credential that does not see an organization sees none of its findings.
        return place.organization in self._organizations


def _is_vague(row: Place, known: Place) -> bool:
    """Whether a row does not tell its place where the baseline does: it may be the same finding."""
    return (row.organization is None and known.organization is not None) or (
        row.project is None and known.project is not None
    )
