"""What lint says can never be, never is: checked against the database on random predicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.authoring.lint.verdicts import constant_verdicts
from scanner.base.errors import PolicyError
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import prepare
from tests.unit.engine.support import AS_OF, Row, database, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.engine.database import Connection

ATOMS = [
    *(f"age_days {op} {n}" for op in ("=", "<>", "<", "<=", ">", ">=") for n in (3, 4, 4.5, -1)),
    *(f"name {op} '{text}'" for op in ("=", "<>", "<", ">=") for text in ("a", "B", "")),
    *(f"{column} is {kind}" for column in ("name", "is_active") for kind in ("null", "not null")),
    *("is_active", "true", "false", "null", "is_active = false", "4 > age_days", "name = name"),
    *("lower(name) = 'a'", "lower(name) = 'B'", "upper(name) = 'B'", "length(name) > 0"),
    *("name in ('a', 'B')", "name not in ('a', null)", "age_days between 3 and 4"),
    *("age_days not between 4 and 3", "is_active is distinct from true", "secret = 'x'"),
    *("name is not distinct from 'a'", "name like 'a%'", "coalesce(is_active, false)"),
    *("date_created < now()", "date_created > now() - interval '1 day'"),
    *("date_created > timestamp '2026-02-01'", "date_created < timestamp '2026-01-01'"),
    *("rate_limit_per_second > 1.5", "rate_limit_per_second <= 1", "age_days > age_days"),
    *("1 = 1", "1 > 2", "case when is_active then name = 'a' end", "age_days * 2 > 7"),
]

TIMES = (None, "2025-12-31T00:00:00Z", "2026-01-15T00:00:00Z", "2026-02-28T12:00:00Z")

ROWS: list[Row] = [
    {
        "age_days": age,
        "name": name,
        "is_active": active,
        "date_created": created,
        "rate_limit_per_second": rate,
    }
    for age in (None, 2, 3, 4, 5)
    for name in (None, "", "a", "b", "B", "c")
    for active in (None, True, False)
    for created, rate in zip(TIMES, (None, 1.0, 1.25, 2.0), strict=True)
]

PREDICATES = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
    ),
    max_leaves=5,
)

FORBIDDEN = {
    "never-passes": {"pass"},
    "never-fails": {"fail"},
    "always-unknown": {"pass", "fail"},
    "never-applies": {"pass", "fail"},
}


@pytest.fixture(scope="module", name="connection")
def _connection() -> Iterator[Connection]:
    with database({"id": str(n), **row} for n, row in enumerate(ROWS)) as connection:
        yield connection


def _codes(connection: Connection, require: str, where: str | None = None) -> set[str]:
    prepared = prepare(connection, [rule(require, where)])
    errors, warnings = constant_verdicts(connection, prepared)
    return {problem.code for problem in (*errors, *warnings)}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PREDICATES, st.one_of(st.none(), PREDICATES))
def test_no_false_alarm(connection: Connection, require: str, where: str | None) -> None:
    try:
        codes = _codes(connection, require, where)
    except PolicyError:
        return
    (found,) = evaluate(connection, prepare(connection, [rule(require, where)]), AS_OF)
    seen = {outcome.value for outcome, count in found.counts.items() if count}
    for code in codes:
        assert not FORBIDDEN.get(code, set()) & seen


@pytest.mark.parametrize(
    "require",
    [
        "is_active",
        "age_days > 5 and age_days < 7",
        "age_days > 5 or age_days < 3",
        "age_days > 5.5 and age_days < 6.5",
        "rate_limit_per_second > 5 and rate_limit_per_second < 6",
        "name > 'a' and name < 'b'",
        "name <> 'a' and name <> 'b'",
        "lower(name) = 'default'",
        "name is null or name = 'x'",
        "date_created > now() - interval '1 day' or date_created < timestamp '2020-01-01'",
        "date_created > timestamp '2026-01-01' and date_created < now()",
        "date_created > now() - interval '1 month' and date_created < now() - interval '20 days'",
        "date_created > now() - interval '31 days' and date_created < now() - interval '1 month'",
        "age_days = 3 or (is_active and age_days = 4)",
        "count(*) over () > 3 and count(*) over () < 2 or is_active",
        "case when is_active then age_days > 5 else age_days < 5 end",
        "name in ('a', 'b') and name <> 'a'",
        "coalesce(is_active, false)",
        "rate_limit ->> 'count' = '5'",
        # Intervals that DuckDB has and Python has not
        "now() - date_created < to_years(99999999)",
        "now() - date_created < to_days(2147483647)",
        "coalesce(now() - date_created, '99999999 years') > interval '3 days'",
    ],
)
def test_sound_predicates_are_left_alone(connection: Connection, require: str) -> None:
    assert _codes(connection, require) == set()


def test_what_where_selects_may_be_forbidden(connection: Connection) -> None:
    assert _codes(connection, "false", "name like 'tmp%'") == set()
    assert _codes(connection, "false") == {"never-passes"}


def test_a_requirement_against_its_where_is_a_warning(connection: Connection) -> None:
    assert _codes(connection, "name <> 'x'", "name = 'x'") == {"never-passes"}


def test_a_where_that_reads_nothing_is_a_warning(connection: Connection) -> None:
    assert _codes(connection, "is_active", "true") == {"no-column"}
    assert _codes(connection, "is_active", "now() > timestamp '2020-01-01'") == {"no-column"}
