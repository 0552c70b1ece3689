"""Columns that depend on as-of, wound to another day, are as if they had been loaded then."""

from datetime import timedelta
from pathlib import Path

import pytest

from scanner.base.text import timestamp
from scanner.catalogue import TABLES
from scanner.engine.database import Connection, connect
from scanner.engine.forecast.moving import depends, moving, wind
from scanner.engine.intake.load import load
from scanner.engine.judge.prepare import prepare
from scanner.model.inventory import Needs, Scope
from tests.unit.engine.forecast.worlds import AS_OF, KEYS, PROJECTS, TOKENS, Records, save
from tests.unit.engine.support import rule

DAYS = 40
DATES = [
    None,
    *(timestamp(AS_OF + timedelta(**by)) for by in (
        {"days": -30}, {"days": -1, "seconds": 1}, {"minutes": 4}, {"minutes": 6}, {"days": 9},
        {"days": 39}, {"days": 90},
    )),
]  # fmt: skip
RECORDS: Records = {
    PROJECTS: [
        {"id": str(n), "slug": f"p{n}", "dateCreated": date} for n, date in enumerate(DATES)
    ],
    KEYS: [{"id": f"k{n}", "projectId": n, "dateCreated": date} for n, date in enumerate(DATES)],
    TOKENS: [
        {"id": f"t{n}", "dateCreated": date, "dateLastUsed": DATES[n - 1]}
        for n, date in enumerate(DATES)
    ],
}

ALL = {name: frozenset(table.columns) for name, table in TABLES.items()}


def loaded(tmp_path: Path, day: int, ahead: int = 0) -> Connection:
    source = save(RECORDS, tmp_path / "inventory.jsonl")
    inventory = source.collect(Scope(), Needs({}), tmp_path)
    connection = connect()
    load(connection, inventory, Scope(), AS_OF + timedelta(days=day), ALL, ahead)
    return connection


def rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    names = ", ".join(f'"{name}"' for name, one in TABLES[table].columns.items() if not one.heavy)
    return connection.execute(f'SELECT {names} FROM "{table}" ORDER BY id').fetchall()


def test_a_table_is_wound_to_what_it_would_be(tmp_path: Path) -> None:
    tables = (KEYS, PROJECTS, TOKENS)
    with loaded(tmp_path, 0, DAYS) as ahead, loaded(tmp_path, 0) as today:
        for table in tables:
            assert rows(ahead, table) == rows(today, table)
        for day in (1, 9, 10, DAYS, 0):
            with loaded(tmp_path, day) as then:
                for table in tables:
                    wind(ahead, table, AS_OF + timedelta(days=day))
                    assert rows(ahead, table) == rows(then, table), (table, day)


def test_the_digest_is_that_of_as_of(tmp_path: Path) -> None:
    source = save(RECORDS, tmp_path / "inventory.jsonl")
    digests = set()
    for ahead in (0, DAYS):
        inventory = source.collect(Scope(), Needs({}), tmp_path)
        with connect() as connection:
            digests.add(load(connection, inventory, Scope(), AS_OF, {}, ahead).digest)
    assert len(digests) == 1


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_is_made_from_as_of_can_be_made_again(table: str) -> None:
    with connect() as connection:
        made = moving(connection, table, "$as_of")
        columns = TABLES[table].columns
        of_as_of = {name for name, one in columns.items() if "$as_of" in one.source}
        times = {name for name, one in columns.items() if one.type.startswith("TIMESTAMP")}
        assert set(made) == of_as_of - times


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("is_active", False),
        ("date_created > '2026-01-01'", False),
        ("date_created > now() - interval '3 days'", True),
        ("current_date > '2026-01-01'", True),
        ("age_days < 90", True),
        ("count(*) over () < 5", False),
        ("count(*) filter (where age_days > 5) over () < 5", True),
    ],
)
def test_which_rules_depend_on_the_time(text: str, does: bool) -> None:  # noqa: FBT001 - a table
    with connect() as connection:
        columns = moving(connection, KEYS, "$as_of")
        (one,) = prepare(connection, [rule(text)])
        assert depends(one, columns) is does
        (one,) = prepare(connection, [rule("true", where=text)])
        assert depends(one, columns) is does
