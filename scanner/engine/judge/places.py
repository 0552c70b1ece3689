"""Where a table may lack rows: beside which rows others may be missing or stand elsewhere.

A row's place is what it says of its organization and project. Rows are missing from a place with
a gap; they stand elsewhere where one project goes by several labels, and a row without a project
could be of any. This is told by place, not by row: there are few places.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from scanner.catalogue import OWN, TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.load import Loaded
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Reach, Scope

LACKS_PROJECT, LACKS_SLUG, LACKS_ORGANIZATION, IDS, SLUGS, ORGANIZATIONS = (
    1 << bit for bit in range(6)
)
"""What may be wrong with the rows beside a row, as bits: rows of its project, of its slug in any
organization, or of its organization may be missing; its project goes by several ids, slugs or
organizations."""

BITS: Final = "_lacks"
"""Column of the bits, in the tables that rules with windows read."""

WHY: Final = "_lacks_why"
"""Column of the reason: what may be missing, as part of a sentence."""

NO_PLACE: Final = "it does not tell its organization or project"

Label = tuple[str | None, int | None, str | None]
"""What a row says of its place: organization, the project's id, its slug."""

Group = tuple[str | None, int | str] | None
"""A project as far as labels tell it, None where they do not."""


class Unseen(msgspec.Struct, frozen=True):
    """What tables may lack: their gaps, and whether the scan is about some projects only."""

    gaps: Mapping[str, tuple[Gap, ...]]
    is_narrowed: bool = False


def unseen_of(loaded: Loaded) -> Unseen:
    """Return what the loaded tables may lack."""
    return lacks(loaded.coverage, loaded.reaches, loaded.scope)


def lacks(covered: Mapping[str, TableCoverage], reaches: Iterable[Reach], scope: Scope) -> Unseen:
    """Return what tables may lack; an inventory of some projects is as narrow as a scan."""
    scopes = (scope, *(one.scope for one in reaches if one.scope is not None))
    return Unseen(
        {name: _gaps(coverage) for name, coverage in covered.items()},
        is_narrowed=any(one.projects for one in scopes),
    )


def _gaps(coverage: TableCoverage) -> tuple[Gap, ...]:
    """Return what was not seen; a table that lacks as a whole is one gap."""
    if coverage.state is CoverageState.COMPLETE:
        return ()
    # One gap a place: a finding's fingerprint does not tell two reasons apart.
    places = {(gap.organization, gap.project): gap for gap in reversed(coverage.gaps)}
    return tuple(reversed(places.values())) or (Gap(coverage.reason),)


def has_projects(table: str) -> bool:
    """Whether rows of the table say of which project they are."""
    return "project_id" in TABLES[table].columns


def mark(connection: Connection, table: str, gaps: Sequence[Gap]) -> bool:
    """Note beside each row, in BITS and WHY, what may be missing; return whether anything may."""
    connection.execute(f'ALTER TABLE "{table}" ADD COLUMN IF NOT EXISTS {BITS} TINYINT DEFAULT 0')
    connection.execute(f'ALTER TABLE "{table}" ADD COLUMN IF NOT EXISTS {WHY} VARCHAR')
    labels = connection.execute(_labels(table)).fetchall()
    found = _Marker(labels, gaps, _listed(connection, OWN[table].projects)).marks()
    rows = [(*label, bits, why) for label, (bits, why) in found.items() if bits]
    organizations, ids, slugs, bits, reasons = zip(*rows, strict=True) if rows else ((),) * 5
    connection.execute(
        f'UPDATE "{table}" AS t SET {BITS} = f.bits, {WHY} = f.why FROM (SELECT'
        " unnest(CAST($organizations AS VARCHAR[])) AS organization,"
        " unnest(CAST($ids AS BIGINT[])) AS id, unnest(CAST($slugs AS VARCHAR[])) AS slug,"
        " unnest(CAST($bits AS TINYINT[])) AS bits, unnest(CAST($why AS VARCHAR[])) AS why) AS f"
        f" WHERE t.{TABLES[table].organization} IS NOT DISTINCT FROM f.organization"
        + (
            " AND t.project_id IS NOT DISTINCT FROM f.id"
            " AND t.project_slug IS NOT DISTINCT FROM f.slug"
            if has_projects(table)
            else ""
        ),
        {
            "organizations": list(organizations),
            "ids": list(ids),
            "slugs": list(slugs),
            "bits": list(bits),
            "why": list(reasons),
        },
    )
    return bool(rows)


def _labels(table: str) -> str:
    project = "project_id AS id, project_slug AS slug" if has_projects(table) else "NULL, NULL"
    return f'SELECT DISTINCT {TABLES[table].organization} AS organization, {project} FROM "{table}"'


def sound(connection: Connection, table: str) -> int | None:
    """Return how many places there are if every row tells its own, and each has one label.

    Else None. Where rows tell a project, its id alone tells the place then. Cheap, and nearly all
    tables are so.
    """
    if not has_projects(table):
        sql = f"SELECT count(*), count(organization) FROM ({_labels(table)})"
        places, told = connection.execute(sql).fetchall()[0]
        return places if told in {0, places} else None
    places, told, ids, different, slugs, pairs = connection.execute(
        "SELECT count(*), count(organization), count(id), count(DISTINCT id), count(slug),"
        " count(DISTINCT (organization, slug)) FILTER (slug IS NOT NULL)"
        f" FROM ({_labels(table)})"
    ).fetchall()[0]
    is_one = places == ids == different and (slugs == 0 or places == slugs == pairs)
    return places if told in {0, places} and is_one else None


def _listed(connection: Connection, projects: str | None) -> dict[tuple[str | None, str], int]:
    """Return the ids of the projects in the project list, by organization and slug."""
    if projects is None:
        return {}
    found = connection.execute(
        f'SELECT organization_slug, slug, TRY_CAST(id AS BIGINT) FROM "{projects}"'
        " WHERE slug IS NOT NULL AND TRY_CAST(id AS BIGINT) IS NOT NULL"
    )
    return {(organization, slug): number for organization, slug, number in found.fetchall()}


class _Marker:
    """Decides for each label what may be missing beside its rows."""

    def __init__(
        self,
        labels: Sequence[Label],
        gaps: Sequence[Gap],
        listed: Mapping[tuple[str | None, str], int],
    ) -> None:
        self._all_nameless = all(organization is None for organization, _, _ in labels)
        self._some_nameless = any(organization is None for organization, _, _ in labels)
        self._gaps = gaps
        self._by_project: dict[str | None, list[Gap]] = {}
        for gap in gaps:
            self._by_project.setdefault(gap.project, []).append(gap)
        self._organizations: dict[int, set[str]] = {}
        for organization, number, _ in labels:
            if number is not None and organization is not None:
                self._organizations.setdefault(number, set()).add(organization)
        self._ids: dict[tuple[str | None, str], set[int]] = {}
        self._slugs: dict[tuple[str | None, int], set[str]] = {}
        told = [(o, slug, n) for o, n, slug in labels if n is not None and slug is not None]
        for organization, slug, number in (*told, *((o, s, n) for (o, s), n in listed.items())):
            self._ids.setdefault((organization, slug), set()).add(number)
            self._slugs.setdefault((organization, number), set()).add(slug)
        self._groups: dict[Group, list[Label]] = {}
        for label in labels:
            self._groups.setdefault(self._group(label), []).append(label)
        self._unplaced = {organization for organization, _, _ in self._groups.get(None, ())}
        self._only_ids = self._lacking(2)
        self._only_slugs = self._lacking(1)
        names = {name for label in labels for name in (str(label[1]), label[2])}
        names |= {slug for slugs in self._slugs.values() for slug in slugs}
        self._strangers = [gap for gap in gaps if gap.project and gap.project not in names]

    def marks(self) -> dict[Label, tuple[int, str]]:
        """Return the bits and the reason for each label."""
        missing = {
            label: self._of_project(group, mine, label)
            for group, mine in self._groups.items()
            for label in mine
        }
        slugs = {label[2]: why for label, why in missing.items() if why}
        made: dict[Label, tuple[int, str]] = {}
        for group, mine in self._groups.items():
            several = _several(mine) if group else 0
            for label in mine:
                reasons = (
                    (LACKS_PROJECT, missing[label]),
                    (LACKS_SLUG, slugs.get(label[2], "") or self._of_slug(label)),
                    (LACKS_ORGANIZATION, self._of_organization(label)),
                )
                bits = several | sum(bit for bit, why in reasons if why)
                whys = [missing[label], _LABELS if several else "", *(why for _, why in reasons)]
                made[label] = bits, next(filter(None, whys), "")
        return made

    def _group(self, label: Label) -> Group:
        organization, number, slug = label
        if number is not None:
            if organization is None and (known := self._organizations.get(number)):
                return (next(iter(known)), number) if len(known) == 1 else None
            return organization, number
        if slug is None or (organization is None and not self._all_nameless):
            return None
        ids = self._ids.get((organization, slug), set())
        if len(ids) == 1:
            return organization, next(iter(ids))
        return None if ids else (organization, slug)

    def _lacking(self, part: int) -> set[str | None]:
        """Return the organizations with a project no label of which has this part."""
        return {
            mine[0][0]
            for group, mine in self._groups.items()
            if group and all(label[part] is None for label in mine)
        }

    def _of_project(self, group: Group, mine: Sequence[Label], label: Label) -> str:
        """Say why rows of the label's project may be missing, or stand under another label."""
        organization = label[0]
        if group is None:
            return NO_PLACE
        if _among(organization, self._unplaced):
            return "rows that do not tell their project may be of this one"
        ids = {number for _, number, _ in mine if number is not None}
        slugs = {slug for _, _, slug in mine if slug is not None}
        known = slugs.union(*(self._slugs.get((group[0], number), ()) for number in ids))
        gaps = [
            gap
            for name in (None, *sorted(known), *map(str, sorted(ids)))
            for gap in self._by_project.get(name, ())
        ]
        gaps += [] if known else self._strangers
        if why := _reason(gap for gap in gaps if _same(organization, gap.organization)):
            return why
        apart = (not known and _among(organization, self._only_slugs)) or (
            not ids and _among(organization, self._only_ids)
        )
        # No organization has two projects of one slug: one was made anew, or an id is wrong.
        apart |= group[0] is not None and any(
            len(self._ids.get((group[0], slug), ())) > 1 for slug in known
        )
        return _LABELS if apart else ""

    def _of_slug(self, label: Label) -> str:
        if self._unplaced:
            return "rows that do not tell their project may be of this one"
        return _reason(gap for name in (None, label[2]) for gap in self._by_project.get(name, ()))

    def _of_organization(self, label: Label) -> str:
        if why := _reason(gap for gap in self._gaps if _same(label[0], gap.organization)):
            return why
        if self._some_nameless and label[0] is not None:
            return "rows that do not tell their organization may be of this one"
        return ""


_LABELS: Final = "rows of its project go by several names, or may"


def _several(labels: Sequence[Label]) -> int:
    """Return the bits of the parts in which the labels of one project differ."""
    organizations, ids, slugs = (set(parts) for parts in zip(*labels, strict=True))
    found = ((ORGANIZATIONS, organizations), (IDS, ids), (SLUGS, slugs))
    return sum(bit for bit, values in found if len(values) > 1)


def _same(one: str | None, other: str | None) -> bool:
    """Whether two organizations may be the same: None is one that is not told."""
    return one is None or other is None or one == other


def _among(organization: str | None, others: set[str | None]) -> bool:
    return bool(others) and (organization is None or bool({organization, None} & others))


def _reason(gaps: Iterable[Gap]) -> str:
    return next((gap.reason or "not all of it was seen" for gap in gaps), "")
