"""Every built-in check against what it promises, in every world that the missing data allows.

A fact that is missing could be anything. A check may pass a key only if it passes in each of
those worlds, and fail it only if it fails in each; otherwise it has to say unknown.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.policy.checks import CHECKS, get_check
from tests.unit.engine.support import AS_OF, Row, outcomes, rule

Judge = Callable[[list[Row], int], bool]

DAY = timedelta(days=1)
DATES = [AS_OF - DAY * n for n in (1, 30, 31, 90, 91)]
WORLDS: dict[str, list[object]] = {
    "is_active": [True, False],
    "date_created": [AS_OF - timedelta(days=0.5), *DATES, AS_OF - DAY * 1000],
    "has_rate_limit": [True, False],
    "rate_limit_count": [1, 10, 11],
    "rate_limit_window": [60, 61],
    "name": ["web-prod", "Default", "web-other"],
    "browser_sdk_version": ["latest", "7.x", "10.x"],
    "loader_has_debug": [True, False],
    "loader_has_replay": [True, False],
    "events_accepted_30d": [0, 1],
    "events_dropped_30d": [0, 1],
    "events_filtered_30d": [0, 7],
    "scopes": ["[]", '["org:read"]', '["org:admin", "org:read"]', '["project:read"]'],
}


def max_age(keys: list[Row], n: int) -> bool:
    return _date(keys[n]) >= AS_OF - 90 * DAY


def no_inactive(keys: list[Row], n: int) -> bool:
    return bool(keys[n]["is_active"]) or _date(keys[n]) >= AS_OF - 30 * DAY


def rate_limit(keys: list[Row], n: int) -> bool:
    key: dict[str, Any] = keys[n]
    bounded: bool = key["rate_limit_count"] <= 10 and key["rate_limit_window"] <= 60
    return bool(key["has_rate_limit"]) and bounded


def optional_rate_limit(keys: list[Row], n: int) -> bool:
    return not keys[n]["has_rate_limit"] or rate_limit(keys, n)


def name_matches(keys: list[Row], n: int) -> bool:
    return str(keys[n]["name"]).endswith("-prod")


def sdk_version(keys: list[Row], n: int) -> bool:
    version = str(keys[n]["browser_sdk_version"])
    return version == "latest" or int(version.partition(".")[0]) >= 8


def loader_options(keys: list[Row], n: int) -> bool:
    return keys[n]["loader_has_debug"] is False and keys[n]["loader_has_replay"] is True


def unused_for(keys: list[Row], n: int) -> bool:
    counted = any(keys[n][f"events_{what}_30d"] for what in ("accepted", "dropped", "filtered"))
    return counted or _date(keys[n]) > AS_OF - 30 * DAY


def scopes(keys: list[Row], n: int) -> bool:
    return set(json.loads(str(keys[n]["scopes"]))) <= {"org:read"}


def unique_name(keys: list[Row], n: int) -> bool:
    mine = [key for key in keys if key["project_id"] == keys[n]["project_id"]]
    return sum(key["name"] == keys[n]["name"] for key in mine) == 1


def max_active(keys: list[Row], n: int) -> bool:
    """Whether fewer than two active keys of the project are newer (or as new, with a lower id)."""
    if not keys[n]["is_active"]:
        return True
    mine = (-_date(keys[n]).timestamp(), n)
    return (
        sum(
            bool(key["is_active"])
            and key["project_id"] == keys[n]["project_id"]
            and (-_date(key).timestamp(), other) < mine
            for other, key in enumerate(keys)
        )
        < 2
    )


def _date(key: Row) -> datetime:
    found = key["date_created"]
    assert isinstance(found, datetime)
    return found


CASES: dict[str, tuple[str, dict[str, Any], list[str], Judge]] = {
    "max_age": ("max_age", {"age": 90 * DAY}, ["date_created"], max_age),
    "no_inactive": (
        "no_inactive",
        {"grace": 30 * DAY},
        ["is_active", "date_created"],
        no_inactive,
    ),
    "rate_limit": (
        "rate_limit",
        {"max_count": 10, "max_window": timedelta(seconds=60)},
        ["has_rate_limit", "rate_limit_count", "rate_limit_window"],
        rate_limit,
    ),
    "rate_limit optional": (
        "rate_limit",
        {"required": False, "max_count": 10, "max_window": timedelta(seconds=60)},
        ["has_rate_limit", "rate_limit_count", "rate_limit_window"],
        optional_rate_limit,
    ),
    "name_matches": ("name_matches", {"pattern": ".*-prod"}, ["name"], name_matches),
    "sdk_version": ("sdk_version", {"min": 8}, ["browser_sdk_version"], sdk_version),
    "loader_options": (
        "loader_options",
        {"debug": False, "replay": True},
        ["loader_has_debug", "loader_has_replay"],
        loader_options,
    ),
    "unique_name": ("unique_name", {}, ["name"], unique_name),
    "unused_for": (
        "unused_for",
        {"time": 30 * DAY},
        ["events_accepted_30d", "events_dropped_30d", "events_filtered_30d", "date_created"],
        unused_for,
    ),
    "scopes forbidden": (
        "scopes",
        {"forbidden": ["org:admin", "project:read"]},
        ["scopes"],
        scopes,
    ),
    "scopes allowed": ("scopes", {"allowed": ["org:read", "team:read"]}, ["scopes"], scopes),
    "scopes both": (
        "scopes",
        {"allowed": ["org:read", "org:admin"], "forbidden": ["org:admin"]},
        ["scopes"],
        scopes,
    ),
    "max_active_per_project": (
        "max_active_per_project",
        {"max": 2},
        ["is_active", "date_created"],
        max_active,
    ),
}


def worlds(rows: list[Row]) -> Iterator[list[Row]]:
    """Every way to fill in what is missing."""
    holes = [(n, column) for n, row in enumerate(rows) for column, v in row.items() if v is None]
    for values in itertools.product(*(WORLDS[column] for _, column in holes)):
        filled = [dict(row) for row in rows]
        for (n, column), value in zip(holes, values, strict=True):
            filled[n][column] = value
        yield filled


@st.composite
def inventories(draw: st.DrawFn, columns: list[str], table: str, number: int) -> list[Row]:
    """Keys of two projects, that no other inventory has: many are judged at once."""
    count = draw(st.integers(1, 5))
    holes = 2  # at most: each multiplies the worlds to look at
    rows: list[Row] = []
    for _ in range(count):
        project = 2 * number + draw(st.integers(1, 2))
        row: Row = {"project_id": project} if table == "sentry_key" else {}
        for column in columns:
            missing = holes > 0 and draw(st.booleans())
            holes -= missing
            known = DATES if column == "date_created" else WORLDS[column]
            row[column] = None if missing else draw(st.sampled_from(known))
        rows.append(row)
    return rows


@pytest.mark.parametrize("case", CASES)
def test_a_check_decides_only_what_every_world_decides(case: str) -> None:
    name, arguments, columns, judge = CASES[case]
    check = get_check(name)
    macro = check.build(check.arguments(**arguments))
    table = check.resources[0]

    @settings(max_examples=6, deadline=None)
    @given(st.tuples(*(inventories(columns, table, number) for number in range(6))))
    def holds(made: Sequence[list[Row]]) -> None:
        judged = rule(macro.text, params=macro.params, resource=table)
        (found,) = outcomes([judged], itertools.chain(*made), table)
        told = iter(found)
        for rows in made:
            for n in range(len(rows)):
                outcome = next(told)
                possible = {judge(world, n) for world in worlds(rows)}
                if outcome == "unknown":
                    assert any(None in row.values() for row in rows)
                else:
                    assert possible == {outcome == "pass"}
        assert next(told, None) is None

    holds()


def test_every_check_is_held_to_its_promise() -> None:
    assert {name for name, *_ in CASES.values()} == set(CHECKS)
