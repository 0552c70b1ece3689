"""The outcome for one row, with every part's value, down to what decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from scanner.authoring.explain.why import Traced, judge
from scanner.base.errors import Location, UsageError
from scanner.engine.database import connect, seal
from scanner.model.outcome import Outcome, Severity
from scanner.model.rule import Predicate, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.engine.database import Connection

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = Location("p.yaml", 1, 1)


@pytest.fixture(name="keys")
def _keys() -> Iterator[Connection]:
    with connect() as connection:
        connection.execute(
            "INSERT INTO sentry_key (id, name, is_active, project_id, organization_slug,"
            " date_created) VALUES ('aa1', 'x', true, 1, 'acme', NULL),"
            " ('aa2', '7', true, 1, 'acme', '2020-01-01T00:00:00Z'),"
            " ('b', NULL, NULL, 2, 'acme', '2020-01-01T00:00:00Z'),"
            " ('twin', 'one', true, 3, 'acme', NULL), ('twin', 'two', true, 3, 'other', NULL)"
        )
        seal(connection)
        yield connection


def _rule(require: str, where: str | None = None, **params: str | int | list[str]) -> Rule:
    values = dict(params)
    return Rule(
        id="r",
        policy="p",
        title="T",
        severity=Severity.LOW,
        resource="sentry_key",
        requirement=Predicate(require, {**values}, PLACE),
        where=Predicate(where, {**values}, PLACE) if where else None,
        location=PLACE,
        message="{name} fails",
    )


def _flat(traced: Traced) -> Iterator[Traced]:
    yield traced
    for child in traced.children:
        yield from _flat(child)


def _causes(traced: Traced) -> list[tuple[str, str]]:
    return [(one.sql.strip('"'), one.cause) for one in _flat(traced) if one.cause]


def test_the_null_that_made_it_unknown(keys: Connection) -> None:
    rule = _rule("is_active and (name = 'y' or date_created > now())")
    found = judge(keys, rule, "aa1", AS_OF)
    assert found.outcome is Outcome.UNKNOWN
    assert "no value for date_created" in found.message
    assert _causes(found.requirement) == [("date_created", "no value")]


def test_the_part_that_failed(keys: Connection) -> None:
    found = judge(keys, _rule("is_active and name = 'y'"), "aa1", AS_OF)
    assert (found.outcome, found.message) == (Outcome.FAIL, "x fails")
    assert _causes(found.requirement) == [("(\"name\" = 'y')", "decides")]


def test_where_that_is_not_true(keys: Connection) -> None:
    found = judge(keys, _rule("true", "name = 'y'"), "aa1", AS_OF)
    assert (found.outcome, found.message) == (Outcome.NOT_APPLICABLE, "")
    assert found.where is not None
    assert _causes(found.where) == [("(\"name\" = 'y')", "decides")]


def test_what_does_not_count_decides_nothing(keys: Connection) -> None:
    found = judge(keys, _rule("is_active is null", "name = 'y'"), "aa1", AS_OF)
    assert (found.outcome, found.requirement.value) == (Outcome.NOT_APPLICABLE, "false")
    assert _causes(found.requirement) == []


def test_an_error_stays_with_its_part(keys: Connection) -> None:
    found = judge(keys, _rule("cast(name as integer) > 3 or is_active"), "aa1", AS_OF)
    assert found.outcome is Outcome.ERROR
    parts = {one.sql: one for one in _flat(found.requirement)}
    assert parts["is_active"].value == "true"
    assert parts['"name"'].value == "x"
    (cause,) = [one for one in parts.values() if one.cause]
    assert (cause.sql, cause.cause) == ('CAST("name" AS INTEGER)', "fails")
    assert "Could not convert" in cause.error


def test_a_parameter_whose_name_begins_another_ones_is_no_error(keys: Connection) -> None:
    require = "age_days > $max OR CAST(name AS BIGINT) > $max_age OR age_days > $max_age"
    found = judge(keys, _rule(require, max=1_000, max_age=2_000), "one", AS_OF)
    assert [part.sql for part in _flat(found.requirement) if part.cause == "fails"] == [
        'CAST("name" AS BIGINT)'
    ]


def test_an_error_of_another_row_is_none_of_this_one(keys: Connection) -> None:
    found = judge(keys, _rule("cast(name as integer) > 3"), "aa2", AS_OF)
    assert (found.outcome, found.requirement.value) == (Outcome.PASS, "true")


def test_windows_see_the_whole_table(keys: Connection) -> None:
    found = judge(keys, _rule("count(*) over (partition by project_id) <= $n", n=1), "aa2", AS_OF)
    assert found.outcome is Outcome.FAIL
    values = {one.sql: one.value for one in _flat(found.requirement)}
    assert values["count() OVER (PARTITION BY project_id)"] == "2"
    assert (values["project_id"], values["$n"]) == ("1", "1")


def test_a_window_that_fails_on_another_row(keys: Connection) -> None:
    found = judge(keys, _rule("is_active and sum(cast(name as integer)) over () > 1"), "aa2", AS_OF)
    assert found.outcome is Outcome.ERROR
    parts = {one.sql: one for one in _flat(found.requirement)}
    assert parts["is_active"].value == "true"
    terms = 'CAST("name" AS INTEGER)'  # summed in order, as each window is settled
    assert parts[f"sum({terms} ORDER BY {terms}) OVER ()"].cause == "fails"


def test_branches_of_a_case_that_are_not_reached(keys: Connection) -> None:
    rule = _rule("case when name = 'x' then null when name = 'y' then is_active else false end")
    found = judge(keys, rule, "aa1", AS_OF)
    assert found.outcome is Outcome.UNKNOWN
    reached = [(one.role, one.reached) for one in found.requirement.children]
    assert reached == [("when", True), ("when", False), ("then", False)]
    assert _causes(found.requirement) == [("(\"name\" = 'x')", "decides")]


def test_lists_and_the_clock_are_shown(keys: Connection) -> None:
    rule = _rule("name in $names and today() = '2026-01-01'", names=["x", "y"])
    found = judge(keys, rule, "aa1", AS_OF)
    assert found.outcome is Outcome.PASS
    values = {one.sql: one.value for one in _flat(found.requirement)}
    assert values["$_0_names"] == "x"
    assert values["$as_of"] == "2026-01-01 00:00:00+00"


def test_a_parameter_called_as_of(keys: Connection) -> None:
    found = judge(keys, _rule("now() is not null and project_id = $as_of", as_of=1), "aa1", AS_OF)
    assert found.outcome is Outcome.PASS


def test_the_start_of_an_id_is_enough(keys: Connection) -> None:
    assert judge(keys, _rule("is_active"), "b", AS_OF).id == "b"
    assert judge(keys, _rule("is_active"), "aa2", AS_OF).name == "7"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("aa", "stands for 2"),
        ("twin", "stands for 2"),
        ("zz", "no client key"),
        ("", "stands for 5"),
    ],
)
def test_which_key_is_meant(keys: Connection, key: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        judge(keys, _rule("is_active"), key, AS_OF)
