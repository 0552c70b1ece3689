from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.database import Connection, connect
from scanner.triage.fingerprint import beginning, fingerprint, fingerprint_sql

TEXT = st.none() | st.text()


def test_the_recipe_does_not_change_from_release_to_release() -> None:
    assert fingerprint("key-max-age", "acme", "4505", "k1") == "35dc14bedd03ef3e9460c7a4eaab8f11"


@given(st.tuples(st.text(), TEXT, TEXT, st.text()), st.tuples(st.text(), TEXT, TEXT, st.text()))
def test_different_findings_have_different_fingerprints(
    left: tuple[str, str | None, str | None, str], right: tuple[str, str | None, str | None, str]
) -> None:
    assert (fingerprint(*left) == fingerprint(*right)) == (left == right)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with connect() as opened:
        yield opened


@given(st.lists(st.tuples(st.text(), TEXT, TEXT, st.text()), min_size=1, max_size=20))
def test_the_database_makes_the_same(
    connection: Connection,
    findings: list[tuple[str, str | None, str | None, str]],
) -> None:
    begun, *columns = zip(*((beginning(one[0]), *one[1:]) for one in findings), strict=True)
    rows = ", ".join(
        f"unnest(CAST(${name} AS VARCHAR[])) AS {name}" for name in ("begun", "o", "p", "k")
    )
    values = dict(zip(("begun", "o", "p", "k"), map(list, (begun, *columns)), strict=True))
    sql = f"SELECT {fingerprint_sql('begun', 'o', 'p', 'k')} FROM (SELECT {rows})"
    made = [found for (found,) in connection.execute(sql, values).fetchall()]
    assert made == [fingerprint(*one) for one in findings]
