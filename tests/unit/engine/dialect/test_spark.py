"""Spark says the same as DuckDB, for every predicate that it is asked."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from scanner.catalogue import TABLES
from scanner.engine.database import connect
from scanner.engine.dialect.letters import NAMES, letters
from scanner.engine.dialect.words.spark import SPARK
from scanner.engine.remote.spark import SETTINGS
from tests.engines import spark
from tests.unit.engine.dialect.agreement import (
    AT_ONCE,
    Agreement,
    compare_once_different,
    compare_random,
    compare_rules,
    compare_windows,
    rules_of_checks,
    shipped_rules,
)

pytestmark = [pytest.mark.timeout(1_800), pytest.mark.engine]

ROUNDS = int(os.environ.get("TEST_SPARK_ROUNDS", "1"))
"""Rounds of 120 random predicates over 80 rows."""


class Frames:
    """Tables in Parquet, made by DuckDB, and read by Spark."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._asked = 0
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        with connect() as own:
            pairs = zip(NAMES, letters(own), strict=True)
            texts = [f"{SPARK.text(text)} AS {name}" for name, text in pairs]
        session.sql(f"SELECT {', '.join(texts)}").createOrReplaceTempView("letters")

    def ask(
        self, table: str, rows: Sequence[Mapping[str, Any]], expressions: Sequence[str]
    ) -> list[tuple[int, ...]]:
        columns = TABLES[table].columns
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            made = ", ".join(f'"{name}" {spec.type}' for name, spec in columns.items())
            connection.execute(f"CREATE TABLE t ({made})")
            for row in rows:
                marks = ", ".join("?" for _ in row)
                names = ", ".join(row)
                connection.execute(f"INSERT INTO t ({names}) VALUES ({marks})", list(row.values()))
            self._asked += 1  # a file of its own: Spark remembers what it has read
            path = self._folder / f"{self._asked}.parquet"
            connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        self._session.read.parquet(str(path)).createOrReplaceTempView("t")
        chosen = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(expressions))
        found = self._session.sql(f"SELECT id, {chosen} FROM t CROSS JOIN letters").collect()
        return [tuple(int(code) for code in row[1:]) for row in sorted(found, key=lambda r: r[0])]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frames]:
    folder = tmp_path_factory.mktemp("spark")
    with spark.session(folder) as session:
        yield Frames(session, folder)


def test_random_predicates_come_to_the_same_outcomes(frames: Frames) -> None:
    agreement = Agreement(SPARK, frames.ask)
    compare_random(agreement, ROUNDS)
    assert agreement.differences == {}
    assert agreement.counts["predicates"] > ROUNDS * AT_ONCE // 2


def test_what_was_different_once_is_the_same(frames: Frames) -> None:
    agreement = Agreement(SPARK, frames.ask)
    compare_once_different(agreement)
    assert agreement.differences == {}
    assert not agreement.refused


def test_windows_come_to_the_same_outcomes_over_every_frame(frames: Frames) -> None:
    agreement = Agreement(SPARK, frames.ask)
    compare_windows(agreement, ROUNDS)
    assert agreement.differences == {}
    assert agreement.counts["predicates"] > ROUNDS * AT_ONCE // 5


def test_shipped_rules_come_to_the_same_outcomes(frames: Frames) -> None:
    agreement = Agreement(SPARK, frames.ask)
    rules = {one.id: one for one in shipped_rules()}
    compare_rules(agreement, list(rules.values()))
    assert agreement.differences == {}
    assert not agreement.refused
    assert agreement.counts["predicates"] == len(rules)


def test_checks_come_to_the_same_outcomes(frames: Frames, tmp_path: Path) -> None:
    agreement = Agreement(SPARK, frames.ask)
    rules = rules_of_checks(tmp_path)
    compare_rules(agreement, rules)
    assert agreement.differences == {}
    assert not agreement.refused
    assert agreement.counts["predicates"] == len(rules)
