"""Counting the keys of each project, where all of them were seen."""

from typing import Final

from scanner.engine.database import Connection
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs

_KEYS: Final = "sentry_key"
_PROJECTS: Final = "sentry_project"
_COUNTS: Final = frozenset({"key_count", "active_key_count"})

_COUNT: Final = """
UPDATE sentry_project AS p SET key_count = c.keys, active_key_count = c.active FROM (
    SELECT q.organization_slug, q.slug, count(k.id) AS keys,
        CASE WHEN count(k.id) = count(k.is_active) THEN count(*) FILTER (k.is_active) END AS active
    FROM sentry_project AS q LEFT JOIN sentry_key AS k ON k.project_slug = q.slug
        AND k.organization_slug IS NOT DISTINCT FROM q.organization_slug
    GROUP BY ALL
) AS c
WHERE c.slug = p.slug AND c.organization_slug IS NOT DISTINCT FROM p.organization_slug
    AND NOT list_contains($organizations, coalesce(p.organization_slug, ''))
    AND NOT list_contains($projects, coalesce(p.organization_slug, '') || '/' || p.slug)
    AND NOT list_contains($projects, coalesce(p.organization_slug, '') || '/' || p.id)
"""


def with_counted(needs: Needs) -> Needs:
    """Return the needs with the keys, where something reads how many there are."""
    if not needs.reads(_PROJECTS, _COUNTS):
        return needs
    keys = needs.columns.get(_KEYS, frozenset()) | {"id", "is_active"}
    return Needs({**needs.columns, _KEYS: keys})


def count_keys(connection: Connection, coverage: TableCoverage | None) -> None:
    """Fill the counts of sentry_project; they stay NULL where keys may be missing.

    `coverage` is that of sentry_key. A key whose project is not known could be of any project of
    its organization, and one whose organization is not known of any at all.
    """
    if coverage is None or coverage.state in {CoverageState.DENIED, CoverageState.ABSENT}:
        return
    if coverage.state is CoverageState.PARTIAL and not coverage.gaps:
        return
    if any(gap.organization is None for gap in coverage.gaps):
        return
    stray = connection.execute(
        "SELECT (SELECT count(*) FROM sentry_key WHERE organization_slug IS NULL) > 0"
        " AND (SELECT count(organization_slug) FROM sentry_project) > 0"
    ).fetchone()
    if stray and stray[0]:
        return
    unplaced = connection.execute(
        "SELECT DISTINCT coalesce(organization_slug, '') FROM sentry_key WHERE project_slug IS NULL"
    ).fetchall()
    organizations = [slug for (slug,) in unplaced]
    organizations += [gap.organization or "" for gap in coverage.gaps if gap.project is None]
    projects = [f"{gap.organization}/{gap.project}" for gap in coverage.gaps if gap.project]
    connection.execute(_COUNT, {"organizations": organizations, "projects": projects})
