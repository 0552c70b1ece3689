import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from scanner.model.errors import UsageError
from scanner.model.run import GateResult, Run, TrendPoint
from scanner.model.severity import Severity
from scanner.report import DEFAULT_OPTIONS, write_file, write_stream
from scanner.report.earlier import read_earlier
from scanner.report.html_trend import HEIGHT, MOST, trend
from tests.unit.report.factory import golden_run


def point(day: int, high: int, month: int = 1) -> TrendPoint:
    counts = {Severity.HIGH: high, Severity.LOW: 2}
    return TrendPoint(datetime(2026, month, day, tzinfo=UTC), GateResult.FAILED, counts)


def with_earlier(*points: TrendPoint) -> Run:
    return msgspec.structs.replace(golden_run(), earlier=points)


def page(run: Run) -> str:
    out = BytesIO()
    write_stream(run, "html", out, DEFAULT_OPTIONS)
    return out.getvalue().decode()


def test_reports_become_points_oldest_first_and_once(tmp_path: Path) -> None:
    run = golden_run()
    later = msgspec.structs.replace(
        run, info=msgspec.structs.replace(run.info, as_of=datetime(2026, 5, 1, tzinfo=UTC))
    )
    for name, one in (("b.json", later), ("a.json", run), ("again.json", run)):
        write_file(one, tmp_path / name)
    found = read_earlier(tmp_path / name for name in ("b.json", "a.json", "again.json"))
    assert [one.as_of for one in found] == [run.info.as_of, later.info.as_of]
    assert found[0].open == run.open_by_severity()
    assert found[0].result is run.verdict.result


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("[]", "is not a JSON report"),
        ("{", "is not a JSON report"),
        ('{"schema_version": "1"}', "is not a JSON report"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "r.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=says) as caught:
        read_earlier([path])
    assert caught.value.where == str(path)


def test_a_report_of_another_version_is_refused(tmp_path: Path) -> None:
    write_file(golden_run(), tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text("utf-8"))
    (tmp_path / "r.json").write_text(json.dumps({**data, "schema_version": "2"}), "utf-8")
    with pytest.raises(UsageError, match="schema version 2"):
        read_earlier([tmp_path / "r.json"])


def test_without_earlier_scans_there_is_no_trend() -> None:
    assert trend(golden_run()) is None
    assert "<h3>Trend</h3>" not in page(golden_run())


def test_scans_that_are_not_earlier_are_left_out() -> None:
    assert trend(with_earlier(point(1, 3, month=12))) is None


def test_bars_are_in_proportion_and_rows_tell_the_numbers() -> None:
    found = trend(with_earlier(point(1, 38), point(2, 0)))
    assert found is not None
    assert [row["total"] for row in found["rows"]] == [40, 2, 20]
    tall, low, _ = found["bars"]
    assert sum(piece["height"] for piece in tall) == HEIGHT
    assert sum(piece["height"] for piece in low) == HEIGHT * 2 / 40
    assert (found["change"], found["since"]) == (18, "2026-01-02")


def test_only_the_latest_scans_are_drawn() -> None:
    many = [TrendPoint(datetime(2020, 1, 1, n // 60, n % 60, tzinfo=UTC), GateResult.PASSED, {})
            for n in range(200)]  # fmt: skip
    found = trend(with_earlier(*many))
    assert found is not None
    assert len(found["bars"]) == MOST
    assert not found["bars"][0]


def test_the_page_shows_the_trend() -> None:
    text = page(with_earlier(point(1, 38)))
    assert "<h3>Trend</h3>" in text
    assert "fewer open than" in text
