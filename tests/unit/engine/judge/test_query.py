import json
import re
from datetime import UTC, datetime
from functools import cache

import pytest

from scanner.base.errors import UsageError
from scanner.engine.database import Connection, connect, create, seal
from scanner.engine.judge.query import query, query_json
from scanner.engine.predicate.clock import CALLS, IMPURE, KEYWORDS

MOMENT = datetime(2026, 3, 1, 5, 6, 7, tzinfo=UTC)

CALENDAR = {
    *("+", "-", "age", "century", "date_diff", "date_part", "date_sub", "date_trunc", "datediff"),
    *("datepart", "datesub", "datetrunc", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear"),
    *("decade", "era", "generate_series", "hour", "isodow", "isoyear", "julian", "last_day"),
    *("make_timestamptz", "microsecond", "millennium", "millisecond", "minute", "month"),
    *("monthname", "quarter", "range", "second", "strftime", "time_bucket", "timezone"),
    *("timezone_hour", "timezone_minute", "week", "weekday", "weekofyear", "year", "yearweek"),
}
"""What depends on the time zone alone, which is always UTC."""


@cache
def sealed() -> Connection:
    """One database for many tests, of which none can change it."""
    connection = connect()
    seal(connection)
    return connection


def answer(sql: str, moment: datetime = MOMENT) -> list[tuple[str | None, ...]]:
    return list(query(sealed(), sql, moment).rows)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("current_date", "2026-03-01"),
        ("current_timestamp", "2026-03-01T05:06:07.000000Z"),
        ("current_time", "05:06:07+00"),
        ("localtime", "05:06:07"),
        ("localtimestamp", "2026-03-01 05:06:07"),
        ("NOW()", "2026-03-01T05:06:07.000000Z"),
        ("main.now()", "2026-03-01T05:06:07.000000Z"),
        ("get_current_timestamp()", "2026-03-01T05:06:07.000000Z"),
        ("transaction_timestamp()", "2026-03-01T05:06:07.000000Z"),
        ("today()", "2026-03-01"),
        ("get_current_time()", "05:06:07+00"),
        ("current_localtime()", "05:06:07"),
        ("current_localtimestamp()", "2026-03-01 05:06:07"),
        ("age(timestamp '2020-01-01')", "6 years 2 months"),
        ("age(timestamptz '2020-01-01 00:00:00+00')", "6 years 2 months"),
        ("age(timestamp '2020-01-01', timestamp '2019-01-01')", "1 year"),
    ],
)
def test_the_present_is_as_of(asked: str, told: str) -> None:
    assert answer(f"SELECT {asked}") == [(told,)]


@pytest.mark.parametrize("name", sorted(IMPURE))
def test_what_depends_on_more_than_its_arguments_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not allowed"):
        answer(f"SELECT {name}()")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM sentry_key TABLESAMPLE 10%",
        "SELECT id FROM sentry_key USING SAMPLE 3 ROWS",
        "SELECT id FROM sentry_key USING SAMPLE reservoir(3 ROWS) REPEATABLE (7)",
        "SELECT * FROM (SELECT id FROM sentry_key USING SAMPLE 3) AS s",
        "SELECT 1 FROM sentry_key AS a, sentry_key AS b TABLESAMPLE 3 ROWS",
        "WITH s AS (SELECT id FROM sentry_key TABLESAMPLE 3 ROWS) SELECT * FROM s",
    ],
)
def test_a_sample_is_another_one_each_time_and_refused(sql: str) -> None:
    with pytest.raises(UsageError, match="a sample is not allowed") as refusal:
        answer(sql)
    assert "ORDER BY" in refusal.value.remedy


def test_every_function_that_is_not_pure_is_known() -> None:
    """A new release of DuckDB with another clock in it fails here."""
    with connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE"
            " (function_type = 'scalar' AND stability <> 'CONSISTENT')"
            " OR (function_type = 'macro' AND (macro_definition ILIKE '%current_timestamp%'"
            " OR macro_definition ILIKE '%now()%' OR macro_definition ILIKE '%sleep%'"
            " OR macro_definition ILIKE '%FROM %(%'))"
        ).fetchall()
    unknown = {str(name) for (name,) in found} - CALENDAR - IMPURE - CALLS.keys()
    assert unknown == {"error"}


def test_every_word_for_the_present_is_known() -> None:
    """Each function without arguments gives the same answer whatever the real time is."""
    with connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar'"
            " AND len(parameters) = 0 AND function_name SIMILAR TO '[a-z_0-9]+'"
        ).fetchall()
    for name in sorted({str(name) for (name,) in rows} | KEYWORDS.keys()):
        text = f"SELECT {name}" if name in KEYWORDS else f"SELECT {name}()"
        try:
            told = answer(text)
        except UsageError:
            continue
        assert answer(text) == told
        assert str(datetime.now(UTC).date()) not in str(told), name


@pytest.mark.parametrize(
    "sql",
    [
        "WITH duckdb_views AS (SELECT 1) SELECT * FROM duckdb_views",
        "WITH duckdb_views AS (SELECT * FROM duckdb_views) SELECT * FROM duckdb_views",
        "WITH RECURSIVE duckdb_tables AS (SELECT * FROM duckdb_tables UNION ALL SELECT 1) SELECT 1",
        "SELECT * FROM (WITH pg_tables AS (SELECT 1) SELECT 1), pg_tables",
        "SELECT (WITH sqlite_master AS (SELECT 1) SELECT 1), * FROM sqlite_master",
        "WITH DUCKDB_COLUMNS AS (SELECT 1) SELECT * FROM main.duckdb_columns",
        "WITH pg_class AS (SELECT 1) SELECT * FROM pg_catalog.pg_class",
        "WITH tables AS (SELECT 1) SELECT * FROM information_schema.tables",
        "WITH x AS (SELECT 1) SELECT * FROM system.main.x",
        'WITH "/etc/passwd.csv" AS (SELECT 1) SELECT * FROM "/etc/passwd.csv"',
        'WITH "https://example.org/x.parquet" AS (SELECT 1) SELECT 1',
        "SELECT * FROM duckdb_views",
    ],
)  # fmt: skip
def test_a_name_of_with_opens_nothing_else(sql: str) -> None:
    with pytest.raises(UsageError):
        answer(sql)


@pytest.mark.parametrize("name", ["sentry.sentry_key", "main.sentry_key", "a.b.SENTRY_KEY"])
def test_a_table_with_a_schema_is_told_to_be_named_alone(name: str) -> None:
    with pytest.raises(UsageError, match=f"no table '{name.lower()}'") as told:
        answer(f"SELECT id FROM {name}")
    assert "Write sentry_key alone." in told.value.remedy


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "WITH RECURSIVE n AS (SELECT 0 i UNION SELECT i+1 FROM n WHERE i<1) SELECT max(i) FROM n",
        "WITH a AS (SELECT 1 AS i), b AS (SELECT * FROM a) SELECT i FROM b",
        "SELECT count(*) + 1 FROM SENTRY_KEY",
    ],
)
def test_names_of_ones_own_work(sql: str) -> None:
    assert answer(sql) == [("1",)]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY sentry_key TO 'x'",
        "PRAGMA version",
        "DROP TABLE sentry_key",
        "EXPLAIN SELECT 1",
        "SELECT 1; DROP TABLE sentry_key",
        "INSERT INTO sentry_key VALUES (1)",
        "UPDATE sentry_key SET id = 1",
        "SET threads = 1",
        "ATTACH 'x'",
        "CALL x()",
        "DESCRIBE sentry_key",
        "SHOW TABLES",
    ],
)
def test_what_is_no_select_is_told_so(sql: str) -> None:
    with pytest.raises(UsageError, match="only SELECT is allowed") as refusal:
        answer(sql)
    assert "sentry_key" in refusal.value.remedy


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("", "there is no SELECT"),
        ("-- x", "there is no SELECT"),
        ("select 1; select 2", "at a time"),
    ],
)
def test_none_and_several_are_told_with_a_remedy(sql: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refusal:
        answer(sql)
    assert "select name from sentry_key" in refusal.value.remedy


def test_what_is_no_sql_is_told_in_other_words() -> None:
    with pytest.raises(UsageError, match="syntax error"):
        answer("SELEC 1")


@pytest.mark.parametrize(
    ("sql", "where", "told"),
    [
        ("select 'é'\n  frm )", "query:2:7", "syntax error"),
        ("select nme from sentry_key", "query", 'column "nme"'),
        ("select floorr(1)", "query", "floorr"),
        ("select 1 from sentry_key where * = 1", "query", "STAR"),
        ("select $1", "query", "parameters"),
        (f"select {'(' * 1_100}1{')' * 1_100}", "query", "nested too deep"),
        ("select (select unnest([1, 2]))", "query", "More than one row"),
    ],
)
def test_what_the_database_refuses_has_a_remedy(sql: str, where: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as refusal:
        answer(sql)
    assert refusal.value.where == where
    assert refusal.value.remedy
    assert not re.search(r"\w Error: |SET ", str(refusal.value))


@pytest.mark.parametrize(
    "sql",
    [
        "select nme from sentry_key",
        "select sentry_key.nme from sentry_key",
        "select k.nme from sentry_key k",
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(sql: str) -> None:
    with pytest.raises(UsageError, match="column") as refusal:
        answer(sql)
    assert refusal.value.remedy.startswith('Did you mean one of these: "')


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("SELECT now(), current_date", ("now()", "current_date")),
        ("SELECT age(TIMESTAMP '2020-01-01') AS a", ("a",)),
        ("SELECT date_created < now() FROM sentry_key", ("(date_created < now())",)),
        ('SELECT "now()" FROM (SELECT now())', ("now()",)),
        ("SELECT (SELECT now()), name FROM sentry_key", ("(SELECT now())", "name")),
        ("WITH k AS (SELECT today()) SELECT * FROM k", ("today()",)),
    ],
)
def test_columns_are_called_by_what_was_asked(asked: str, names: tuple[str, ...]) -> None:
    with connect() as connection:
        create(connection, "sentry_key", ["name", "date_created"])
        seal(connection)
        assert query(connection, asked, MOMENT).columns == names


def test_a_star_with_a_column_of_the_present_keeps_its_names() -> None:
    with connect() as connection:
        create(connection, "sentry_key", ["name", "id"])
        seal(connection)
        found = query(connection, "SELECT * REPLACE (now() AS id) FROM sentry_key", MOMENT)
        assert found.columns == ("name", "id")


def test_what_json_has_no_number_for_is_a_text() -> None:
    asked = "SELECT 1/0 AS a, [-1/0, 2] AS b, {'c': 0/0} AS d, 'Infinity \\\" NaN' AS e"
    with connect() as connection:
        seal(connection)
        (row,) = query_json(connection, asked, MOMENT)
    assert json.loads(row, parse_constant=pytest.fail) == {
        "a": "Infinity",
        "b": ["-Infinity", 2.0],
        "d": {"c": "NaN"},
        "e": 'Infinity \\" NaN',
    }


def test_a_query_that_does_not_end_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.engine.judge.query.QUERY_SECONDS", 0.05)
    endless = "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x FROM t) SELECT count(*) FROM t"
    with pytest.raises(UsageError, match=r"longer than 0\.05 seconds") as refusal:
        answer(endless)
    assert "Ask for less" in refusal.value.remedy
