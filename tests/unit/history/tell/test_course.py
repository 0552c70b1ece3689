from collections.abc import Iterator
from typing import Any

import pytest

from scanner.history.compare.trend import trend
from scanner.history.folder import StoredRun
from scanner.history.tell.course import tell_trend
from scanner.model.outcome import Severity
from scanner.report.html.chart import Chart
from scanner.report.sheet.lines import terminal
from scanner.report.sheet.sheet import Sheet, SheetTable
from tests.unit.history.compare.test_trend import run


def told(*runs: StoredRun) -> Sheet:
    found = trend(runs)
    assert found is not None
    sheet = Sheet()
    tell_trend(sheet, found)
    return sheet


def blocks(sheet: Sheet, kind: type[Any]) -> Iterator[Any]:
    return (one for section in sheet.sections for one in section.blocks if isinstance(one, kind))


def rows(sheet: Sheet) -> dict[str, list[str]]:
    tables = list(blocks(sheet, SheetTable))
    return {row[0].text: [cell.text for cell in row[1:]] for table in tables for row in table.rows}


def test_the_first_count_and_the_last_stand_beside_the_line_between_them() -> None:
    several = [run(at, open={Severity.HIGH: count}) for at, count in enumerate((8, 4, 0), 1)]
    found = rows(told(*several))
    assert found["high"] == ["8", "0", "█▅▁"]
    assert found["low"] == ["0", "0", "▁▁▁"]
    assert found["r1"] == ["90.0%", "90.0%", "▇▇▇"]
    assert {"critical", "medium", "overdue", "new", "fixed", "reopened", "cis 1", "acme"} <= {
        *found
    }


def test_what_a_gap_hides_counts_as_it_was_last_known() -> None:
    some, rest, all_ = ({Severity.HIGH: count} for count in (1, 3, 4))
    gap = run(2, open=some, unseen=rest, overdue=some, unseen_overdue=rest)
    found = rows(told(run(1, open=all_, overdue=all_), gap, run(3, open=all_, overdue=all_)))
    assert found["high"] == found["overdue"] == ["4", "4", "███"]


def test_why_runs_cannot_be_compared_and_what_is_left_out_is_said() -> None:
    lines = list(terminal(told(run(1), run(2, "ffffffff"), run(3, terms="u"))))
    assert lines[0] == "2 runs, 2026-06-02 00:00 to 2026-06-04 00:00 UTC"
    assert "  line ffffffff, of another scope, is not in it (1 run)" in lines
    assert "  2026-06-04 00:00: rules or parameters of policy mine changed" in lines


def test_times_to_fix_are_told_where_something_was_fixed() -> None:
    assert "Days to fix" not in [one.heading for one in told(run(1)).sections]
    found = rows(told(run(1, days_to_fix={Severity.HIGH: {2: 1, 4: 1}})))
    assert found["high"][0] == "2"


@pytest.mark.parametrize("number", [1, 3])
def test_pages_have_charts_of_findings_and_of_outcomes(number: int) -> None:
    several = [run(at) for at in range(1, number + 1)]
    assert [one.title for one in blocks(told(*several), Chart)] == [
        "Open findings by severity",
        "Outcomes of all checks",
    ]
