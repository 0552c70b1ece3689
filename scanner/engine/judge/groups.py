"""In come evaluated rules; out comes how their resources fare by organization and by team."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.owners import teams_joined
from scanner.engine.judge.evaluate import ERROR, FAIL, PASS, UNKNOWN, Evaluated
from scanner.model.coverage import Gap
from scanner.model.history import GroupTally
from scanner.model.outcome import Disposition, Outcome
from scanner.model.owner import OrganizationShare
from scanner.model.run import InventorySummary
from scanner.triage.decide import Share


class Groups(NamedTuple):
    """Tallies by slug. A resource counts for each team of its project."""

    organizations: dict[str, GroupTally]
    teams: dict[str, GroupTally]


def groups(
    connection: Connection, evaluated: Sequence[Evaluated], gaps: Mapping[str, Sequence[Gap]]
) -> Groups:
    """Count outcomes of all rules by organization and team; what tells none counts for none.

    A gap is one more that is unknown, of each rule that reads its table, as it is by rule.
    """
    found = _of_rows(connection, evaluated)
    for organization, number in _unseen(evaluated, gaps).items():
        if organization is not None:
            _add(found.organizations, organization, GroupTally(0, 0, number))
    return found


def _of_rows(connection: Connection, evaluated: Sequence[Evaluated]) -> Groups:
    found = Groups({}, {})
    for one in evaluated:
        for organization, teams, *counts in connection.execute(_statement(one)).fetchall():
            tally = GroupTally(*counts)
            if organization is not None:
                _add(found.organizations, organization, tally)
            # Where a project's teams are not told, DuckDB gives a list with NULL in it.
            for team in dict.fromkeys(filter(None, teams or ())):
                _add(found.teams, team, tally)
    return found


def organization_shares(  # noqa: PLR0913, PLR0917 - all that findings are of
    connection: Connection,
    evaluated: Sequence[Evaluated],
    gaps: Mapping[str, Sequence[Gap]],
    shares: Mapping[Share, int],
    inventory: InventorySummary,
    counted: Mapping[str, GroupTally] | None = None,
) -> tuple[OrganizationShare, ...]:
    """Return each organization's part, by slug, and at last that of what tells none, if any.

    Together they are all findings: `gaps`, by table, are one for each rule that reads it. Where
    the scan is about one organization, there are no parts. `counted` are the tallies by slug,
    where the rows are not all here.
    """
    if not inventory.is_fleet:
        return ()
    found = _of_rows(connection, evaluated).organizations if counted is None else counted
    tallies: defaultdict[str | None, Counter[tuple[str, Disposition]]] = defaultdict(Counter)
    for (_, slug, rule, disposition), number in shares.items():
        tallies[slug][rule, disposition] += number
    unseen: Counter[str | None] = Counter(gap.organization for of in gaps.values() for gap in of)
    for one in evaluated:
        for gap in gaps[one.prepared.rule.resource]:
            tallies[gap.organization][one.prepared.rule.id, Disposition.OPEN] += 1
    unknown = _unseen(evaluated, gaps)
    slugs = {*inventory.organizations, *found, *tallies}
    placed: dict[str | None, GroupTally] = {None: _left(evaluated, found.values())}
    placed.update(found.items())
    return tuple(
        OrganizationShare(
            slug,
            inventory.organizations.get(slug or ""),
            placed.get(slug, GroupTally()).plus(GroupTally(0, 0, unknown[slug])),
            tallies[slug],
            unseen[slug],
        )
        for slug in sorted(slugs, key=lambda slug: (slug is None, slug or ""))
    )


def _unseen(
    evaluated: Sequence[Evaluated], gaps: Mapping[str, Sequence[Gap]]
) -> Counter[str | None]:
    """Count the gaps of an organization, each once for every rule that reads its table."""
    return Counter(
        gap.organization for one in evaluated for gap in gaps[one.prepared.rule.resource]
    )


def _left(evaluated: Sequence[Evaluated], tallies: Iterable[GroupTally]) -> GroupTally:
    """Return what the rules came to on rows that are in none of the tallies."""
    counts: Counter[Outcome] = Counter()
    for one in evaluated:
        counts.update(one.counts)
    for tally in tallies:
        counts[Outcome.PASS] -= tally.passed
        counts[Outcome.FAIL] -= tally.failed
        counts[Outcome.UNKNOWN] -= tally.unknown
    unknown = counts[Outcome.UNKNOWN] + counts[Outcome.ERROR]
    return GroupTally(counts[Outcome.PASS], counts[Outcome.FAIL], unknown)


def _add(tallies: dict[str, GroupTally], name: str, tally: GroupTally) -> None:
    tallies[name] = tallies.get(name, GroupTally()).plus(tally)


def _statement(one: Evaluated) -> str:
    resource = one.prepared.rule.resource
    joined = teams_joined(resource)
    teams = "w.teams" if joined else "NULL"
    codes = (str(PASS), str(FAIL), f"{UNKNOWN}, {ERROR}")
    counts = ", ".join(f"count(*) FILTER (v.{one.column} IN ({code}))" for code in codes)
    return (
        f"SELECT t.{TABLES[resource].organization}, {teams}, {counts} FROM {one.verdicts} AS v"
        f' JOIN "{resource}" AS t ON t.rowid = v.number{joined} GROUP BY ALL ORDER BY ALL'
    )
