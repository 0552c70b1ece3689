"""`query` writes times as the reports do, in every format."""

import json
from datetime import UTC, datetime

import pytest

from scanner.engine.database import connect
from scanner.engine.judge.query import query, query_json

AS_OF = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
WRITTEN = "2026-03-01T10:30:00.000000Z"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT now() AS a", {"a": WRITTEN}),
        ('SELECT now() AS "a""b", 1 AS c', {'a"b': WRITTEN, "c": "1"}),
        ("SELECT * FROM (SELECT now() AS a ORDER BY a)", {"a": WRITTEN}),
        ("SELECT max(now()) AS a, current_date AS b", {"a": WRITTEN, "b": "2026-03-01"}),
        ("SELECT CAST(NULL AS TIMESTAMPTZ) AS a", {"a": None}),
    ],
)
def test_times(sql: str, expected: dict[str, str | None]) -> None:
    with connect() as connection:
        answer = query(connection, sql, AS_OF)
        assert [dict(zip(answer.columns, row, strict=True)) for row in answer.rows] == [expected]
        (row,) = (json.loads(text) for text in query_json(connection, sql, AS_OF))
        assert {name: None if v is None else str(v) for name, v in row.items()} == expected
