"""Tallies by organization and team."""

from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.groups import groups
from scanner.engine.judge.prepare import prepare
from scanner.model.history import GroupTally
from tests.unit.engine.support import AS_OF, Row, database, rule


def key(number: int, organization: str | None, project: str, name: str | None) -> Row:
    row: Row = {"id": f"{number:06}", "organization_slug": organization, "name": name}
    return {**row, "project_slug": project}


def test_resources_count_for_their_organization_and_each_team() -> None:
    keys = [
        key(1, "acme", "web", "good"),
        key(2, "acme", "web", "bad"),
        key(3, "acme", "app", None),
        key(4, "globex", "web", "good"),
        key(5, None, "web", "good"),
    ]
    rules = [rule("name = 'good'"), rule("true", "name = 'bad'", name="other")]
    with database(keys, "sentry_key") as connection:
        connection.execute(
            "INSERT INTO sentry_project (id, slug, organization_slug, teams) VALUES"
            """ ('1', 'web', 'acme', '[{"slug": "x"}, {"slug": "y"}, {"slug": "x"}]'),"""
            """ ('2', 'app', 'acme', '[{"slug": "y"}]'), ('3', 'web', 'globex', NULL)"""
        )
        found = groups(connection, evaluate(connection, prepare(connection, rules), AS_OF))
    assert found.organizations == {"acme": GroupTally(2, 1, 2), "globex": GroupTally(1, 0, 0)}
    assert found.teams == {"x": GroupTally(2, 1, 0), "y": GroupTally(2, 1, 2)}


def test_a_table_without_projects_has_organizations() -> None:
    rows: list[Row] = [{"id": "1", "slug": "acme"}, {"id": "2", "slug": "globex"}]
    with database(rows, "sentry_organization") as connection:
        one = rule("slug = 'acme'", resource="sentry_organization")
        found = groups(connection, evaluate(connection, prepare(connection, [one]), AS_OF))
    assert found.organizations == {"acme": GroupTally(1), "globex": GroupTally(0, 1)}
    assert found.teams == {}
