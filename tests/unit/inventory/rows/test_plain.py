"""The quick way and the careful one make the same rows, or leave the record to the careful one."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.inventory.records import fault
from scanner.inventory.rows.facts import ROW
from scanner.inventory.rows.normalize import BAD, select
from scanner.inventory.rows.plain import not_plain, plain
from tests.unit.engine.support import AS_OF

KEY: Final = "sentry_key"
CANARY: Final = "ca4a7e5ec7e70000aaaabbbbccccdddd"

TEXTS: Final = st.sampled_from(
    [
        *("", "a", "web-prod", "null", "true", "5", "-1", "1.5", "é", "\u65e5\u672c", "\U0001f511"),
        *('"', "\\", "\n", "\x1f", "\x1e", "a\x1fb", "'", "{}", "[", "bearer abcdefgh1", CANARY),
        *("2026-02-01T00:00:00Z", "2026-02-30", "2026-02-01T00:00:00+01:00"),
        *("infinity", "2027-01-01", "2.5", "0x10", "-0", "007", str(2**63), str(2**63 - 1)),
        *("sntrys_abcdefghij", "https://u:p4ssword@h/1", "0a1b2c3d" * 8, "x" * 300),
    ]
)  # fmt: skip
NUMBERS: Final = st.sampled_from(
    [
        *("0", "-0", "7", "-1", "1.5", "1.0", "1E5", "1e400", "60", str(2**53), str(2**63 - 1)),
        *(str(2**63), str(-(2**63)), str(2**64), "123456789012345678901234567890"),
    ]
)
PLAIN: Final = st.sampled_from(["null", "true", "false"]) | NUMBERS | TEXTS.map(json.dumps)
"""JSON as it stands in a file: Python would write numbers otherwise."""


def _object(names: Sequence[str], values: Any) -> Any:
    """JSON objects, some with one name twice, and names that differ in case alone."""
    named = st.sampled_from([*names, *(name.upper() for name in names), "other"])
    return st.lists(st.tuples(named, values), max_size=4).map(_written)


def _written(members: Sequence[tuple[str, str]], space: str = "") -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{space}{value}" for name, value in members) + "}"


def _listed(items: Sequence[str]) -> str:
    return f"[{','.join(items)}]"


PARTS: Final = {
    table: sorted({path.split(".")[2] for path in spec.fields if path.count(".") > 1})
    for table, spec in TABLES.items()
}
VALUES: Final = {
    table: PLAIN
    | _object([*parts, "secret", "public", "slug"], PLAIN | _object(["window"], PLAIN))
    | st.lists(PLAIN | _object(["slug", "name"], PLAIN), max_size=3).map(_listed)
    for table, parts in PARTS.items()
}  # fmt: skip
SOUND: Final = {
    "$.id": '"k1"', "$.uuid": '"u1"', "$.slug": '"shop"', "$.name": '"web"',
    "$.secret": f'"{CANARY}"', "$.isActive": "true", "$.projectId": "7",
    "$.dateCreated": '"2026-02-01T00:00:00Z"',
    "$.rateLimit": '{"window":60,"count":30}', "$.platform": "null",
    "$.dsn": f'{{"public":"https://k1@h/7","secret":"https://k1:{CANARY}@h/7"}}',
    "$.dynamicSdkLoaderOptions": '{"hasDebug":true,"hasReplay":false}',
}  # fmt: skip


@st.composite
def records(draw: Any, table: str) -> str:
    """A record that is sound but for a few fields, or something else that stands in its place."""
    if draw(st.integers(0, 30)) == 0:
        return str(draw(VALUES[table]))
    members = {
        path.removeprefix("$."): value
        for path, value in SOUND.items()
        if path in TABLES[table].fields and (path in {"$.id", "$.uuid"} or draw(st.booleans()))
    }
    tops = sorted({path.split(".")[1] for path in TABLES[table].fields})
    names = st.sampled_from([*tops, *(name.upper() for name in tops), "token", "unknown"])
    odd = draw(st.lists(st.tuples(names, VALUES[table]), max_size=3))
    listed = list(members.items())
    if draw(st.booleans()):
        listed = [(name, value) for name, value in listed if name not in dict(odd)]
    return _written(draw(st.permutations([*listed, *odd])), draw(st.sampled_from(["", " "])))


def _rows(connection: Connection, made: str, told: list[str], places: Any) -> dict[int, Any]:
    """Return what a SELECT makes of the records, by their number."""
    raw = (
        "SELECT CAST(unnest($records) AS JSON) AS record, CAST($organization AS VARCHAR) AS"
        " organization, CAST(unnest($numbers) AS VARCHAR) AS project,"
        " 'https://s.test' AS server, 0 AS file"
    )
    sql = f"WITH raw AS ({raw}) {made}"
    values = {"records": told, "organization": places, "numbers": list(range(len(told)))}
    if "$as_of" in sql:
        values["as_of"] = AS_OF
    found = connection.execute(sql, values)
    names = [one[0] for one in found.description]
    return dict(enumerate(dict(zip(names, row, strict=True)) for row in found.fetchall()))


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Take the first of two members with one name, as the database does."""
    return dict(reversed(pairs))


@pytest.mark.parametrize("table", sorted(TABLES))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_ways_make_the_same(connection: Connection, table: str, data: Any) -> None:
    told = data.draw(st.lists(records(table), min_size=1, max_size=25))
    places = data.draw(st.sampled_from(["acme", None, "a\x1fb", "sntrys_abcdefghij"]))
    listed = st.sampled_from([*sorted(TABLES[table].columns), ROW])
    columns = data.draw(st.lists(listed, unique=True))
    columns = sorted({*columns, "id"})
    keyed = "SELECT q.* FROM ({}) AS q"
    quick = _rows(connection, keyed.format(plain(table, columns)), told, places)
    careful = _rows(connection, keyed.format(select(table, columns)), told, places)
    left = _rows(connection, not_plain(table, columns), told, places)
    assert len(quick) == len(careful) == len(told)
    odd = {number for number, row in quick.items() if row[BAD] is None}
    assert {int(row["project"]) for row in left.values()} == odd
    for number, text in enumerate(told):
        if number in odd:
            hidden = {c: v for c, v in quick[number].items() if isinstance(v, str | bytes)}
            assert not hidden, "texts of a row that is looked at again are not kept meanwhile"
        else:
            assert quick[number] == careful[number], text
            assert quick[number][BAD] is False
            assert (quick[number].get(ROW) is not None) == (ROW in columns)
            assert fault(table, json.loads(text, object_pairs_hook=_first)) is None


def test_usual_records_are_plain(connection: Connection) -> None:
    """Else all of this would hold, and nothing be quicker."""
    usual = [json.loads(json.dumps(one)) for one in _USUAL]
    found = _rows(connection, plain(KEY, ["id", "name"]), list(map(json.dumps, usual)), "acme")
    assert [row[BAD] for row in found.values()] == [False] * len(usual)


_DSN: Final = {
    "public": "https://k1@h/7",
    "secret": f"https://k1:{CANARY}@h/7",
    "cdn": "https://h/k",
}
_KEY: Final[dict[str, Any]] = {
    "id": "k1", "name": "web", "label": "web", "public": "k1", "secret": CANARY, "projectId": 7,
    "isActive": True, "rateLimit": {"window": 60, "count": 30}, "dsn": _DSN,
    "browserSdkVersion": "8.x", "browserSdk": {"choices": [["latest", "latest"]]},
    "dateCreated": "2026-02-01T00:00:00.5+00:00", "useCase": "user",
    "dynamicSdkLoaderOptions": {"hasReplay": True, "hasDebug": False},
}  # fmt: skip
_FETCHED: Final = {
    **{name: value for name, value in _KEY.items() if name != "secret"},
    "dsn": {"public": "https://k1@h/7", "cdn": "https://h/k"},
    "keypolicyUsage": {"accepted": 5, "until": "2026-02-01T00:00:00Z", "last": None},
}
_USUAL: Final = (
    _KEY, _FETCHED, {**_KEY, "rateLimit": None, "name": "K\u00fcche \U0001f511"}, {"id": "k2"},
    {**_KEY, "browserSdkVersion": None, "dateCreated": None, "dynamicSdkLoaderOptions": None},
)  # fmt: skip
