"""A key's state is the same whichever way it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.judge.findings import evidence
from scanner.inventory.file import FileSource
from scanner.model.inventory import Scope
from scanner.pipeline import open_inventory
from scanner.policy.actions import state_reader
from scanner.providers.sentry.state import row_of, state_of, state_of_record

if TYPE_CHECKING:
    from pathlib import Path

RECORDS: list[dict[str, Any]] = [
    {
        "id": "1" * 32,
        "public": "1" * 32,
        "secret": "2" * 32,
        "name": "web",
        "projectId": 7,
        "isActive": True,
        "rateLimit": {"window": 3600, "count": 1000},
        "dateCreated": "2025-01-31T10:11:12.130000Z",
        "browserSdkVersion": "10.x",
        "dynamicSdkLoaderOptions": {"hasReplay": True, "hasDebug": False, "hasNew": True},
        "useCase": "user",
        "dsn": {"secret": "https://a:b@host/1"},
    },
    {
        "id": "3" * 32,
        "public": "3" * 32,
        "name": "bare",
        "projectId": 7,
        "isActive": False,
        "rateLimit": None,
        "dateCreated": None,
        "dynamicSdkLoaderOptions": {},
    },
    {"id": "4" * 32, "public": "4" * 32, "rateLimit": {"window": 0, "count": 0}, "projectID": 7},
    {
        "id": "5" * 32,
        "public": "5" * 32,
        "projectId": 7,
        "dateCreated": "2025-01-31T12:00:00+02:00",
    },
]


def test_rows_and_records_tell_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(RECORDS), "utf-8")
    reader = state_reader("sentry_key")
    assert reader is not None
    source = FileSource([path], ("acme",), ("shop",), "https://sentry.example")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with open_inventory(source, Scope(), now) as opened:
        sql = f"SELECT t.id, {evidence('sentry_key', reader.columns)} FROM sentry_key AS t"
        rows = {key: json.loads(text) for key, text in opened.connection.execute(sql).fetchall()}
    for record in RECORDS:
        state = state_of(rows[record["id"]])
        assert state == state_of_record(record), record["id"]
        assert "secret" not in state
        assert "2" * 32 not in json.dumps(state)


def test_what_is_not_told_is_absent_and_no_limit_is_null() -> None:
    assert state_of({"id": "1", "name": None, "has_rate_limit": None}) == {"id": "1"}
    assert state_of({"has_rate_limit": False}) == {"rateLimit": None}
    # A finding's evidence may tell that there is a limit, and not which one.
    assert state_of({"has_rate_limit": True, "rate_limit_per_second": 1.0}) == {}
    assert state_of_record({"id": "1"}) == {"id": "1"}
    assert state_of_record({"rateLimit": {"count": 5}}) == {}
    assert state_of_record({"dateCreated": "no date"}) == {}


STATES = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(min_size=1),
        "name": st.text(min_size=1),
        "isActive": st.booleans(),
        "browserSdkVersion": st.sampled_from(["7.x", "10.x"]),
        "rateLimit": st.none()
        | st.fixed_dictionaries({"count": st.integers(1, 10**6), "window": st.integers(1, 86_400)}),
        "dynamicSdkLoaderOptions": st.dictionaries(
            st.sampled_from(["hasReplay", "hasDebug", "hasFeedback"]), st.booleans(), min_size=1
        ),
    },
)


@given(STATES)
def test_the_columns_of_a_state_tell_that_state(state: dict[str, Any]) -> None:
    assert state_of(row_of(state)) == state
