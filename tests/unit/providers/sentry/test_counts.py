from collections.abc import Mapping

import pytest

from scanner.engine.database import Connection
from scanner.engine.intake.counts import with_counted
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Needs
from scanner.providers.sentry.counts import count_all, count_keys
from tests.unit.engine.support import database

COMPLETE = TableCoverage(CoverageState.COMPLETE, "")
KEYS = [("k1", "web", True), ("k2", "web", False), ("k3", "api", None)]


def world(extra: Mapping[str, object] | None = None) -> Connection:
    keys: list[dict[str, object]] = [
        {"id": key, "organization_slug": "acme", "project_slug": project, "is_active": active}
        for key, project, active in KEYS
    ]
    connection = database([*keys, *([dict(extra)] if extra else [])])
    for number, slug in enumerate(("api", "idle", "web")):
        connection.execute(
            "INSERT INTO sentry_project (id, slug, organization_slug) VALUES (?, ?, 'acme')",
            [str(number), slug],
        )
    return connection


def counts(connection: Connection) -> dict[str, tuple[int | None, int | None]]:
    found = connection.execute("SELECT slug, key_count, active_key_count FROM sentry_project")
    return {slug: (keys, active) for slug, keys, active in found.fetchall()}


def test_a_project_without_any_key_is_visible_as_such() -> None:
    with world() as connection:
        count_keys(connection, COMPLETE)
        assert counts(connection) == {"web": (2, 1), "api": (1, None), "idle": (0, 0)}


@pytest.mark.parametrize(
    "coverage",
    [
        None,
        TableCoverage(CoverageState.DENIED, "no", (Gap("no", "acme"),)),
        TableCoverage(CoverageState.ABSENT, "no"),
        TableCoverage(CoverageState.PARTIAL, "only active ones"),
        TableCoverage(CoverageState.PARTIAL, "no", (Gap("no"),)),
        TableCoverage(CoverageState.PARTIAL, "no", (Gap("no", "acme"),)),
    ],
)
def test_keys_that_were_not_seen_are_not_counted(coverage: TableCoverage | None) -> None:
    with world() as connection:
        count_keys(connection, coverage)
        assert set(counts(connection).values()) == {(None, None)}


def test_only_the_project_with_a_gap_is_left_open() -> None:
    gap = TableCoverage(CoverageState.PARTIAL, "no", (Gap("no", "acme", "idle"),))
    with world() as connection:
        count_keys(connection, gap)
        assert counts(connection) == {"web": (2, 1), "api": (1, None), "idle": (None, None)}


def test_a_key_of_an_unknown_project_could_be_of_any() -> None:
    with world({"id": "k9", "organization_slug": "acme"}) as connection:
        count_keys(connection, COMPLETE)
        assert set(counts(connection).values()) == {(None, None)}


def test_a_key_of_an_unknown_organization_could_be_of_any() -> None:
    with world({"id": "k9", "project_slug": "web"}) as connection:
        count_keys(connection, COMPLETE)
        assert set(counts(connection).values()) == {(None, None)}


def test_a_gap_may_name_its_project_by_the_id() -> None:
    gap = TableCoverage(CoverageState.PARTIAL, "no", (Gap("no", "acme", "1"),))
    with world() as connection:
        count_keys(connection, gap)
        assert counts(connection) == {"web": (2, 1), "api": (1, None), "idle": (None, None)}


def test_counting_needs_the_keys() -> None:
    plain = Needs({"sentry_project": frozenset({"slug"})})
    assert with_counted(plain) == plain
    counting = with_counted(Needs({"sentry_project": frozenset({"active_key_count"})}))
    assert counting.columns["sentry_key"] == {"id", "is_active"}
    one = with_counted(Needs({"sentry_organization": frozenset({"project_count"})}))
    assert one.tables == {"sentry_organization", "sentry_project"}
    of_all = with_counted(Needs({"sentry_organization": frozenset({"active_key_count"})}))
    assert of_all.columns["sentry_key"] == {"id", "is_active"}
    assert "sentry_project" in of_all.tables


def organization(connection: Connection) -> tuple[int | None, int | None, int | None]:
    found = connection.execute(
        "SELECT project_count, key_count, active_key_count FROM sentry_organization"
    ).fetchone()
    assert found is not None
    return found[0], found[1], found[2]


GAP = TableCoverage(CoverageState.PARTIAL, "no", (Gap("no", "acme", "idle"),))
ELSEWHERE = TableCoverage(CoverageState.PARTIAL, "no", (Gap("no", "globex"),))
ANYWHERE = TableCoverage(CoverageState.PARTIAL, "no", (Gap("no"),))
DENIED = TableCoverage(CoverageState.DENIED, "no", (Gap("no", "acme"),))


@pytest.mark.parametrize(
    ("keys", "projects", "expected"),
    [
        (COMPLETE, COMPLETE, (3, 3, None)),
        (ELSEWHERE, ELSEWHERE, (3, 3, None)),
        (GAP, COMPLETE, (3, None, None)),
        (ANYWHERE, COMPLETE, (3, None, None)),
        (DENIED, COMPLETE, (3, None, None)),
        (None, COMPLETE, (3, None, None)),
        (COMPLETE, GAP, (None, None, None)),
        (COMPLETE, DENIED, (None, None, None)),
        (COMPLETE, None, (None, None, None)),
    ],
)
def test_an_organization_counts_only_what_was_wholly_seen(
    keys: TableCoverage | None,
    projects: TableCoverage | None,
    expected: tuple[int | None, int | None, int | None],
) -> None:
    with world() as connection:
        connection.execute("INSERT INTO sentry_organization (id, slug) VALUES ('1', 'acme')")
        count_all(connection, keys, projects)
        assert organization(connection) == expected


def test_a_key_of_no_project_is_still_one_of_its_organization() -> None:
    with world({"id": "k9", "organization_slug": "acme", "is_active": True}) as connection:
        connection.execute("INSERT INTO sentry_organization (id, slug) VALUES ('1', 'acme')")
        count_all(connection, COMPLETE, COMPLETE)
        assert organization(connection) == (3, 4, None)


def test_keys_and_projects_of_no_organization_may_be_of_any() -> None:
    with world({"id": "k9", "project_slug": "web"}) as connection:
        connection.execute("INSERT INTO sentry_organization (id, slug) VALUES ('1', 'acme')")
        count_all(connection, COMPLETE, COMPLETE)
        assert organization(connection) == (3, None, None)
        connection.execute("INSERT INTO sentry_project (id, slug) VALUES ('9', 'lost')")
        connection.execute("UPDATE sentry_organization SET project_count = NULL")
        count_all(connection, COMPLETE, COMPLETE)
        assert organization(connection) == (None, None, None)
