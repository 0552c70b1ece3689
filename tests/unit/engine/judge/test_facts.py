from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.facts import EvaluatedFacts
from scanner.engine.judge.prepare import prepare
from scanner.model.finding import Identity, Place
from scanner.model.outcome import Outcome
from tests.unit.engine.support import AS_OF, Row, database, rule

ROWS: list[Row] = [
    {"id": "a", "name": "x-prod", "project_id": 7, "organization_slug": "acme"},
    {"id": "b", "name": "x", "project_id": 7, "organization_slug": "acme"},
    {"id": "c", "name": None, "project_id": None, "project_slug": "web"},
]
ACME = Place("acme", "7", None)
TAGGED = rule("name LIKE '%-prod'", name="tagged")


def facts_of(*predicates: str) -> tuple[EvaluatedFacts, list[Identity]]:
    with database(ROWS) as connection:
        rules = [TAGGED, *(rule(text, name=f"w:{n}") for n, text in enumerate(predicates))]
        judged, *matchers = evaluate(connection, prepare(connection, rules), AS_OF)
        facts = EvaluatedFacts(connection, [judged], matchers)
        found = sorted(facts.identities(TAGGED, range(len(matchers))), key=lambda one: one.id)
        assert facts.existing("sentry_key", frozenset({"a", "z"})) == [("a", ACME)]
        assert set(facts.places("sentry_key")) == {ACME, Place(None, "web", "web")}
        assert facts.places("sentry_project") == []
        return facts, found


def test_findings_as_identities() -> None:
    _, found = facts_of()
    assert found == [
        Identity(Outcome.FAIL, "acme", "7", "b", [], None, "x"),
        Identity(Outcome.UNKNOWN, None, "web", "c", [], "web", None),
    ]


def test_what_predicates_are_true_for() -> None:
    facts, found = facts_of("id IN ('a', 'b')", "name = 'x'", "organization_slug IS NULL")
    assert [one.matched for one in found] == [[True, True, False], [False, False, True]]
    assert [facts.matches(place) for place in range(3)] == [2, 1, 1]


def test_a_predicate_that_fails_leaves_the_others_sound() -> None:
    facts, found = facts_of("CAST(name AS INTEGER) = 1", "id = 'c'")
    assert [one.matched for one in found] == [[False, False], [False, True]]
    assert [facts.matches(place) for place in range(2)] == [0, 1]


def test_a_rule_without_findings_gives_none() -> None:
    with database(ROWS) as connection:
        sound = rule("id IS NOT NULL", name="sound")
        judged = evaluate(connection, prepare(connection, [sound]), AS_OF)
        assert list(EvaluatedFacts(connection, judged, ()).identities(sound, ())) == []
