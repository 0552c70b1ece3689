"""Rows that come back go into a table as they are, whatever is in their texts."""

import duckdb
import pytest

from scanner.engine.remote.local import insert

KINDS = {
    "name": "VARCHAR",
    "is_active": "BOOLEAN",
    "rate": "BIGINT",
    "created": "TIMESTAMP WITH TIME ZONE",
    "scopes": "VARCHAR[]",
    "rate_limit": "JSON",
}
TABLE = f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in KINDS.items())})"


def test_values_keep_their_types() -> None:
    row = {
        "name": "ü'\"\\ \n, null",
        "is_active": True,
        "rate": 2**62,
        "created": "2026-01-01T00:00:00.000001Z",
        "scopes": ["a, b", '"', "[", ""],
        "rate_limit": {"count": 1, "window": None},
    }
    with duckdb.connect() as connection:
        connection.execute(TABLE)
        insert(connection, "t", KINDS, [row, {}, {"rate_limit": '{"count": 2}', "rate": None}])
        found = connection.execute(
            "SELECT * REPLACE (epoch_us(created) AS created,"
            " CAST(rate_limit AS VARCHAR) AS rate_limit) FROM t"
        ).fetchall()
    whole = (row["name"], True, 2**62, 1_767_225_600_000_001, row["scopes"])
    assert found == [
        (*whole, '{"count":1,"window":null}'),
        (None,) * 6,
        (*(None,) * 5, '{"count": 2}'),  # a text of JSON stays as it is
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("is_active", "perhaps"), ("rate", "1 or 2"), ("created", "yesterday"), ("scopes", "[")],
)
def test_a_value_of_another_type_is_not_taken_for_none(name: str, value: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLE)
        with pytest.raises(duckdb.Error):
            insert(connection, "t", KINDS, [{name: value}])
