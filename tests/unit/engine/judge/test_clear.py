from scanner.engine.database import Connection
from scanner.engine.judge.clear import ClearPlaces
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import prepare
from scanner.model.outcome import Severity
from scanner.model.rule import Rule
from tests.unit.engine.support import AS_OF, Row, database, rule

Place = tuple[str, str | None, str | None, int, int]


def clear(rules: list[Rule], rows: list[Row], table: str = "sentry_key") -> list[Place]:
    (found,) = clear_each([rules], rows, table)
    return found


def clear_each(
    groups: list[list[Rule]], rows: list[Row], table: str = "sentry_key"
) -> list[list[Place]]:
    """Return what is clear to each group of rules by itself."""
    numbered = [{"id": f"{n:06}", **row} for n, row in enumerate(rows)]
    with database(numbered, table) as connection:
        return [_clear(connection, rules) for rules in groups]


def _clear(connection: Connection, rules: list[Rule]) -> list[Place]:
    places = ClearPlaces(connection, evaluate(connection, prepare(connection, rules), AS_OF))
    found = [(p.rule_id, p.organization, p.project, p.passed, p.not_applicable) for p in places]
    assert len(list(places)) == len(found), "it can be iterated again"
    return found


def key(project: str | None, name: str | None, organization: str = "acme") -> Row:
    return {"organization_slug": organization, "project_slug": project, "name": name}


def test_a_place_with_any_finding_is_not_clear() -> None:
    rows = [key("web", "good"), key("web", "bad"), key("app", "good"), key("ios", None)]
    assert clear([rule("name = 'good'")], rows) == [("r", "acme", "app", 1, 0)]


def test_rows_that_the_rule_is_not_about_are_told_apart() -> None:
    rows = [key("web", "good"), key("web", "other"), key("app", "other")]
    assert clear([rule("name = 'good'", "name <> 'other'")], rows) == [
        ("r", "acme", "app", 0, 1),
        ("r", "acme", "web", 1, 1),
    ]


def test_the_order_is_that_of_the_findings() -> None:
    rules = [rule("true", name="low", severity=Severity.LOW), rule("true", name="high")]
    rows = [key("b", "x"), key("a", "x", "globex"), key(None, "x"), key("a", "x")]
    assert clear(rules, rows) == [
        (name, organization, project, 1, 0)
        for name in ("high", "low")
        for organization, project in (
            ("acme", None),
            ("acme", "a"),
            ("acme", "b"),
            ("globex", "a"),
        )
    ]


def test_rules_of_many_statements_and_verdicts_are_told_in_their_order() -> None:
    """More than are counted at once, some with windows: their verdicts are in other tables."""
    ranks = list(Severity)
    rules = [
        rule(
            "name = 'x'" if n % 3 else "count(*) OVER (PARTITION BY project_id) > 0",
            f"id <> '{n % 4:06}'",
            name=f"r{n:02}",
            severity=ranks[n % len(ranks)],
        )
        for n in range(24)
    ]
    rows = [key("a", "x"), key("a", "x"), key("b", "x"), key("b", "y")]
    found, *by_itself = clear_each([rules, *([one] for one in rules)], rows)
    rank = {one.id: -one.severity.rank for one in rules}
    assert found == sorted((place for one in by_itself for place in one), key=lambda p: rank[p[0]])
    assert len({place[0] for place in found}) == len(rules)


def test_streams_do_not_disturb_each_other_and_leave_nothing() -> None:
    rules = [rule("true", name=f"r{n}") for n in range(12)]
    with database([key("a", "x"), key("b", "x")]) as connection:
        places = ClearPlaces(connection, evaluate(connection, prepare(connection, rules), AS_OF))
        tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'clear%'"
        assert all(one == other for one, other in zip(places, places, strict=True))
        assert connection.execute(tables).fetchone() == (0,)


def test_a_table_without_projects_is_clear_by_organization() -> None:
    rows: list[Row] = [{"slug": "acme"}, {"slug": "globex"}]
    found = clear([rule("true", resource="sentry_organization")], rows, "sentry_organization")
    assert [(project, passed) for _, _, project, passed, _ in found] == [(None, 1), (None, 1)]


def test_no_row_is_no_place() -> None:
    assert clear([rule("true")], []) == []
