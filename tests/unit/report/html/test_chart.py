"""Charts over time: where things are drawn, what is said of them, and what is left out."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.report.html.chart import Chart, chart
from scanner.report.html.plot import HEIGHT, WIDTH, Series, sparkline
from scanner.report.html.ticks import days, scale

FIRST = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)


def daily(number: int) -> list[datetime]:
    return [FIRST + timedelta(days=day) for day in range(number)]


def drawn(
    *values: Sequence[float | None], stacked: bool = True, breaks: tuple[int, ...] = ()
) -> Chart:
    series = [Series(f"n{at}", "high", some, stacked) for at, some in enumerate(values)]
    return chart("c", "Title", daily(len(values[0])), series, breaks={at: ["x"] for at in breaks})


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_areas_stand_upon_each_other() -> None:
    found = drawn([10, 20], [10, 0])
    lower, upper = found.shapes
    assert [y for _, y in points(lower.path)] == [50, 0, 100, 100]
    assert [y for _, y in points(upper.path)] == [0, 0, 0, 50]
    assert found.scale == ("20", "15", "10", "5", "0")
    assert [row.total for row in found.rows] == ["20", "20"]


def test_moments_lie_by_their_time_and_not_by_their_number() -> None:
    moments = [FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=10)]
    line = sparkline(moments, [1, 1, 1])
    first, second, last = (x for x, _ in points(line.path))
    assert second - first == pytest.approx((last - first) / 10, abs=0.1)


def test_what_is_not_known_is_a_gap() -> None:
    (line,) = drawn([1, None, 1, 1], stacked=False).shapes
    assert line.path.count("M") == 2
    assert line.path.startswith("M8 0h0M")  # alone: a dot
    (area,) = drawn([1, 1, None, 1]).shapes
    assert area.path.count("z") == 2


def test_no_line_leads_over_a_break() -> None:
    found = drawn([1, 2, 3, 4], stacked=False, breaks=(2,))
    (line,) = found.shapes
    assert line.path.count("M") == 2
    assert [(one.day, one.reasons) for one in found.breaks] == [("2026-01-03", ("x",))]
    assert found.rows[2].reasons == ("x",)
    assert found.said.endswith("1 time not comparable with the scan before")


def test_where_one_of_a_stack_is_unknown_nothing_is_drawn_nor_added() -> None:
    found = drawn([1, 1, 1], [1, None, 1])
    assert [shape.path.count("z") for shape in found.shapes] == [2, 2]
    assert [row.total for row in found.rows] == ["2", "-", "2"]


def test_a_single_moment_is_a_bar_in_the_middle() -> None:
    found = drawn([3])
    assert found.shapes[0].path == "M495 100V0h10V100z"
    assert [label.text for label in found.labels] == ["2026-01-01 09:30"]


def test_rates_are_of_a_hundred() -> None:
    found = chart("c", "t", daily(2), [Series("r", "pass", [0.9996, None], False)], is_rate=True)
    assert found.scale == ("100%", "50%", "0%")
    assert [row.cells for row in found.rows] == [("99.9%",), ("-",)]


def test_it_is_said_in_a_sentence() -> None:
    assert drawn([10, 20], [5, 0]).said == (
        "2 scans, 2026-01-01 to 2026-01-02; all together from 15 to 20, at most 20;"
        " n0 from 10 to 20, at most 20; n1 from 5 to 0, at most 5"
    )


def test_only_the_latest_breaks_are_told_below() -> None:
    found = drawn([1] * 12, breaks=tuple(range(1, 12)))
    assert (len(found.breaks), len(found.told)) == (11, 5)
    assert found.told[-1] == found.breaks[-1]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 10**9), st.integers(0, 10**9), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 10**9),
)
def test_nothing_leaves_the_field(values: list[tuple[int | None, int, bool]], span: int) -> None:
    moments = [FIRST + timedelta(seconds=span * at / 30) for at in range(len(values))]
    series = [
        Series("a", "high", [one for one, _, _ in values]),
        Series("b", "low", [two for _, two, _ in values]),
        Series("c", "overdue", [one for one, _, _ in values], is_stacked=False),
    ]
    breaks = {at: ["x"] for at, (_, _, is_break) in enumerate(values) if is_break and at}
    found = chart("c", "t", moments, series, breaks=breaks)
    for shape in found.shapes:
        for x, y in points(f"{shape.path}{shape.dots}"):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    assert len(found.rows) == len(values)


@given(st.integers(0, 10**12))
def test_a_scale_holds_the_highest_in_few_round_steps(highest: int) -> None:
    found = scale(highest)
    assert found[0] == 0
    assert found[-1] >= highest
    assert 2 <= len(found) <= 5
    assert not highest or found[-2] < highest


@given(
    st.integers(0, 80_000_000).map(
        lambda minutes: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.timedeltas(timedelta(0), timedelta(days=40_000)),
)
def test_few_days_are_named_and_all_lie_within(first: datetime, span: timedelta) -> None:
    found = days(first, first + span)
    assert all(first <= one.at <= first + span for one in found)
    assert 1 <= len(found) <= 8
    assert len({one.text for one in found}) == len(found) or span < timedelta(days=2)


def test_labels_of_a_year_are_months() -> None:
    found = days(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert [one.text for one in found] == [f"2026-{month:02}" for month in (1, 3, 5, 7, 9, 11)]
    assert [one.is_minor for one in found] == [False, True] * 3
