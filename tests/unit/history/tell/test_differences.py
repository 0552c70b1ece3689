import msgspec
import pytest

from scanner.history.compare.diff import diff
from scanner.history.tell.differences import tell_diff
from scanner.model.outcome import Disposition
from scanner.model.run import GateResult
from scanner.report.sheet.lines import terminal
from scanner.report.sheet.sheet import Sheet, SheetTiles
from tests.unit.history.compare.test_diff import snap
from tests.unit.history.factory import tracked


@pytest.fixture
def sheet() -> Sheet:
    waived = tracked("w", disposition=Disposition.WAIVED)
    first = snap(tracked("stays"), tracked("goes"), tracked("w"))
    second = snap(tracked("stays"), tracked("comes"), waived, day=3)
    made = Sheet()
    tell_diff(made, first, second, diff(first, second))
    return made


def test_every_class_is_counted_and_those_with_findings_are_listed(sheet: Sheet) -> None:
    lines = list(terminal(sheet))
    assert lines[0] == "From 2026-06-01 00:00 to 2026-06-04 00:00 UTC"
    assert {"  1 new", "  1 fixed", "  2 still there", "  0 reopened: they were fixed before"} <= {
        *lines
    }
    assert [line for line in lines if line.endswith("(1)")] == [
        *("New (1)", "Fixed (1)", "Still there, and waived or in the baseline now (1)"),
    ]
    assert sheet.result is GateResult.FAILED


def test_large_figures_are_those_of_the_lines(sheet: Sheet) -> None:
    (tiles,) = [one for one in sheet.sections[0].blocks if isinstance(one, SheetTiles)]
    assert {name: number for name, _, number in tiles.tiles} == {
        "new": 1,
        "reopened": 0,
        "fixed": 1,
        "still": 2,
    }


def test_what_is_not_alike_is_said_first() -> None:
    elsewhere = msgspec.structs.replace(snap().point, organizations=frozenset({"globex"}))
    first, second = snap(tracked("a")), snap(point=elsewhere)
    made = Sheet()
    found = diff(first, second)
    tell_diff(made, first, second, found)
    assert found.notes
    said = [line for line in terminal(made) if line.startswith("  note: ")]
    assert said == [f"  note: {note}" for note in found.notes]
