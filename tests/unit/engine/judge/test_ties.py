"""Rows that are equal in the order of a window: what it says does not depend on how they came."""

import random

import pytest

from scanner.catalogue import TABLES
from scanner.engine.database import create
from scanner.engine.judge.evaluate import CODES, evaluate
from scanner.engine.judge.prepare import prepare
from scanner.model.outcome import Outcome
from tests.unit.engine.support import AS_OF, Row, insert, outcomes, rule, shared

Judged = tuple[str, str, int]

TIED = "PARTITION BY project_id ORDER BY date_created"
WINDOWS = [
    "row_number() OVER () > 9",
    "row_number() OVER (PARTITION BY project_id) > 2",
    f"row_number() OVER ({TIED}) > 2",
    f"row_number() OVER ({TIED} DESC NULLS FIRST) > 2",
    f"lag(is_active) OVER ({TIED})",
    f"lead(is_active, 2, true) OVER ({TIED})",
    "row_number() OVER (ORDER BY date_created RANGE INTERVAL 3 DAYS PRECEDING) > 9",
    "lag(is_active) OVER (ORDER BY date_created GROUPS 2 PRECEDING)",
    "first_value(is_active) OVER (PARTITION BY project_id)",
    "last_value(is_active) OVER (PARTITION BY project_id)",
    f"first_value(is_active) OVER ({TIED})",
    f"last_value(is_active) OVER ({TIED})",
    f"last_value(is_active) OVER ({TIED} RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
    f"bool_and(is_active) OVER ({TIED} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    "count(*) FILTER (WHERE is_active) OVER (ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) > 1",
    f"first_value(is_active) OVER ({TIED} GROUPS 1 PRECEDING)",
    f"last_value(is_active IGNORE NULLS) OVER ({TIED} GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    f"first_value(is_active) OVER ({TIED} DESC RANGE INTERVAL 1 DAY PRECEDING)",
    "sum(rate_limit_per_second) OVER (PARTITION BY project_id) <= 30.4",
    "avg(rate_limit_per_second) FILTER (WHERE is_active) OVER () * 1e15 % 2 < 1",
    "sum(1) OVER (PARTITION BY project_id) > 9",
    f"first_value(is_active) OVER ({TIED} ROWS 1 PRECEDING) OR rank() OVER ({TIED}) > 3",
]


def _rows() -> list[Row]:
    chance = random.Random(7)  # noqa: S311 - not about secrets
    days = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", None)
    return [
        {
            "id": f"{number:03}",
            "project_id": number % 4,
            "is_active": chance.random() < 0.5,
            "date_created": chance.choice(days),
            "rate_limit_per_second": chance.random(),
        }
        for number in range(60)
    ]


def _judged(texts: list[str], rows: list[Row], table: str = "sentry_key") -> list[set[Judged]]:
    """For each condition, the rows with their outcomes."""
    rules = [rule(text, name=f"r{n}", resource=table) for n, text in enumerate(texts)]
    connection = shared()
    create(connection, table, TABLES[table].columns)
    insert(connection, table, rows)
    return [
        set(
            connection.execute(
                f"SELECT t.organization_slug, t.id, v.{one.column} FROM {one.verdicts} AS v"
                f' JOIN "{table}" AS t ON t.rowid = v.number'
            ).fetchall()
        )
        for one in evaluate(connection, prepare(connection, rules), AS_OF)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    rows = _rows()
    expected = _judged(WINDOWS, rows)
    random.Random(seed).shuffle(rows)  # noqa: S311 - not about secrets
    assert _judged(WINDOWS, rows) == expected


@pytest.mark.parametrize("text", WINDOWS)
def test_it_changes_nothing_where_no_other_window_orders_them(text: str) -> None:
    rows = _rows()
    expected = _judged([text], rows)
    for seed in range(3):
        random.Random(seed).shuffle(rows)  # noqa: S311 - not about secrets
        assert _judged([text], rows) == expected


def test_what_a_window_sees_stays() -> None:
    first = [
        "first_value(id) OVER (PARTITION BY project_id) = '00' || CAST(project_id AS VARCHAR)",
        "last_value(id) OVER (PARTITION BY project_id) = CAST(56 + project_id AS VARCHAR)",
        "first_value(id) OVER () = '000' AND last_value(id) OVER () = '059'",
        "count(*) OVER (PARTITION BY project_id) = 15",
    ]
    first[1] = first[1].replace("= CAST", "= '0' || CAST")
    assert outcomes([rule(text) for text in first], _rows()) == [["pass"] * 60] * len(first)


def test_rows_that_are_equal_have_one_rank_whatever_the_frame() -> None:
    ranks = [
        f"{name}() OVER ({TIED}{frame}) = 1"
        for name in ("rank", "dense_rank")
        for frame in ("", " ROWS 1 PRECEDING", " ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING")
    ]
    first, *others = outcomes([rule(text) for text in ranks], _rows())
    assert first.count("pass") > 4
    assert others == [first] * 5


@pytest.mark.parametrize("seed", range(5))
def test_a_sum_of_fractions_is_one_in_each_order(seed: int) -> None:
    rows: list[Row] = [
        {"id": f"{number}", "project_id": 1, "rate_limit_per_second": rate}
        for number, rate in enumerate((0.1, 0.2, 0.3, 0.4, 0.7))
    ]
    random.Random(seed).shuffle(rows)  # noqa: S311 - not about secrets
    total = f"{0.1 + 0.2 + 0.3 + 0.4 + 0.7!r}::DOUBLE"
    texts = [
        f"sum(rate_limit_per_second) OVER (PARTITION BY project_id) = {total}",
        f"avg(rate_limit_per_second) OVER () = {total} / 5",
    ]
    assert outcomes([rule(text) for text in texts], rows) == [["pass"] * 5] * 2


def test_equal_ids_of_two_organizations_are_two_rows() -> None:
    rows: list[Row] = [
        {"id": identifier, "organization_slug": slug, "name": "x"}
        for slug in ("acme", "globex")
        for identifier in ("a", "b")
    ]
    text = "row_number() OVER (ORDER BY name) IN (1, 3)"
    passing, failing = CODES.index(Outcome.PASS), CODES.index(Outcome.FAIL)
    expected = {
        *(("acme", "a", passing), ("globex", "a", failing)),
        *(("acme", "b", passing), ("globex", "b", failing)),
    }
    for _ in range(2):
        assert _judged([text], rows, "sentry_integration") == [expected]
        rows.reverse()
