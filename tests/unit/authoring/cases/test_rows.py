"""What follows from a row's columns is what ingestion makes of the API's record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from scanner.authoring.cases.rows import completed, fill, open_tables
from scanner.base.errors import Location
from scanner.engine.database import connect
from scanner.engine.intake.load import load
from scanner.inventory.source import load_source
from scanner.model.inventory import Needs, Scope
from scanner.policy.files.case_reader import Case

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = datetime(2026, 1, 1, 12, tzinfo=UTC)
DERIVED = (
    "date_created",
    "title",
    "age_days",
    "has_rate_limit",
    "rate_limit_count",
    "rate_limit_window",
    "rate_limit_per_second",
)


def _ingested(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    path = folder / "keys.json"
    path.write_text(json.dumps([{"id": "a", "public": "p", "dsn": {}, **record}]), encoding="utf-8")
    source = load_source("file")([path], ("acme",), ("web",), "https://sentry.io")
    scope = Scope((), ())
    inventory = source.collect(scope, Needs.of(["sentry_key"]), folder)
    with connect() as connection:
        load(connection, inventory, scope, AS_OF, {"sentry_key": frozenset(DERIVED)})
        names = ", ".join(DERIVED)
        row = connection.execute(f"SELECT {names} FROM sentry_key").fetchone()
    return dict(zip(DERIVED, row or (), strict=True))


@pytest.mark.parametrize(
    ("record", "row"),
    [
        ({}, {}),
        ({"name": "web"}, {"name": "web"}),
        ({"dateCreated": "2025-12-31T12:00:00Z"}, {"date_created": "2025-12-31T12:00:00Z"}),
        ({"dateCreated": "2025-12-31T12:00:01Z"}, {"date_created": "2025-12-31T12:00:01Z"}),
        # what lies after as-of is not known, but for what clocks may differ by
        ({"dateCreated": "2026-01-01T12:05:00Z"}, {"date_created": "2026-01-01T12:05:00Z"}),
        ({"dateCreated": "2026-01-01T12:05:01Z"}, {"date_created": "2026-01-01T12:05:01Z"}),
        ({"dateCreated": "2026-01-02T00:00:00Z"}, {"date_created": "2026-01-02T00:00:00Z"}),
        ({"rateLimit": None}, {"rate_limit": None}),
        (
            {"rateLimit": {"window": 60, "count": 30}},
            {"rate_limit": {"window": 60, "count": 30}},
        ),
        (
            {"rateLimit": {"window": 60, "count": 30}},
            {"rate_limit_window": 60, "rate_limit_count": 30},
        ),
        ({"rateLimit": {"window": 0, "count": 0}}, {"rate_limit": {"window": 0, "count": 0}}),
    ],
)
def test_rows_are_completed_as_ingestion_does(
    tmp_path: Path, record: dict[str, Any], row: dict[str, Any]
) -> None:
    made: dict[str, Any] = completed("sentry_key", row, AS_OF)
    if created := made.get("date_created"):
        made["date_created"] = datetime.fromisoformat(created)
    assert {name: made.get(name) for name in DERIVED} == _ingested(tmp_path, record)


def test_what_is_given_stays() -> None:
    row: dict[str, Any] = {
        "name": "n",
        "title": "t",
        "date_created": "2020-01-01T00:00:00Z",
        "age_days": 3,
    }
    limit = {"has_rate_limit": True, "rate_limit_window": 60}
    assert completed("sentry_key", {**row, **limit}, AS_OF) == {**row, **limit}


def test_values_reach_the_tables_unchanged() -> None:
    row: dict[str, Any] = {
        "id": "a'\"\\",
        "name": "é\n☃",
        "is_active": False,
        "project_id": 2**53 + 1,
        "rate_limit_per_second": 0.1388888888888890,
        "date_created": "2025-10-03T01:00:00.5+01:00",
        "dsn": {"public": "https://x", "n": None},
    }
    place = Location("t", 1, 1)
    case = Case("c", AS_OF, {}, {"sentry_key": [row]}, [], place)
    with open_tables() as connection:
        fill(connection, [(7, case)])
        found = connection.execute(
            "SELECT id, name, is_active, project_id, rate_limit_per_second,"
            " epoch_us(date_created), dsn ->> 'public', url, _case FROM sentry_key"
        ).fetchall()
    moment = datetime.fromisoformat("2025-10-03T00:00:00.5+00:00").timestamp()
    assert found == [
        (
            *(row["id"], row["name"], False, 2**53 + 1, 0.1388888888888890),
            *(int(moment * 1_000_000), "https://x", None, 7),
        )
    ]
