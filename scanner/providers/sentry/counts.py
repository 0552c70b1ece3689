"""Counting keys and projects, where all of them were seen."""

from collections.abc import Collection, Mapping
from typing import Final

from scanner.engine.database import Connection
from scanner.model.coverage import CoverageState, Gap, TableCoverage

_KEYS: Final = "sentry_key"
_PROJECTS: Final = "sentry_project"
_ORGANIZATIONS: Final = "sentry_organization"

_KEYS_OF: Final = """
    SELECT {place}, count(k.id) AS keys,
        CASE WHEN count(k.id) = count(k.is_active) THEN count(*) FILTER (k.is_active) END AS active
    FROM {table} AS q LEFT JOIN sentry_key AS k
        ON k.organization_slug IS NOT DISTINCT FROM {organization}{same_project}
    GROUP BY ALL
"""

_OF_PROJECTS: Final = f"""
UPDATE sentry_project AS p SET key_count = c.keys, active_key_count = c.active FROM ({
    _KEYS_OF.format(
        place="q.organization_slug, q.slug",
        table=_PROJECTS,
        organization="q.organization_slug",
        same_project=" AND k.project_slug = q.slug",
    )
}) AS c
WHERE c.slug = p.slug AND c.organization_slug IS NOT DISTINCT FROM p.organization_slug
    AND NOT list_contains($organizations, coalesce(p.organization_slug, ''))
    AND NOT list_contains($projects, coalesce(p.organization_slug, '') || '/' || p.slug)
    AND NOT list_contains($projects, coalesce(p.organization_slug, '') || '/' || p.id)
"""

_OF_ORGANIZATIONS: Final = f"""
UPDATE sentry_organization AS o SET key_count = c.keys, active_key_count = c.active FROM ({
    _KEYS_OF.format(place="q.slug", table=_ORGANIZATIONS, organization="q.slug", same_project="")
}) AS c
WHERE c.slug = o.slug AND NOT list_contains($organizations, o.slug)
"""

_PROJECTS_OF_ORGANIZATIONS: Final = """
UPDATE sentry_organization AS o SET project_count =
    (SELECT count(*) FROM sentry_project AS p WHERE p.organization_slug = o.slug)
WHERE NOT list_contains($organizations, o.slug)
"""


def count(
    connection: Connection,
    filled: Collection[str],
    coverage: Mapping[str, TableCoverage],
    *,
    counted: Collection[str],
    is_narrowed: bool,
) -> None:
    """Fill the columns that are counted, once the tables in `filled` have their rows.

    `counted` are the tables that have such columns, as something reads them. `is_narrowed`: the
    rows of an organization are those of some projects only, or filtered.
    """
    if _PROJECTS not in filled:
        return
    keys, projects = coverage.get(_KEYS), coverage.get(_PROJECTS)
    if _PROJECTS in counted:
        count_keys(connection, keys)
    if _ORGANIZATIONS in counted and not is_narrowed:
        count_all(connection, keys, projects)


def count_keys(connection: Connection, coverage: TableCoverage | None) -> None:
    """Fill the counts of sentry_project; they stay NULL where keys may be missing.

    `coverage` is that of sentry_key. A key whose project is not known could be of any project of
    its organization, and one whose organization is not known of any at all.
    """
    gaps = _gaps(coverage)
    if gaps is None or _strays(connection, _KEYS, _PROJECTS):
        return
    unplaced = connection.execute(
        "SELECT DISTINCT coalesce(organization_slug, '') FROM sentry_key WHERE project_slug IS NULL"
    ).fetchall()
    organizations = [slug for (slug,) in unplaced]
    organizations += [gap.organization or "" for gap in gaps if gap.project is None]
    projects = [f"{gap.organization}/{gap.project}" for gap in gaps if gap.project]
    connection.execute(_OF_PROJECTS, {"organizations": organizations, "projects": projects})


def count_all(
    connection: Connection, keys: TableCoverage | None, projects: TableCoverage | None
) -> None:
    """Fill the counts of sentry_organization; NULL where projects or keys may be missing.

    For a scan that is not about some projects only; see `count_keys`.
    """
    listed, gaps = _gaps(projects), _gaps(keys)
    if listed is None or _strays(connection, _PROJECTS, _ORGANIZATIONS):
        return
    unlisted = [gap.organization for gap in listed]
    connection.execute(_PROJECTS_OF_ORGANIZATIONS, {"organizations": unlisted})
    if gaps is None or _strays(connection, _KEYS, _ORGANIZATIONS):
        return
    unseen = unlisted + [gap.organization for gap in gaps]
    connection.execute(_OF_ORGANIZATIONS, {"organizations": unseen})


def _gaps(coverage: TableCoverage | None) -> tuple[Gap, ...] | None:
    """Return what is missing of a table; None where that may be anything."""
    if coverage is None or coverage.state in {CoverageState.DENIED, CoverageState.ABSENT}:
        return None
    if coverage.state is CoverageState.PARTIAL and not coverage.gaps:
        return None
    if any(gap.organization is None for gap in coverage.gaps):
        return None
    return coverage.gaps


def _strays(connection: Connection, table: str, places: str) -> bool:
    """Whether rows may be of any organization that the places tell: they do not tell theirs."""
    organization = "slug" if places == _ORGANIZATIONS else "organization_slug"
    found = connection.execute(
        f"SELECT (SELECT count(*) FROM {table} WHERE organization_slug IS NULL) > 0"
        f" AND (SELECT count({organization}) FROM {places}) > 0"
    ).fetchone()
    return bool(found and found[0])
