"""Files and the live path must agree on every date, on whether it is one and on when it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.intake.reader import BadInputError
from scanner.inventory.diagnose import diagnose_inputs
from scanner.inventory.records import fault
from scanner.model.moment import SKEW_MINUTES, is_moment, not_moment
from tests.unit.engine.intake.test_load import KEY, api, changed, fill, rows
from tests.unit.engine.support import AS_OF, fresh

RIGHT = [
    "2026-02-01T10:00:00Z",
    "2026-02-01T10:00:00.123456789+05:30",
    "2024-02-29 23:59:59-23:59",
    "2026-02-01T10:00",
    "2026-02-01T10:00:00+14",
    "2026-02-01",
    "1000-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-23:59",
]
WRONG = [
    "",
    " ",
    "infinity",
    "-infinity",
    "Infinity",
    "epoch",
    "now",
    "today",
    "2026-02-01T00:00:00+25:00",
    "2026-02-01T00:00:00+24:00",
    "2026-02-01T00:00:00+10:60",
    "2026-02-01T00:00:00+05:30:15",
    "2026-02-01T24:00:00Z",
    "2026-02-01T10:00:60Z",
    "2026-02-01T10:60:00Z",
    "2026-02-01t10:00:00Z",
    "2026-02-01T10:00:00z",
    "2026-02-01T10:00:00 Z",
    "2026-02-01T10:00:00Z\n",
    " 2026-02-01T10:00:00Z",
    "2026-02-01Z",
    "2026-02-30",
    "2025-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "290000-01-01T00:00:00Z",
    "+2026-02-01T10:00:00Z",
    "-2026-02-01T10:00:00Z",
    "0044-03-15 (BC)",
    "2026-02-01 (BC)",
    "20260201T100000Z",
    "2026-W05-1",
    "2026-02-01T10:00:00,5Z",
    "2026-02-01T10:00:00+0530",
    "2026-02-01T10:00:00 Europe/Berlin",
    "٢٠٢٦-02-01T10:00:00Z",
    "2026\u221202\u221201",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_date_and_time_is_one_moment_on_both_paths(tmp_path: Path, text: str) -> None:
    assert fault("sentry_key", changed(dateCreated=text)) is None
    (row,) = rows(api(tmp_path / "k.json", [changed(dateCreated=text)]), sql=_SECONDS)
    found = datetime.fromisoformat(text)
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
    assert row["at"] == (expected if moment <= AS_OF else None)


_SECONDS = "SELECT epoch_us(date_created) AS at FROM sentry_key"


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_date_and_time_is_refused_of_a_server(text: str) -> None:
    assert fault("sentry_key", changed(dateCreated=text)) == "dateCreated is not a date and time"


def test_what_is_no_date_and_time_is_none_in_sql() -> None:
    with fresh() as connection:
        found = connection.execute(_IN_SQL, {"texts": WRONG}).fetchone()
    assert found == ([False] * len(WRONG),)


# One of each kind: every other is refused by the same expression.
@pytest.mark.parametrize(
    "text",
    ["", "infinity", "2026-02-01T24:00:00Z", "2026-02-01T10:00:00Z\n", "2026-02-30", WRONG[-2]],
)
def test_what_is_no_date_and_time_is_refused_in_a_file(tmp_path: Path, text: str) -> None:
    raw = api(tmp_path / "k.json", [KEY, changed(id="k2", dateCreated=text)])
    with fresh() as connection, pytest.raises(BadInputError) as refused:
        fill(connection, raw)
    told = diagnose_inputs(refused.value.inputs, "")
    assert "dateCreated: expected a date and time" in str(told)
    assert str(told.where).startswith("k.json:1:")


_IN_SQL = f"SELECT list_transform($texts::VARCHAR[], lambda x: NOT {not_moment('x')})"

_WORDS = (
    "1999 2026 0000 12026 - -02-30 -02-28 T t 24 23 00 : :59 :60 .5 , Z z + +14 +25:00 -23:59 BC"
    " infinity epoch"
)
_TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(_WORDS.split(" ")), max_size=9).map("".join),
    st.datetimes(timezones=st.timezones() | st.none()).map(str),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(_TEXTS, max_size=40))
def test_both_paths_agree_on_any_text(texts: list[str]) -> None:
    with fresh() as connection:
        found = connection.execute(_IN_SQL, {"texts": texts}).fetchone()
    assert found == ([is_moment(text) for text in texts],)


@pytest.mark.parametrize(
    ("minutes", "known"),
    [(-1, True), (0, True), (SKEW_MINUTES, True), (SKEW_MINUTES + 1, False), (10**8, False)],
)
def test_what_was_made_after_as_of_was_made_at_no_known_time(
    tmp_path: Path, minutes: int, known: object
) -> None:
    made = (AS_OF + timedelta(minutes=minutes)).isoformat()
    (row,) = rows(api(tmp_path / "k.json", [changed(dateCreated=made)]))
    assert (row["date_created"] is not None, row["age_days"] == 0) == (known, known)
    assert known or row["age_days"] is None


def test_a_use_in_the_future_is_no_known_use(tmp_path: Path) -> None:
    record = {"id": "1", "scopes": [], "dateLastUsed": "2099-01-01T00:00:00Z"}
    raw = api(tmp_path / "t.json", [record], "sentry_org_auth_token", organization="acme")
    (row,) = rows(raw, sql="SELECT is_used, date_last_used FROM sentry_org_auth_token")
    assert row == {"is_used": True, "date_last_used": None}
