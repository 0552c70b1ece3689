"""Tallies by organization and team."""

from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.groups import groups
from scanner.engine.judge.prepare import prepare
from scanner.model.coverage import Gap
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
        evaluated = evaluate(connection, prepare(connection, rules), AS_OF)
        found = groups(connection, evaluated, {"sentry_key": ()})
    assert found.organizations == {"acme": GroupTally(2, 1, 2), "globex": GroupTally(1, 0, 0)}
    assert found.teams == {"x": GroupTally(2, 1, 0), "y": GroupTally(2, 1, 2)}


def test_a_table_without_projects_has_organizations() -> None:
    rows: list[Row] = [{"id": "1", "slug": "acme"}, {"id": "2", "slug": "globex"}]
    with database(rows, "sentry_organization") as connection:
        one = rule("slug = 'acme'", resource="sentry_organization")
        evaluated = evaluate(connection, prepare(connection, [one]), AS_OF)
        found = groups(connection, evaluated, {"sentry_organization": ()})
    assert found.organizations == {"acme": GroupTally(1), "globex": GroupTally(0, 1)}
    assert found.teams == {}


def test_what_was_not_seen_of_an_organization_did_not_pass_in_it() -> None:
    """Passed, by organization, stood at 100 % beside a gap."""
    rules = [rule("name = 'good'"), rule("true", "name = 'good'", name="other")]
    gaps = [Gap("no", "acme", "app"), Gap("no", "acme", "web"), Gap("no", "initech"), Gap("no")]
    with database([key(1, "acme", "web", "good")], "sentry_key") as connection:
        found = groups(
            connection,
            evaluate(connection, prepare(connection, rules), AS_OF),
            {"sentry_key": gaps},
        )
    assert found.organizations == {"acme": GroupTally(2, 0, 4), "initech": GroupTally(0, 0, 2)}
