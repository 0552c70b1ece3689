"""What a scan was asked about, held against what was loaded: all that is not seen is a gap."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.hints import closest
from scanner.base.text import plural
from scanner.catalogue import NOWHERE, OWN, TABLES
from scanner.engine.database import Connection
from scanner.inventory.rows.facts import FILE
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import RawInput, Reach, Scope

SlugPair = tuple[str | None, str | None]
"""Slugs of an organization and of a project, None where they are not told."""

_MOST_NAMED: Final = 5


def narrow(connection: Connection, scope: Scope, filled: Sequence[str]) -> dict[str, list[Gap]]:
    """Leave only what the scan was asked about, and return by table what cannot be told.

    A row that does not tell its place stays: it may be one that was asked for.
    """
    gaps: dict[str, list[Gap]] = {}
    for name in filled:
        table = TABLES[name]
        asked = (
            ("organization", table.organization, scope.organizations),
            ("project", table.project, scope.projects),
        )
        for what, column, slugs in asked:
            if not slugs or column == NOWHERE or table.global_:
                continue
            connection.execute(
                f'DELETE FROM "{name}" WHERE NOT list_contains($slugs, {column})',
                {"slugs": list(slugs)},
            )
            unplaced = connection.execute(
                f'SELECT {table.organization}, count(*) FROM "{name}" WHERE {column} IS NULL'
                " GROUP BY ALL ORDER BY ALL"
            )
            gaps.setdefault(name, []).extend(
                Gap(_unplaced(table.title, what, number), organization)
                for organization, number in unplaced.fetchall()
            )
    return gaps


def with_slugs(connection: Connection, scope: Scope, filled: Iterable[str]) -> Scope:
    """Return the scope with slugs in place of numbers that are ids of organizations or projects.

    A number that is a slug is one. What no list of them tells stays as it is, and is not seen.
    """
    return Scope(
        _slugs(connection, "organization", scope.organizations, filled),
        _slugs(connection, "project", scope.projects, filled),
    )


def _slugs(
    connection: Connection, what: str, names: tuple[str, ...], filled: Iterable[str]
) -> tuple[str, ...]:
    known: dict[str, list[str]] = {}
    for name in filled if any(map(str.isdecimal, names)) else ():
        table = TABLES[name]
        if table.place == what:
            column = table.organization if what == "organization" else table.project
            found = connection.execute(
                f'SELECT id, {column} FROM "{name}" WHERE list_contains($names, id)'
                f' AND id NOT IN (SELECT {column} FROM "{name}" WHERE {column} IS NOT NULL)'
                f" AND {column} IS NOT NULL GROUP BY ALL ORDER BY ALL",
                {"names": [one for one in names if one.isdecimal()]},
            )
            for number, slug in found.fetchall():
                known.setdefault(number, []).append(slug)
    return tuple(dict.fromkeys(slug for name in names for slug in known.get(name, [name])))


def is_narrowed(scope: Scope, reaches: Iterable[Reach]) -> bool:
    """Whether the rows of an organization are those of some projects only, or filtered."""
    known = [reach for reach in reaches if not reach.is_export]
    scopes = [scope, *(reach.scope for reach in known if reach.scope)]
    return any(one.projects for one in scopes) or any(reach.filters for reach in known)


def check_project_option(connection: Connection, inputs: Iterable[RawInput]) -> None:
    """Refuse one project's name for keys of several, and an id that is not theirs."""
    for raw in inputs:
        table = TABLES.get(raw.kind or "")
        if raw.project is None or table is None or "project_id" not in table.columns:
            continue
        count, number = connection.execute(
            f'SELECT count(DISTINCT project_id), CAST(min(project_id) AS VARCHAR) FROM "{raw.kind}"'
            f" WHERE {table.project} = $project"
            f" AND {table.organization} IS NOT DISTINCT FROM $org",
            {"project": raw.project, "org": raw.organization},
        ).fetchone() or (0, None)
        if count > 1 or (raw.project.isdecimal() and number not in {None, raw.project}):
            of = plural(count, "project") if count > 1 else f"the project with the id {number}"
            raise UsageError(
                f"holds keys of {of}, but --project names only {raw.project!r}",
                where=raw.label,
                remedy="Leave --project out, or add the project list of the organization"
                " with a further --inventory, so that each key finds its project.",
            )


def row_count(connection: Connection, name: str) -> int:
    """Return how many rows a table has."""
    found = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    return int(found[0]) if found else 0


def places(
    connection: Connection, filled: Iterable[str], *, projects: bool = True
) -> set[SlugPair]:
    """Return every place that a row of any table tells, or only organizations: these are few."""
    parts = [
        f"SELECT {TABLES[name].organization} AS organization,"
        f' {TABLES[name].project if projects else NOWHERE} AS project FROM "{name}"'
        for name in filled
        if not TABLES[name].global_
    ]
    if not parts:
        return set()
    return set(
        connection.execute(f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)})").fetchall()
    )


def unseen(scope: Scope, seen: Collection[SlugPair]) -> list[Gap]:
    """Return a gap for each organization and project that was asked for and is not there.

    A project that is in one of several organizations is there.
    """
    wanted = dict.fromkeys(scope.organizations)
    inside = [place for place in seen if not wanted or place[0] is None or place[0] in wanted]
    organizations = {organization for organization, _ in seen if organization}
    projects = {project for _, project in inside if project}
    lost = [slug for slug in dict.fromkeys(scope.projects) if slug not in projects]
    return [
        *(
            Gap(_not_there("organization", slug, organizations), slug)
            for slug in wanted
            if slug not in organizations
        ),
        *(Gap(_not_there("project", slug, projects), None, slug) for slug in lost),
    ]


def full_page(raw: RawInput, name: str, rows: int, table: str) -> Gap:
    """Return what `table` may lack as an export of the table `name` is exactly one full page."""
    what, service = OWN[name].noun(name), OWN[name].title
    lost = "" if table == name else f", and with them {TABLES[table].title}s"
    return Gap(
        f"{raw.label} holds exactly {rows} {what}, a full page of {service}'s API: if it was saved"
        f" with one request, the pages after it are missing{lost}. Use `keypolicy fetch -o FILE`,"
        " which reads all of them.",
        raw.organization,
        raw.project,
    )


def beyond(name: str, scope: Scope) -> set[str]:
    """Return the tables that may lack rows where the list of places `name` was cut off.

    Empty where the scope names such places: then each that is not seen is a gap by itself.
    """
    tables, place = OWN[name].tables, TABLES[name].place
    if not place or (scope.projects if place == "project" else scope.organizations):
        return set()
    return {
        other
        for other, table in tables.items()
        if other != name
        and not table.global_
        and (place == "organization" or table.project != NOWHERE)
    }


def not_in_files(
    name: str, reaches: Iterable[Reach], seen: Collection[SlugPair], known: Collection[Gap]
) -> list[Gap]:
    """Return a gap of a table for each place that a file of ours was asked for and lacks.

    `known` are the gaps that the table has, which may tell it already.
    """
    asked = [one.scope for one in reaches if not one.is_export and name in one.tables and one.scope]
    if TABLES[name].global_ or any(gap.project is None and not gap.organization for gap in known):
        return []
    organizations = {gap.organization for gap in known if gap.project is None}
    projects = {gap.project for gap in known}
    return [
        gap
        for scope in asked
        for gap in unseen(scope, seen)
        if gap.organization not in organizations
        and (gap.project is None or not (organizations or gap.project in projects))
    ]


def made_up(name: str, coverage: TableCoverage, inputs: Iterable[RawInput]) -> TableCoverage:
    """Return the coverage of a table in a fetched inventory without the gaps that exports fill.

    Where the token may not read a list, the gap tells the user to save it from a browser and to
    give the file beside the inventory, with --org: it is taken for all that the organization has.
    """
    table = TABLES[name]
    saved = {raw.organization for raw in inputs if raw.kind == name} - {None}
    if not saved or table.global_ or table.place or table.project != NOWHERE:
        return coverage
    left = tuple(gap for gap in coverage.gaps if gap.project or gap.organization not in saved)
    if left == coverage.gaps:
        return coverage
    if left:
        reasons = " ".join(dict.fromkeys(gap.reason for gap in left))
        return TableCoverage(coverage.state, reasons, left, coverage.rows)
    seen = coverage.state is CoverageState.PARTIAL
    return TableCoverage(CoverageState.COMPLETE if seen else CoverageState.ABSENT, "")


def listed(connection: Connection, name: str, sure: Sequence[int]) -> list[SlugPair]:
    """Return the places of a table, without those of rows from a file whose number is in `sure`."""
    table = TABLES[name]
    found = connection.execute(
        f'SELECT {table.organization}, {table.project} FROM "{name}" GROUP BY ALL'
        f" HAVING NOT bool_or(list_contains($sure, {FILE}))",
        {"sure": sure},
    )
    return found.fetchall()


def keyless(scope: Scope, listed: Iterable[SlugPair], keyed: Collection[SlugPair]) -> list[Gap]:
    """Return a gap for each listed place without a key; `keyed` are the places that keys tell.

    A place without a project is a whole organization.
    """
    organizations = {organization for organization, _ in keyed}
    alone = [place for place in set(listed) if _wanted(scope, place)]
    mend = (
        "Say with --org of which organization the keys are that do not tell it."
        if None in organizations
        else "Add its keys, or use `keypolicy fetch -o FILE`."
    )
    gaps = []
    for organization, project in sorted(alone, key=lambda place: (place[0] or "", place[1] or "")):
        if (organization, project) in keyed or (not project and organization in organizations):
            continue
        name = f"project {project!r}" if project else f"organization {organization!r}"
        reason = (
            f"The {name} is listed, but no key of it is there, and an answer of the API does not"
            f" tell whether it has any. {mend}"
        )
        gaps.append(Gap(reason, organization, project))
    return gaps


def _wanted(scope: Scope, place: SlugPair) -> bool:
    asked = ((scope.organizations, place[0]), (scope.projects, place[1]))
    return all(not slugs or slug is None or slug in slugs for slugs, slug in asked)


def _unplaced(title: str, what: str, number: int) -> str:
    remedy = " Add the list of projects to the inventory." if what == "project" else ""
    do, them = ("does", "it") if number == 1 else ("do", "them")
    told = f"{plural(number, title)} {do} not tell the {what}, so that"
    option = "project" if what == "project" else "org"
    return f"{told} --{option} may or may not mean {them}.{remedy}"


def _not_there(what: str, slug: str, seen: Collection[str]) -> str:
    if near := closest(slug, sorted(seen)):
        return f"There is no {what} {slug!r} in the inventory. Did you mean {near!r}?"
    named = sorted(seen)[:_MOST_NAMED]
    more = ", ..." if len(seen) > len(named) else ""
    told = f"It has {', '.join(map(repr, named))}{more}." if named else "It tells none."
    return f"There is no {what} {slug!r} in the inventory. {told}"


def organizations(connection: Connection, filled: Sequence[str]) -> dict[str, int]:
    """Count the projects of each organization, those without any key included."""
    columns = "{0.organization} AS organization, {0.project} AS project"
    rows = (f'SELECT {columns.format(TABLES[name])} FROM "{name}"' for name in filled)
    return projects_of(connection, rows)


def projects_of(connection: Connection, rows: Iterable[str]) -> dict[str, int]:
    """Count the projects of each organization, by slug, in SELECTs of organization and project."""
    union = " UNION ALL ".join(rows)
    if not union:
        return {}
    found = connection.execute(
        f"SELECT organization, count(DISTINCT project) FROM ({union})"
        " WHERE organization IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    return dict(found.fetchall())
