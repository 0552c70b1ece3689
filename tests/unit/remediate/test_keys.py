"""Rows of keys as what a plan, a rotation and an export know of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from scanner.remediate.keys import USAGE, Usage30, key_tables, known_keys

USED = {
    "events_accepted_30d": 5,
    "events_dropped_30d": 2,
    "events_filtered_30d": 0,
    "events_last_day": "2026-05-20T00:00:00Z",
    "events_until": "2026-06-01T12:00:00Z",
}


def _only(**row: Any) -> Any:
    def rows(
        table: str, columns: Sequence[str], ids: Collection[str] | None
    ) -> Mapping[str, Mapping[str, Any]]:
        assert (table, ids) == ("sentry_key", None)
        assert set(USAGE) <= set(columns)
        return {"k1": {"id": "k1", **row}}

    (key,) = known_keys(rows, "sentry_key")
    return key


def test_what_a_row_tells() -> None:
    key = _only(
        organization_slug="acme",
        project_slug="shop",
        project_id=7,
        name="Prod",
        is_active=True,
        has_rate_limit=False,
        dsn={"public": "https://public@host/7"},
        **USED,
    )
    assert (key.target.organization, key.target.project, key.target.project_id) == (
        "acme",
        "shop",
        "7",
    )
    assert key.name == "Prod"
    assert key.state["isActive"] is True
    assert key.state["rateLimit"] is None
    assert "browserSdkVersion" not in key.state
    assert key.dsn == "https://public@host/7"
    # The day is over when the next one begins.
    assert key.usage == Usage30(
        7, 30, datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2026, 5, 21, tzinfo=UTC), 5
    )


def test_a_name_is_what_the_server_keeps_of_it() -> None:
    assert _only(name=" Prod\t").name == "Prod"


def test_what_a_row_does_not_tell_is_absent() -> None:
    key = _only(name=None, dsn=None)
    assert (key.name, key.dsn, key.usage) == ("", None, None)
    assert (key.target.organization, key.target.project, key.target.name) == ("", "", None)
    assert key.state == {"id": "k1"}


def test_sums_without_an_end_or_half_of_them_are_no_usage() -> None:
    assert _only(**{**USED, "events_until": None}).usage is None
    assert _only(**{**USED, "events_dropped_30d": None}).usage is None
    assert _only(**{**USED, "events_last_day": None}).usage.last is None


def test_only_tables_of_keys_that_can_be_changed_are_read() -> None:
    assert key_tables() == ["sentry_key"]
    assert known_keys(lambda *_: {"k1": {}}, "sentry_project") == []
