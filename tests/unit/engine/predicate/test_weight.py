import msgspec
import pytest

from scanner.base.errors import PolicyError
from scanner.engine.judge.prepare import examine, prepare
from scanner.engine.predicate import guard
from scanner.engine.predicate.guard import TOO_MUCH
from scanner.engine.predicate.weight import MOST, MOST_TOGETHER, Cost
from scanner.model.rule import Rule
from tests.unit.engine.support import rule, shared


def codes(rules: list[Rule]) -> list[str]:
    with shared().cursor() as connection:
        try:
            prepare(connection, rules)
        except PolicyError as error:
            return [problem.code for problem in error.problems]
    return []


def many(count: int, text: str, **params: object) -> list[Rule]:
    return [
        rule(text.replace("#", str(number)), name=f"r{number}", params=params)  # type: ignore[arg-type]
        for number in range(count)
    ]


ITEMS = [f"v{n}" for n in range(1_100)]

TOO_MANY = {
    "nodes": many(180, " AND ".join(f"age_days<>{n}" for n in range(200))),
    "items": many(40, "name IN $l", l=ITEMS),
    "instructions": many(300, r"regexp_matches(name, '\pL+#')"),
    "bytes": many(200, "length(concat(name, dsn, dsn, dsn, '#')) > 0"),
    "joined": many(20, "length(" + " || ".join(["name"] * 30) + " || '#') > 0"),
    "copies": many(100, " AND ".join(f"substr(name, {n}) <> '#'" for n in range(60))),
}


@pytest.mark.parametrize("kind", TOO_MANY)
def test_what_each_may_cost_all_together_may_not(kind: str) -> None:
    rules = TOO_MANY[kind]
    assert codes(rules[:1]) == []
    assert codes(rules) == [TOO_MUCH]


@pytest.mark.parametrize("kind", ["items", "bytes"])
def test_lint_tells_it_once(kind: str) -> None:
    with shared().cursor() as connection:
        sound, problems = examine(connection, TOO_MANY[kind])
    assert sound == ()
    assert [problem.code for problem in problems] == [TOO_MUCH]
    assert problems[0].hint
    assert problems[0].location.line == 7


def test_what_is_refused_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_TOGETHER", Cost(nodes=10_000, bytes=MOST_TOGETHER.bytes))
    refused = "age_days <> # AND " * 100 + "nope"
    assert set(codes(many(2, refused))) == {"unknown-column"}
    assert codes(many(35, refused)) == [TOO_MUCH]


@pytest.mark.parametrize(
    "text",
    [
        "lower(name) <> 'x#'",
        "regexp_full_match(name, '[a-z0-9-]+-(prod|staging)-#')",
        "age_days < # AND is_active AND name LIKE '%-prod-#'",
        "name IN ('a', 'b', 'c#')",
        "rate_limit->>'window' = '#'",
    ],
)
def test_a_thousand_rules_as_people_write_them_are_not_too_much(text: str) -> None:
    assert codes(many(1_000, text)) == []


def test_limits_of_one_are_within_those_of_all() -> None:
    for name in MOST.__struct_fields__:
        assert getattr(MOST, name) <= getattr(MOST_TOGETHER, name)


def test_a_list_may_be_long() -> None:
    assert codes(many(1, "name IN $l", l=[f"v{n}" for n in range(10_000)])) == []
    assert codes(many(1, "name IN $l", l=[f"v{n}" for n in range(MOST.items + 1)])) == [
        "predicate-too-large"
    ]


@pytest.mark.parametrize(
    ("template", "refused"),
    [
        ("{name}" * 50, False),
        ("{name}" * 51, True),
        ("{name}" * 150_000, True),
        ("x" * 4_000, False),
        ("x" * 4_001, True),
        ("{nope}" * 10_000, True),
    ],
)
def test_messages_are_bounded(template: str, *, refused: bool) -> None:
    bounded = rule("is_active", message=template)
    assert codes([bounded]) == (["bad-message"] if refused else [])


@pytest.mark.parametrize("title", ["{name", "}", "{nope}", "{0.__class__}", "{{name}}"])
def test_braces_of_a_title_are_braces(title: str) -> None:
    named = msgspec.structs.replace(rule("is_active"), title=title)
    with shared().cursor() as connection:
        (prepared,) = prepare(connection, [named])
    assert "".join(prepared.message_params.values()) == title
