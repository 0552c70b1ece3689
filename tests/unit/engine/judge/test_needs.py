"""What is asked of a source: the tables and columns that rules and queries read."""

import pytest

from scanner.base.errors import UsageError
from scanner.catalogue import COSTLY
from scanner.engine.database import connect
from scanner.engine.judge.prepare import needs, prepare
from scanner.engine.judge.query import reads
from scanner.model.inventory import Needs
from scanner.model.rule import Rule
from tests.unit.engine.support import rule


def test_rules_need_what_their_predicates_and_messages_read() -> None:
    with connect() as connection:
        rules = [
            rule("is_active", where="age_days > 3", message="{name}"),
            rule("name <> ''", name="s"),
            rule("scopes is null", name="t", resource="sentry_token"),
        ]
        found = needs(prepare(connection, rules))
    assert found.tables == {"sentry_key", "sentry_token"}
    assert found.columns["sentry_key"] == {"is_active", "age_days", "name"}
    assert not found.reads("sentry_key", COSTLY["sentry_key"])


@pytest.mark.parametrize(
    "made",
    [
        rule("events_accepted_30d > 0"),
        rule("is_active", where="events_dropped_30d = 0"),
        rule("is_active", message="{events_filtered_30d}"),
    ],
)
def test_usage_is_needed_wherever_it_is_named(made: Rule) -> None:
    with connect() as connection:
        assert needs(prepare(connection, [made])).reads("sentry_key", COSTLY["sentry_key"])


@pytest.mark.parametrize(
    ("sql", "tables", "usage"),
    [
        ("select * from sentry_key", {"sentry_key"}, False),
        ("select events_accepted_30d from sentry_key", {"sentry_key"}, True),
        ("select sum(k.EVENTS_dropped_30d) from Sentry_Key k", {"sentry_key"}, True),
        ("select 1", set(), False),
        (
            "with x as (select * from sentry_token) select * from x, sentry_project p",
            {"sentry_token", "sentry_project"},
            False,
        ),
        (
            "select id from sentry_key order by events_filtered_30d, (select 1 from sentry_token)",
            {"sentry_key", "sentry_token"},
            True,
        ),
    ],
)
def test_a_query_needs_what_it_names(sql: str, tables: set[str], usage: bool) -> None:  # noqa: FBT001 - a plain fact
    with connect() as connection:
        found = reads(connection, sql)
    assert found.tables == tables
    assert found.reads("sentry_key", COSTLY["sentry_key"]) is usage


@pytest.mark.parametrize("sql", ["select", "select * from nowhere", "drop table sentry_key"])
def test_a_bad_query_is_refused_before_anything_is_fetched(sql: str) -> None:
    with connect() as connection, pytest.raises(UsageError):
        reads(connection, sql)


def test_tables_alone_read_no_column() -> None:
    found = Needs.of(["sentry_key"])
    assert found.tables == {"sentry_key"}
    assert not found.reads("sentry_key", frozenset({"name"}))
    assert not found.reads("sentry_token", frozenset({"scopes"}))
