"""Compiled SQL agrees with a tiny reference evaluator of three-valued logic, NULLs included."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.support import AS_OF, outcomes, rule

Row = dict[str, Any]
Truth = bool | None
Condition = tuple[str, Callable[[Row], Truth]]

NAMES = ["web", "api", "Default", ""]
ROWS = st.fixed_dictionaries(
    {
        "is_active": st.sampled_from([True, False, None]),
        "rate_limit_count": st.sampled_from([None, 0, 1, 5, 10]),
        "name": st.sampled_from([*NAMES, None]),
        "date_created": st.sampled_from(
            [None, *(AS_OF - timedelta(days=d) for d in (0, 1, 89, 90))]
        ),
    }
)


def compare(column: str, operator: str, value: object, literal: str) -> Condition:
    def evaluate(row: Row) -> Truth:
        found = row[column]
        if found is None:
            return None
        results: dict[str, bool] = {
            "=": found == value,
            "<>": found != value,
            "<": found < value,
            ">=": found >= value,
        }
        return results[operator]

    return f"{column} {operator} {literal}", evaluate


def is_null(column: str) -> Condition:
    return f"{column} IS NULL", lambda row: row[column] is None


def member(values: list[str]) -> Condition:
    texts = ", ".join(f"'{value}'" for value in values)
    return f"name IN ({texts})", lambda row: None if row["name"] is None else row["name"] in values


def invert(condition: Condition) -> Condition:
    text, evaluate = condition

    def negated(row: Row) -> Truth:
        found = evaluate(row)
        return None if found is None else not found

    return f"NOT ({text})", negated


def both(left: Condition, right: Condition) -> Condition:
    def evaluate(row: Row) -> Truth:
        found = (left[1](row), right[1](row))
        return False if False in found else None if None in found else True

    return f"({left[0]}) AND ({right[0]})", evaluate


def either(left: Condition, right: Condition) -> Condition:
    def evaluate(row: Row) -> Truth:
        found = (left[1](row), right[1](row))
        return True if True in found else None if None in found else False

    return f"({left[0]}) OR ({right[0]})", evaluate


OPERATORS = st.sampled_from(["=", "<>", "<", ">="])
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.just(("is_active", lambda row: row["is_active"])),
    st.builds(
        lambda operator, value: compare("rate_limit_count", operator, value, str(value)),
        OPERATORS,
        st.integers(0, 10),
    ),
    st.builds(
        lambda operator, value: compare("name", operator, value, f"'{value}'"),
        OPERATORS,
        st.sampled_from(NAMES),
    ),
    st.builds(
        lambda operator, days: compare(
            "date_created",
            operator,
            AS_OF - timedelta(days=days),
            f"now() - INTERVAL '{days} days'",
        ),
        OPERATORS,
        st.integers(0, 91),
    ),
    st.builds(is_null, st.sampled_from(["is_active", "name", "date_created", "rate_limit_count"])),
    st.builds(member, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(invert, inner), st.builds(both, inner, inner), st.builds(either, inner, inner)
    ),
    max_leaves=8,
)


def expected(where: Condition | None, requirement: Condition, row: Row) -> str:
    about = True if where is None else where[1](row)
    if about is not True:
        return "unknown" if about is None else "not_applicable"
    return {True: "pass", False: "fail", None: "unknown"}[requirement[1](row)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pairs=st.lists(st.tuples(st.none() | CONDITIONS, CONDITIONS), min_size=1, max_size=4),
    rows=st.lists(ROWS, min_size=1, max_size=12),
)
def test_sql_agrees_with_the_reference(
    pairs: list[tuple[Condition | None, Condition]], rows: list[Row]
) -> None:
    rules = [
        rule(requirement[0], None if where is None else where[0], name=f"r{number}")
        for number, (where, requirement) in enumerate(pairs)
    ]
    assert outcomes(rules, rows) == [
        [expected(where, requirement, row) for row in rows] for where, requirement in pairs
    ]
