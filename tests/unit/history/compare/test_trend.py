"""A trend: rates, times to fix, and where runs cannot be compared."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from scanner.base.errors import UsageError
from scanner.history.compare.trend import FixTime, trend
from scanner.history.folder import StoredRun
from scanner.history.manifest import PreviousRun, RanPolicy
from scanner.model.history import GroupTally
from scanner.model.outcome import Severity
from tests.unit.history.factory import DAY, manifest


def run(number: int, line: str = "0a1b2c3d", terms: str = "t", **figures: object) -> StoredRun:
    made = manifest(number, DAY + timedelta(days=number), line=line)
    changed = msgspec.structs.replace(made.figures, **figures)
    policies = [RanPolicy("mine", "1.0.0", "d", terms, ())]
    made = msgspec.structs.replace(made, figures=changed, policies=policies)
    return StoredRun(Path("here"), made, "d")


def test_a_trend_is_of_one_line() -> None:
    found = trend([run(1), run(2, "ffffffff"), run(3)])
    assert found is not None
    assert [one.name.as_of.day for one in found.runs] == [2, 4]
    assert found.others == {"ffffffff": 1}
    other = trend([run(1), run(2, "ffffffff"), run(3)], "ffffffff")
    assert other is not None
    assert len(other.runs) == 1
    assert trend([]) is None


def test_a_trend_is_of_organizations_that_runs_share() -> None:
    """Scans that name none are of one line, whatever they saw; a renamed one is carried on."""

    def of(number: int, slugs: str, before: StoredRun | None = None) -> StoredRun:
        made = run(number)
        previous = None if before is None else PreviousRun(before.manifest.name, before.digest)
        looked = msgspec.structs.replace(
            made.manifest.looked, organizations=dict.fromkeys(slugs.split(), 1)
        )
        changed = msgspec.structs.replace(made.manifest, looked=looked, previous=previous)
        return msgspec.structs.replace(made, manifest=changed)

    old = of(1, "old")
    runs = [old, of(2, "acme", old), of(3, "globex"), of(4, ""), of(5, "acme two"), of(6, "globex")]
    for organization, days, strangers in (
        (None, [4, 5, 7], {"acme, two": 1, "acme": 1, "old": 1}),
        ("two", [2, 3, 5, 6], {"globex": 1}),
        ("old", [2], {}),
    ):
        found = trend(runs, organization=organization)
        assert found is not None
        assert [one.name.as_of.day for one in found.runs] == days
        assert found.strangers == strangers
    with pytest.raises(UsageError) as told:
        trend(runs, organization="acmee")
    assert told.value.remedy == "They saw: acme, globex, old, two."


def test_since_leaves_out_what_is_older() -> None:
    found = trend([run(1), run(2), run(3)], since=DAY + timedelta(days=2))
    assert found is not None
    assert len(found.runs) == 2


@pytest.mark.parametrize("line", ["ffffffff", "0a1b", "", "0A1B2C3D"])
def test_a_line_that_no_run_is_of_is_told_with_those_that_are(line: str) -> None:
    with pytest.raises(UsageError) as told:
        trend([run(1), run(2, "eeeeeeee")], line)
    assert "no run is of line" in told.value.message
    assert told.value.remedy == "Known lines: 0a1b2c3d, eeeeeeee."


def test_days_without_a_run_are_told_with_those_that_have_one() -> None:
    runs = [run(1), run(2), run(5, "eeeeeeee")]
    with pytest.raises(UsageError) as told:
        trend(runs, "0a1b2c3d", DAY + timedelta(days=4))
    assert told.value.remedy == ("Its runs are as of 2026-06-02T00:00:00Z to 2026-06-03T00:00:00Z.")


def test_a_change_of_policy_breaks_the_curve() -> None:
    found = trend([run(1), run(2), run(3, terms="u")])
    assert found is not None
    assert [one.breaks for one in found.runs] == [
        (),
        (),
        ("rules or parameters of policy mine changed",),
    ]


def test_rates_of_rules_and_controls() -> None:
    found = trend([run(1)])
    assert found is not None
    (one,) = found.runs
    assert one.rules == {"r1": GroupTally(9, 1, 0)}
    assert one.controls == {"cis 1": GroupTally(9, 1, 0), "cis 2": GroupTally(9, 1, 0)}
    assert one.rules["r1"].rate == pytest.approx(0.9)
    assert GroupTally().rate is None
    assert one.fates == {"new": 1}


def test_what_runs_side_by_side_found_fixed_counts_once() -> None:
    """Scans at once, and about the past, carry on one run; each tells what was fixed since."""

    def after(number: int, before: StoredRun | None, fixed: int) -> StoredRun:
        made = run(number, days_to_fix={Severity.HIGH: {number: fixed}} if fixed else {})
        previous = None if before is None else PreviousRun(before.manifest.name, before.digest)
        changed = msgspec.structs.replace(made.manifest, previous=previous)
        return msgspec.structs.replace(made, manifest=changed)

    first = after(1, None, 0)
    past = after(2, first, 1)  # made last, about a time that was over
    of_past = after(3, past, 5)
    one, two, three = (after(number, first, 5) for number in (4, 5, 6))
    latest = after(7, two, 2)
    runs = [first, past, of_past, one, two, three, latest]
    found = trend(runs)
    assert found is not None
    assert len(found.runs) == 7
    assert found.days_to_fix == {Severity.HIGH: FixTime(7, 5.6, 7)}
    # Nothing is lost where a run begins anew, or the one before it is not there any more.
    anew = after(9, None, 3)
    for some, fixed in (([*runs, anew], 10), ([latest], 2), ([three, latest], 7), ([one, two], 5)):
        found = trend(some)
        assert found is not None
        assert found.days_to_fix[Severity.HIGH].fixed == fixed


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({3: 1}, FixTime(1, 3.0, 3)),
        ({1: 9, 50: 1}, FixTime(10, 5.9, 1)),
        ({1: 8, 50: 2}, FixTime(10, 10.8, 50)),
        (dict.fromkeys(range(1, 101), 1), FixTime(100, 50.5, 90)),
    ],
)
def test_mean_and_percentile(days: dict[int, int], expected: FixTime) -> None:
    half = {day: number for day, number in days.items() if day % 2}
    rest = {day: number for day, number in days.items() if not day % 2}
    runs = [
        run(n, days_to_fix={Severity.HIGH: some}) for n, some in enumerate((half, rest)) if some
    ]
    found = trend(runs)
    assert found is not None
    assert found.days_to_fix == {Severity.HIGH: expected}
