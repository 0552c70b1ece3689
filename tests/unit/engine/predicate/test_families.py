"""What the guard and the database accept for a column runs on the values of that column."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import _duckdb as duckdb
import pytest

from scanner.base.errors import Location
from scanner.engine.database import connect
from scanner.engine.predicate.guard import Guard, GuardError
from scanner.model.rule import Predicate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.engine.database import Connection

COLUMNS = {
    "name": "'web'",
    "is_active": "true",
    "date_created": "TIMESTAMPTZ '2026-01-31'",
    "project_id": "CAST(3 AS BIGINT)",
    "project_teams": "['web']",
    "rate_limit": """CAST('{"window": 60, "count": 5}' AS JSON)""",
    "dsn": """CAST('{"public": "x"}' AS JSON)""",
    "rate_limit_per_second": "CAST(0.5 AS DOUBLE)",
}
LITERALS = ("5", "1.5", "'ops'", "'[ops]'", "true", "INTERVAL '1 day'", "DATE '2026-01-31'")
VALUES: tuple[Any, ...] = (5, 1.5, "ops", True, timedelta(days=1))
TEXTUAL = ("name", "project_teams")
"""For the others the database says, as it reads a text, whether it is such a value."""

FORMS = (
    *("{c} = {v}", "{v} <> {c}", "{c} < {v}", "{c} IN ({v})", "{c} NOT IN ({v}, {v})"),
    *("{c} BETWEEN {v} AND {v}", "{c} IS DISTINCT FROM {v}", "{c} IS NOT DISTINCT FROM {v}"),
)


GIVING_ONE = (
    *("max({c}) OVER (PARTITION BY project_id) = {v}", "coalesce({c}, {c}) <> {v}"),
    "nullif({c}, {v}) IS NULL",
)
"""Of what gives one of the values that it is given."""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with connect() as made:
        yield made


def _outcome(connection: Connection, text: str, params: dict[str, Any]) -> str:
    """Return whether the predicate is refused, passes, or breaks on the row."""
    (made,) = Guard(connection).check_all(
        [(Predicate(text, params, Location("p.yaml", 1, 1)), "sentry_key", "q_")]
    )
    if isinstance(made, GuardError):
        return "refused"
    row = ", ".join(f'{value} AS "{name}"' for name, value in COLUMNS.items())
    sql = f"SELECT {made.sql} FROM (SELECT {row})"
    try:
        connection.execute(f"{sql} LIMIT 0", made.params)
    except duckdb.Error:
        return "refused"
    connection.execute(sql, made.params)
    return "runs"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", COLUMNS)
def test_what_is_accepted_runs(connection: Connection, column: str, form: str) -> None:
    for literal in LITERALS:
        if column in TEXTUAL or "ops" not in literal:
            _outcome(connection, form.format(c=column, v=literal), {})
    for value in VALUES if column in TEXTUAL else [one for one in VALUES if one != "ops"]:
        _outcome(connection, form.format(c=column, v="$p"), {"p": value})


@pytest.mark.parametrize("column", COLUMNS)
def test_lists_too(connection: Connection, column: str) -> None:
    texts = [["web", "ops"]] if column in TEXTUAL else []
    for values in ([1, 2], [0.5], *texts):
        _outcome(connection, f"{column} IN $p", {"p": values})


@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("name = $p", {"p": "web"}, "runs"),
        ("name = $p", {"p": 5}, "refused"),
        ("name IN $p", {"p": [1, 2]}, "refused"),
        ("list_contains(project_teams, $p)", {"p": "web"}, "runs"),
        ("project_teams = '[web]'", {}, "runs"),
        ("project_teams = 'web'", {}, "refused"),
        ("project_teams IN $p", {"p": ["web"]}, "refused"),
        ("rate_limit->>'window' = '60'", {}, "runs"),
        ("TRY_CAST(rate_limit->>'window' AS BIGINT) > 5", {}, "runs"),
        ("rate_limit > 5", {}, "refused"),
        ("dsn > 3", {}, "refused"),
        ("project_id = $p", {"p": True}, "runs"),
        ("project_id IN $p", {"p": [1, 2]}, "runs"),
    ],
)
def test_what_is_refused(
    connection: Connection, text: str, params: dict[str, Any], expected: str
) -> None:
    assert _outcome(connection, text, params) == expected


@pytest.mark.parametrize("form", [*FORMS, *GIVING_ONE])
@pytest.mark.parametrize("column", COLUMNS)
def test_columns_beside_each_other_too(connection: Connection, column: str, form: str) -> None:
    ran = {
        other
        for other in COLUMNS
        if _outcome(connection, form.format(c=column, v=other), {}) == "runs"
    }
    assert column in ran
