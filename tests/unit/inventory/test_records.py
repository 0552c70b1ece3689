"""What a record may be is said once in Python, and SQL judges files by the same catalogue."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.inventory.records import fault
from scanner.inventory.rows.normalize import BAD, select
from scanner.inventory.rows.plain import plain
from tests.unit.engine.support import shared

SOUND: dict[str, dict[str, Any]] = {
    "sentry_key": {"id": "k"},
    "sentry_project": {"id": "1", "slug": "web"},
    "sentry_organization": {"id": "1", "slug": "acme"},
    "sentry_org_auth_token": {"id": "1"},
}
NUMBERS = ["7", "-7", "0", str(2**63 - 1), str(-(2**63))]
NO_NUMBERS = [
    *("7.5", "7.0", "1e3", "0x10", " 7", "7 ", "+7", "-0", "007", "1_000", "abc", "\u0667"),
    *(str(2**63), str(-(2**63) - 1), "9" * 20),
]
EDGES = [
    *(0, -1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 1.0, 1.5, "", " "),
    *(*NUMBERS, *NO_NUMBERS),
]
VALUES = st.one_of(
    st.sampled_from(EDGES),
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", "2026-02-30", "infinity", "x"]),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from(["slug", "count"]), st.integers(0, 3), max_size=1),
)
PLACES = [(table, path) for table in SOUND for path in TABLES[table].fields]


def _with(record: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the record with this value at the path."""
    first, *rest = path.removeprefix("$.").split(".")
    inner = _with({}, ".".join(rest), value) if rest else value
    return {**record, first: inner}


@pytest.mark.parametrize("table", SOUND)
def test_python_and_sql_refuse_the_same_at_the_edges(table: str) -> None:
    others: list[Any] = [None, True, "x", "2026-01-01", "2026-02-30", [], {}]
    _agree([((table, path), value) for path in TABLES[table].fields for value in (*EDGES, *others)])


@pytest.mark.parametrize("field", ["projectId", "projectID"])
def test_a_number_in_a_text_is_a_number(field: str) -> None:
    """A guess would put a key into another project, with the windows that go by it."""
    texts = (*NUMBERS, *NO_NUMBERS)
    found = {text: fault("sentry_key", {"id": "k", field: text}) for text in texts}
    assert {text for text, problem in found.items() if problem is None} == set(NUMBERS)
    assert found["7.5"] == f"{field} is not a whole number"


TWO_NAMES = [
    *((7, 7, True), (7, "7", True), ("7", 7, True), (None, 7, True), (7, None, True)),
    *((7, 8, False), (7, "8", False), (0, 7, False), ("7", 70, False)),
]


@pytest.mark.parametrize(("today", "of_old", "sound"), TWO_NAMES)
def test_two_names_of_one_field_tell_the_same(today: object, of_old: object, sound: bool) -> None:  # noqa: FBT001 - a column of the table
    record = {"id": "k", "projectId": today, "projectID": of_old}
    assert (fault("sentry_key", record) is None) == sound
    with shared().cursor() as connection:
        values = {"record": json.dumps(record)}
        for made in (select, plain):
            sql = (
                "WITH raw AS (SELECT CAST($record AS JSON) AS record, 'web' AS project, 'acme' AS"
                f" organization, NULL AS server, 0 AS file) SELECT {BAD} FROM"
                f" ({made('sentry_key', ['project_id'])})"
            )
            ((bad,),) = connection.execute(sql, values).fetchall()
            assert bad is (not sound) or (made is plain and bad is None)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=60))
def test_python_and_sql_refuse_the_same(cases: list[tuple[tuple[str, str], Any]]) -> None:
    _agree(cases)


def _agree(cases: Sequence[tuple[tuple[str, str], Any]]) -> None:
    by_table: dict[str, list[tuple[str, Any]]] = {}
    for (table, path), value in cases:
        by_table.setdefault(table, []).append((path, value))
    with shared().cursor() as connection:
        for table, given_there in by_table.items():
            records = [_with(SOUND[table], path, value) for path, value in given_there]
            raw = (
                "SELECT CAST(unnest($records) AS JSON) AS record, unnest($numbers) AS project,"
                " 'acme' AS organization, NULL AS server, 0 AS file"
            )
            sql = f"WITH raw AS ({raw}) SELECT {BAD} FROM ({select(table, ['id'])})"
            told = {"records": list(map(json.dumps, records)), "numbers": ["web"] * len(records)}
            found = [bad for (bad,) in connection.execute(sql, told).fetchall()]
            assert [fault(table, record) is not None for record in records] == found
