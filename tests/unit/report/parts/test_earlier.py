import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.base.errors import UsageError
from scanner.model.outcome import Disposition, Severity
from scanner.model.rule import Rule
from scanner.model.run import GateResult, Run, TrendPoint
from scanner.report.html.trend import MOST, trend
from scanner.report.parts.earlier import read_earlier
from tests.unit.report.factory import RULES, clean_run, finding, golden_run, run_of
from tests.unit.report.rendering import text, write_file


def point(day: int, high: int, month: int = 1) -> TrendPoint:
    counts = {Severity.HIGH: high, Severity.LOW: 2}
    when = datetime(2026, month, day, tzinfo=UTC)
    return msgspec.structs.replace(golden_run().point, as_of=when, found=counts, open=counts)


def complete(run: Run, **changes: Any) -> TrendPoint:
    """Return a point that nothing but the changes tells from the run."""
    point = msgspec.structs.replace(run.point, as_of=datetime(2026, 1, 1, tzinfo=UTC))
    return msgspec.structs.replace(point, **changes)


def with_earlier(*points: TrendPoint) -> Run:
    return msgspec.structs.replace(golden_run(), earlier=points)


def page(run: Run) -> str:
    return text("html", run)


def test_reports_become_points_oldest_first_and_once(tmp_path: Path) -> None:
    run = golden_run()
    later = msgspec.structs.replace(
        run, info=msgspec.structs.replace(run.info, as_of=datetime(2026, 5, 1, tzinfo=UTC))
    )
    for name, one in (("b.json", later), ("a.json", run), ("again.json", run)):
        write_file(one, tmp_path / name)
    found = read_earlier(tmp_path / name for name in ("b.json", "a.json", "again.json"))
    assert [one.as_of for one in found] == [run.info.as_of, later.info.as_of]
    assert found[0] == run.point
    assert found[0].found != found[0].open


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


def test_the_chart_draws_and_tells_the_numbers() -> None:
    found = trend(with_earlier(point(1, 38), point(2, 0)))
    assert found is not None
    chart = found["chart"]
    assert [(row.text, row.total) for row in chart.rows] == [
        ("2026-01-01", "40"),
        ("2026-01-02", "2"),
        ("2026-03-01", "22"),
    ]
    assert chart.rows[-1].cells[-1] == "2"  # tolerated
    assert chart.scale == ("40", "30", "20", "10", "0")


def test_only_the_latest_scans_are_drawn() -> None:
    many = [
        TrendPoint(datetime(2020, 1, 1, n // 60, n % 60, tzinfo=UTC), GateResult.PASSED, {}, {})
        for n in range(600)
    ]
    found = trend(with_earlier(*many))
    assert found is not None
    assert len(found["chart"].rows) == MOST


def test_the_page_shows_the_trend() -> None:
    assert "<h3>Trend</h3>" in page(with_earlier(point(1, 38)))


CLEAN = clean_run()
POLICY = CLEAN.policies[0]


def comparison(*earlier: TrendPoint, now: Run = CLEAN) -> dict[str, Any]:
    found = trend(msgspec.structs.replace(now, earlier=earlier))
    assert found is not None
    return found


def test_waiving_and_baselining_make_nothing_better() -> None:
    triaged = run_of(
        RULES,
        [
            finding(RULES[0], f"{n:032x}", disposition=disposition)
            for n, disposition in enumerate([Disposition.OPEN, *[Disposition.WAIVED] * 71])
        ],
    )
    before = complete(triaged, found={Severity.HIGH: 69}, open={Severity.HIGH: 69})
    found = comparison(before, now=triaged)
    assert found["word"] == "worse"
    assert found["told"] == [
        "72 findings, 3 more",
        "1 open, 68 fewer",
        "71 waived or baselined, 71 more",
    ]
    assert found["because"] == ()


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"policies": {POLICY.name: ("0.9.0", "other")}}, "went from 0.9.0 to 1.0.0"),
        ({"policies": {POLICY.name: (POLICY.version, "other")}}, "rules or parameters of policy"),
        ({"policies": {}}, "policy sentry-baseline came in"),
        (
            {"policies": {POLICY.name: (POLICY.version, POLICY.terms), "more": ("1.0.0", "x")}},
            "policy more was left out",
        ),
        ({"policies": None}, "does not tell what its policies demanded"),
        ({"organizations": frozenset({"acme", "globex"})}, "organization initech came in"),
        (
            {"organizations": CLEAN.point.organizations | {"umbrella"}},  # type: ignore[operator]
            "organization umbrella was left out",
        ),
        ({"organizations": None}, "does not tell which organizations"),
        ({"incomplete": frozenset({"sentry_key"})}, "the earlier scan was incomplete (sentry_key)"),
    ],
)
def test_what_differs_is_told_and_not_compared(change: dict[str, Any], because: str) -> None:
    found = comparison(complete(CLEAN, **change))
    assert found["since"] is None
    (told,) = found["because"]
    assert because in told
    (broken,) = found["chart"].breaks
    assert because in broken.reasons[0]
    alike = complete(CLEAN, as_of=datetime(2025, 12, 1, tzinfo=UTC))
    found = comparison(alike, complete(CLEAN, **change))
    assert found["since"]["text"] == "2025-12-01"
    assert found["word"] == "unchanged"
    assert len(found["chart"].breaks) == 2


def test_wording_changes_no_terms_and_parameters_do() -> None:
    rule, *others = POLICY.rules

    def terms(first: Rule) -> str:
        return msgspec.structs.replace(POLICY, rules=(first, *others)).terms

    longer = msgspec.structs.replace(rule.requirement, params={"d": timedelta(days=1)})
    assert terms(msgspec.structs.replace(rule, title="Other words", message="{id}")) == POLICY.terms
    assert terms(msgspec.structs.replace(rule, severity=Severity.LOW)) != POLICY.terms
    assert terms(msgspec.structs.replace(rule, where=rule.requirement)) != POLICY.terms
    assert terms(msgspec.structs.replace(rule, requirement=longer)) != POLICY.terms
