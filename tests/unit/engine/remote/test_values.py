"""Values that a file could not have are none in another database either; the others are taken."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pg8000.native
import pytest

from scanner.engine.remote.address import ServerAddress
from scanner.engine.remote.postgres import PostgresSession
from scanner.engine.remote.spark import SparkEngine
from tests.engines import postgres, spark

pytestmark = [pytest.mark.timeout(600), pytest.mark.engine]

SOUND = {
    "object": ['{"window":60,"count":5}', "{}", '{"a":{"count":1.5},"b":[1]}', "null"],
    "blanks": [' \t\r\n{"window" : 60 ,\n"count": 5 } \n'],
    "numbers": [f'{{"count":{n}}}' for n in (0, -5, 2**63 - 1, -(2**63), "null")],
    "escape": ['{"c\\u006funt":5}', '{"x":"\\"count\\":1.5"}'],
}
UNSOUND = {
    "sort": ["5", '"x"', "true", "[1]", '["a"]'],
    "number": [f'{{"count":{n},"x":{{"count":3}}}}' for n in ("1.5", "5.0", 2**63, '"5"', "true")],
    "inner": ['{"window":{"a":1}}', '{"window":[5]}'],
}
BROKEN = ["", "{", "{not json", '{"a":1} x', "{} {}", '{"a":05}', "{'a':1}", '{"a":1,"a":2}', "NaN"]
"""Texts that are no JSON, or tell one thing twice."""

LISTS = {
    '["a", "null", ""]': True,
    "[]": True,
    '["a", null]': False,
    "[null]": False,
}
MIXED = {'["a", 1]': False, '[["a"]]': False, '{"a": 1}': False, "null": False, '"a"': False}


def texts(of: Mapping[str, Sequence[str]]) -> list[str]:
    return [text for some in of.values() for text in some]


@pytest.fixture(scope="module")
def by_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    with spark.session(tmp_path_factory.mktemp("spark")) as session:
        yield SparkEngine(session, "nowhere", "")


@pytest.fixture(scope="module")
def by_postgres() -> Iterator[PostgresSession]:
    with (
        postgres.server() as folder,
        pg8000.native.Connection(
            postgres.USER, database="postgres", unix_sock=f"{folder}/.s.PGSQL.5432"
        ) as connection,
    ):
        session = PostgresSession(connection, ServerAddress(postgres.USER, "", 0, "postgres"))
        session.begin()
        yield session


def values(session: Any, sql: str) -> list[Any]:
    return [value for some in session.rows(sql) for (value,) in some]


def faulty(
    session: Any, texts: Sequence[str], kind: str, sort: str = "OBJECT", to: str = "{}"
) -> list[str]:
    """Return those of the texts that are told to be faults of a column of JSON."""
    cast = session.cast("v", "JSON", kind)
    rows = " UNION ALL ".join(
        f"SELECT {number} AS n, {to.format(session.value(text))} AS v"
        for number, text in enumerate(texts)
    )
    fault = session.faults(cast, "JSON", sort, ("window", "count"))
    found = values(session, f"SELECT n FROM ({rows}) AS raw WHERE {fault} ORDER BY n")
    return [texts[number] for number in found]


def test_sound_json_is_taken_and_nothing_else(
    by_spark: SparkEngine, by_postgres: PostgresSession
) -> None:
    sound, unsound = texts(SOUND), texts(UNSOUND)
    assert faulty(by_spark, sound + unsound + BROKEN, "string") == unsound + BROKEN
    assert faulty(by_postgres, sound + unsound, "jsonb", to="CAST({} AS jsonb)") == unsound
    # Its json, unlike its jsonb, keeps what is told twice.
    twice = ['{"a":1,"a":2}', '{"count":5,"window":6,"count":5}']
    found = faulty(by_postgres, sound + unsound + twice, "json", to="CAST({} AS json)")
    assert found == unsound + twice


def test_a_list_belongs_where_the_api_gives_one(
    by_spark: SparkEngine, by_postgres: PostgresSession
) -> None:
    lists = ['[{"slug":"a"}]', "[]", "null", "{}"]
    assert faulty(by_spark, lists, "string", "ARRAY") == ["{}"]
    assert faulty(by_postgres, lists, "jsonb", "ARRAY", "CAST({} AS jsonb)") == ["{}"]


@pytest.mark.parametrize("kind", ["array<string>", "text[]", "jsonb"])
def test_a_list_with_anything_but_texts_is_not_known(
    by_spark: SparkEngine, by_postgres: PostgresSession, kind: str
) -> None:
    session: Any = by_spark if kind == "array<string>" else by_postgres
    cast = session.cast("v", "VARCHAR[]", kind)
    for text, is_known in (LISTS | MIXED if kind == "jsonb" else LISTS).items():
        parts = json.loads(text) if kind != "jsonb" else []
        items = ["NULL" if one is None else session.value(one) for one in parts]
        made = {
            "array<string>": f"CAST(ARRAY({', '.join(items)}) AS ARRAY<STRING>)",
            "text[]": f"CAST(ARRAY[{', '.join(items)}] AS text[])",
            "jsonb": f"CAST({session.value(text)} AS jsonb)",
        }
        sql = f"SELECT {cast} IS NOT NULL FROM (SELECT {made[kind]} AS v) AS raw"
        assert values(session, sql) == [is_known], text
    nothing = f"SELECT {cast} IS NULL FROM (SELECT CAST(NULL AS {kind}) AS v) AS raw"
    assert values(session, nothing) == [True]
