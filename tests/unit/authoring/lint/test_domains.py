"""What parts of predicates can be at all: what is told of them, and that no row says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.lint.verdicts import constant_verdicts
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import prepare
from tests.unit.authoring.lint.test_verdicts import FORBIDDEN
from tests.unit.engine.support import AS_OF, database, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.engine.database import Connection

ALWAYS = [
    *("age_days >= 0", "length(name) > -1", "len(project_teams) >= 0", "strpos(name, 'x') >= 0"),
    *("abs(age_days) >= 0", "month(date_created) <= 12", "day(date_created) between 1 and 31"),
    *("extract(day from date_created) <= 90", "dayofweek(date_created) < 7", "age_days <> -1"),
    *("month(now() - date_created) < 3", "date_part('year', now() - date_created) < 1"),
    *("date_created < now() + interval '90 days'", "date_created - now() < interval '90 days'"),
    *("now() - date_created > interval '-1 day'", "date_diff('day', now(), date_created) < 90"),
    *("date_diff('month', date_created, now()) >= -1", "left(name, 3) <> 'prod'"),
    *("not contains(lower(name), 'TEST')", "lower(name) not like '%TEST%'"),
    *("not regexp_matches(lower(name), '^Test')", "upper(name) <> 'prod'"),
    *("not starts_with(left(name, 3), 'test')", "not contains(split_part(name, '-', 1), '-x')"),
    *("substring(name, 1, 3) not in ('prod', 'test')", "name like '%'", "name ilike '%%'"),
    *("regexp_matches(name, '.*')", "regexp_matches(name, 'prod|')", "regexp_matches(name, '')"),
    *("name ~ '(prod)?'", "regexp_full_match(name, '(?s).*')", "starts_with(name, '')"),
    *("contains(name, '')", "name_matches_any(name, ['web', '*'])", "not (name not like '%')"),
    *("count(*) over (partition by project_id) > 0", "1 <= count(*) over ()"),
    *("row_number() over (order by id) > 0", "count(name) over () >= 0"),
    *("count(*) filter (where is_active) over () >= 0", "name like '%' or is_active"),
    *("count(*) over (order by id rows between 1 preceding and 1 preceding) >= 0",),
]
"""Conditions that are TRUE or NULL of every row."""

SOMETIMES = [
    *("age_days > 0", "length(name) >= 1", "abs(age_days) > 0", "month(date_created) < 12"),
    *("day(now() - date_created) <= 90", "date_created <= now()", "date_created > now()"),
    *("now() - date_created < interval '90 days'", "date_diff('day', date_created, now()) < 90"),
    *(
        "date_diff('second', now(), date_created) < 10",
        "date_diff('minute', now(), date_created) < 2",
    ),
    *("date_diff('day', now() - interval '9 days', date_created) < 5", "left(name, 4) = 'prod'"),
    *("lower(name) ilike '%TEST%'", "lower(name) like '%test%'", "name like '_%'"),
    *("regexp_matches(name, '(?i)Prod')", "regexp_matches(lower(name), '[A-Z]*x')", "name like ''"),
    *("regexp_full_match(name, '.+')", "regexp_full_match(name, '[^~]*')", "name ~ '^[a-z]*$'"),
    *("regexp_full_match(name, '.{0,20}')", "name_matches_any(name, ['?*'])"),
    *("count(*) over () > 1", "count(name) over () > 0", "sum(age_days) over () >= 0"),
    *("count(*) filter (where is_active) over () > 0", "trim(name) = ' a'"),
    *("count(*) over (order by id rows between 1 preceding and 1 preceding) > 0",),
    *("date_part('day', date_created) > 30", "year(date_created) < 2000"),
]
"""Conditions of which nothing is told."""

ROWS = [
    {
        "id": f"{number}-{name}",
        "name": name,
        "is_active": number % 2 == 0,
        "date_created": created,
        "age_days": age,
        "project_id": number,
        "project_teams": None if name is None else name.split("-"),
    }
    for number, (created, age) in enumerate(
        [
            (None, None),
            ("1999-12-31T23:59:59Z", 9000),
            ("2024-02-29T12:00:00Z", 300),
            (AS_OF.isoformat(), 0),
        ]
    )
    for name in (None, "", " a", "Prod", "prod-test", "TEST", "~", "x" * 300)
]


@pytest.fixture(scope="module", name="connection")
def _connection() -> Iterator[Connection]:
    with database(ROWS) as connection:
        yield connection


def _told(connection: Connection, require: str) -> set[str]:
    errors, _ = constant_verdicts(connection, prepare(connection, [rule(require)]))
    return {problem.code for problem in errors}


@pytest.mark.parametrize("require", ALWAYS)
def test_what_no_row_can_break_is_told(connection: Connection, require: str) -> None:
    assert _told(connection, require) == {"never-fails"}
    assert _told(connection, f"not ({require})") == {"never-passes"}


@pytest.mark.parametrize("require", SOMETIMES)
def test_what_a_row_can_break_is_not_told(connection: Connection, require: str) -> None:
    assert _told(connection, require) == set()


@pytest.mark.parametrize("require", [*ALWAYS, *SOMETIMES])
def test_no_row_says_otherwise(connection: Connection, require: str) -> None:
    for text in (require, f"not ({require})"):
        prepared = prepare(connection, [rule(text)])
        errors, _ = constant_verdicts(connection, prepared)
        (found,) = evaluate(connection, prepared, AS_OF)
        seen = {outcome.value for outcome, count in found.counts.items() if count}
        for problem in errors:
            assert not FORBIDDEN[problem.code] & seen


def test_a_where_that_no_value_fits_is_told(connection: Connection) -> None:
    for where in (
        "lower(name) = 'Prod'",
        "length(name) < 0",
        "date_created > now() + interval '1 day'",
    ):
        prepared = prepare(connection, [rule("is_active", where)])
        assert {one.code for one in constant_verdicts(connection, prepared)[0]} == {"never-applies"}
