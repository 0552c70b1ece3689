"""What counts as a fact: values, not the order in which a server happens to give them."""

import json
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.inventory.rows.facts import ROW, fact_paths
from scanner.inventory.rows.normalize import BAD, select
from scanner.inventory.rows.plain import plain
from scanner.model.table import LIST, OBJECT
from tests.unit.engine.support import AS_OF

SCALARS: Final = st.sampled_from(
    [None, True, 0, 7, 30, 60, "", "a", "b", "é", "{", "[", ",", "a:b"]
)
NAMES: Final = st.sampled_from(["count", "window", "slug", "id", "", "a/b", "~", "~1", "é", "0"])
OBJECTS: Final = st.dictionaries(NAMES, SCALARS, max_size=4)
TEXTS: Final = st.lists(SCALARS, max_size=4)
LISTS: Final = st.lists(SCALARS | OBJECTS, max_size=4)
NESTED: Final = {
    name: {
        path: types for path in fact_paths(name) if (types := fields[path].types) in {OBJECT, LIST}
    }
    for name, fields in ((name, table.fields) for name, table in TABLES.items())
}
"""By table: the facts that are objects or lists."""


def rows(connection: Connection, name: str, records: list[dict[str, Any]]) -> list[list[bytes]]:
    """Return what the digest is made of, of each record, in the quick way and the careful one."""
    raw = (
        "SELECT CAST(unnest($records) AS JSON) AS record, 'acme' AS organization, NULL AS project,"
        " 'https://s.test' AS server, generate_subscripts($records, 1) AS file"
    )
    found = []
    for made in (plain(name, ["id", ROW]), select(name, ["id", ROW])):
        values = {"records": [json.dumps(one) for one in records], "as_of": AS_OF}
        sql = f"WITH raw AS ({raw}) SELECT {BAD}, {ROW} FROM ({made}) ORDER BY _file"
        used = {key: value for key, value in values.items() if f"${key}" in sql}
        found.append(connection.execute(sql, used).fetchall())
    for quick, careful in zip(*found, strict=True):
        assert careful[0] is False
        assert quick in {(None, None), careful}
    return [row for _, row in found[1]]


def put(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a record with something at a path of one or two names."""
    first, *rest = path.removeprefix("$.").split(".")
    return {**record, first: put(record.get(first, {}), ".".join(rest), value) if rest else value}


@st.composite
def reordered(draw: Any, value: Any) -> Any:
    """The same value with its members and elements in another order."""
    if isinstance(value, dict):
        return dict(draw(st.permutations(list(value.items()))))
    if isinstance(value, list):
        return draw(st.permutations([draw(reordered(part)) for part in value]))
    return value


def shown(value: Any) -> str:
    """Return a text that all values have that differ in nothing but order."""
    if isinstance(value, list):
        return str(sorted(map(shown, value)))
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("name", [name for name, paths in NESTED.items() if paths])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_order_is_no_fact_and_all_else_is(connection: Connection, name: str, data: Any) -> None:
    ids = {"id": "1", "uuid": "u", "slug": "s"}
    for path, types in NESTED[name].items():
        columns = TABLES[name].columns.values()
        holds_objects = any(one.type == "JSON" and one.field == path for one in columns)
        kind = OBJECTS if types == OBJECT else LISTS if holds_objects else TEXTS
        values = data.draw(st.lists(kind, max_size=8))
        values += [data.draw(reordered(value)) for value in values]
        values = [value for value in values if sound(name, path, value)]
        found = rows(connection, name, [put(ids, path, value) for value in values])
        told = dict(zip(map(shown, values), found, strict=True))
        assert found == [told[shown(value)] for value in values]
        assert len(set(told.values())) == len(told)


def sound(name: str, path: str, value: Any) -> bool:
    """Whether members that are fields themselves have the right types."""
    fields = {
        one: field for one, field in TABLES[name].fields.items() if one.startswith(f"{path}.")
    }
    if not isinstance(value, dict) or not fields:
        return True
    numbers = [value.get(one.removeprefix(f"{path}.")) for one in fields]
    return all(part is None or type(part) is int for part in numbers)


@pytest.mark.parametrize("members", list(permutations({"window": 60, "count": 30}.items())))
def test_a_usual_rate_limit_is_told_by_its_numbers(
    connection: Connection, members: tuple[tuple[str, int], ...]
) -> None:
    limits = [dict(members), {"window": 60}, {"count": 30}, {}, None, {**dict(members), "x": 1}]
    limits += [{"window": 30, "count": 60}, {"window": 6, "count": 300}]
    found = rows(connection, "sentry_key", [{"id": "1", "rateLimit": one} for one in limits])
    assert len(set(found)) == len(limits)
    assert (
        found[0]
        == rows(connection, "sentry_key", [{"id": "1", "rateLimit": {"window": 60, "count": 30}}])[
            0
        ]
    )
