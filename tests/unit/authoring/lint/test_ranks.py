"""What combinations of ranks tell of predicates, and where nothing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.authoring.lint import ranks
from scanner.authoring.lint.verdicts import constant_verdicts
from scanner.base.errors import PolicyError
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import prepare
from tests.unit.authoring.lint.test_verdicts import FORBIDDEN, PREDICATES, ROWS
from tests.unit.engine.support import AS_OF, database, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.engine.database import Connection

SINCE = "timestamp '2026-01-01'"
OTHERS = """name <> 'a' and is_active and rate_limit_count < 5 and rate_limit_per_second < 2
and length(label) < 9 and project_slug <> 'b' and date_created < now() and organization_slug <> 'c'
and name like 'x%'"""
MANY = " and ".join(f"contains(name, '{n}')" for n in range(12))

HARDER = [
    *("3 < age_days", "3 >= age_days", "4 <= age_days", "'a' < name", "age_days between 3 and 3"),
    *("lower(name) <= 'b'", "upper(name) in ('B', 'A')", "age_days in (3, 4, null)"),
    *("(age_days > 3) is null", "is_active = (name = 'a')", "name is distinct from null"),
    *("rate_limit_per_second >= 1", "rate_limit_per_second < 1.25", "nullif(name, 'a') = 'b'"),
    *(f"date_created between {SINCE} and now()", "date_created < now() - interval '1 month'"),
    *("date_created is distinct from now()", f"date_created in ({SINCE}, now())"),
    *("count(*) over (partition by name) > 1", "max(age_days) over () = 5"),
]
PARTS = st.one_of(PREDICATES, st.sampled_from(HARDER))
NESTED = st.one_of(
    st.sampled_from(HARDER),
    st.tuples(PARTS, PARTS).map(lambda two: f"({two[0]}) and ({two[1]})"),
    st.tuples(PARTS, PARTS).map(lambda two: f"coalesce({two[0]}, {two[1]})"),
    st.tuples(PARTS, PARTS, PARTS).map(
        lambda three: f"case when {three[0]} then {three[1]} else {three[2]} end"
    ),
)


@pytest.fixture(scope="module", name="connection")
def _connection() -> Iterator[Connection]:
    with database({"id": str(n), **row} for n, row in enumerate(ROWS)) as connection:
        yield connection


def _codes(connection: Connection, require: str) -> set[str]:
    errors, warnings = constant_verdicts(connection, prepare(connection, [rule(require)]))
    return {problem.code for problem in (*errors, *warnings)}


@pytest.mark.parametrize(
    ("require", "code"),
    [
        # a subject is missing in all of its columns
        ("date_created is null and date_created > now() - interval '1 day'", "never-passes"),
        ("date_created is null and date_created > now() - interval '1 month'", "never-passes"),
        # each side of BETWEEN by itself
        (f"date_created between {SINCE} and now() and date_created < {SINCE}", "never-passes"),
        # constants that stand on the left, and that fare as what lies on one side of them
        ("5 < age_days and 5 >= age_days", "never-passes"),
        ("5 > age_days and age_days >= 5", "never-passes"),
        ("5 <= age_days or age_days < 5 or age_days is null", "never-fails"),
        ("name in ('a', 'b') and name in ('c', 'd')", "never-passes"),
        # three-valued logic, as the database has it
        ("coalesce(age_days > 3, true) and age_days < 2", "never-passes"),
        ("case when is_active then false else is_active end", "never-passes"),
        # windows are as good as any other part
        ("count(*) over () > 3 and not (count(*) over () > 3)", "never-passes"),
        # beside many conditions that do not matter
        (f"age_days > 5 and age_days < 3 and {OTHERS}", "never-passes"),
    ],
)
def test_settled_beforehand(connection: Connection, require: str, code: str) -> None:
    assert _codes(connection, require) == {code}


@pytest.mark.parametrize(
    "require",
    [
        # nothing but the constant itself
        "age_days > 5 or age_days < 5",
        "5 < age_days or age_days < 5",
        "age_days <= 5 and 5 <= age_days",
        "age_days = 5 or age_days > 5",
        # numbers are compared as the column keeps them
        "rate_limit_per_second = 0.1 and rate_limit_per_second = CAST(0.1 AS DOUBLE)",
    ],
)
def test_one_value_is_enough(connection: Connection, require: str) -> None:
    assert _codes(connection, require) == set()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(NESTED, st.one_of(st.none(), PARTS))
def test_no_false_alarm(connection: Connection, require: str, where: str | None) -> None:
    try:
        prepared = prepare(connection, [rule(require, where)])
    except PolicyError:
        return
    errors, warnings = constant_verdicts(connection, prepared)
    (found,) = evaluate(connection, prepared, AS_OF)
    seen = {outcome.value for outcome, count in found.counts.items() if count}
    for problem in (*errors, *warnings):
        assert not FORBIDDEN.get(problem.code, set()) & seen


def test_of_too_many_combinations_nothing_is_told(connection: Connection) -> None:
    contradiction = f"age_days > 5 and age_days < 3 and {MANY}"
    assert ranks.MOST < 3**12
    assert _codes(connection, contradiction) == set()


def test_rules_beyond_one_statement_keep_their_own_answers(connection: Connection) -> None:
    wanted = ["age_days > 5 and age_days < 3", "is_active", f"age_days > age_days and {MANY}"] * 20
    prepared = prepare(connection, [rule(text) for text in wanted])
    errors, warnings = constant_verdicts(connection, prepared)
    assert [problem.code for problem in errors] == ["never-passes"] * 20
    assert warnings == []
