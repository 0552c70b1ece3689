"""How much of each control passed over the runs."""

from typing import Any

import msgspec

from scanner.model.history import GroupTally
from scanner.model.run import Run
from scanner.report.html.story.controls import LISTED, controls
from tests.unit.report.factory import clean_run
from tests.unit.report.storied import point


def told(*earlier: Any, run: Run | None = None) -> dict[str, Any]:
    found = controls(msgspec.structs.replace(run or clean_run(), earlier=earlier))
    assert found is not None
    return found


def test_without_an_earlier_run_that_tells_of_controls_there_is_none() -> None:
    run = clean_run()
    assert controls(run) is None
    later = point(run, -1, 60)
    silent = point(run, 7, 60, controls={})
    assert controls(msgspec.structs.replace(run, earlier=(silent, later))) is None


def test_rates_of_first_before_and_now() -> None:
    run = clean_run()
    found = told(point(run, 14, 32), point(run, 7, 48))
    assert (found["runs"], found["first"], found["marks"]) == (3, "2026-02-15", [])
    row = next(one for one in found["rows"] if one["id"] == "SC-5")
    assert (row["framework"], row["first"], row["before"], row["now"]) == (
        "NIST SP 800-53 r5", "50.0%", "75.0%", "100%",
    )  # fmt: skip
    assert (row["change"], row["is_worse"]) == ("+25", False)
    assert row["shape"].path.count("L") == 2


def test_what_lost_the_most_comes_first() -> None:
    run = clean_run()
    worse = msgspec.structs.replace(point(run, 7, 64), controls={})
    tallies = {"soc-2": {"CC6.1": GroupTally(64)}, "cis-v8": {"5.3": GroupTally(1, 63)}}
    found = told(msgspec.structs.replace(worse, controls=tallies))
    assert found["rows"][-1]["id"] == "5.3"
    assert found["rows"][-1]["change"].startswith("+")
    unknown = next(one for one in found["rows"] if one["id"] == "SC-5")
    assert (unknown["before"], unknown["change"]) == ("-", "")


def test_a_line_is_broken_where_scope_or_policies_change() -> None:
    run = clean_run()
    other = point(run, 14, 32, organizations=frozenset({"acme"}))
    found = told(other, point(run, 7, 48))
    assert len(found["marks"]) == 1
    row = found["rows"][0]
    assert row["shape"].path.count("M") == 2


def test_controls_are_bounded_and_counted() -> None:
    run = clean_run()
    rule = run.results[0].rule
    many = msgspec.structs.replace(rule, controls={"x": [f"{n:03}" for n in range(LISTED + 5)]})
    result = msgspec.structs.replace(run.results[0], rule=many)
    run = msgspec.structs.replace(run, results=(result,))
    found = told(point(run, 7, 60), run=run)
    assert (len(found["rows"]), found["total"]) == (LISTED, LISTED + 5)
