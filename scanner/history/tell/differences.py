"""What is different between two moments."""

from typing import Final

from scanner.history.compare.diff import Diff
from scanner.history.compare.snapshot import Snapshot
from scanner.history.tell.words import MOST, day, findings
from scanner.report.sheet.sheet import Sheet

_TOLD: Final = {
    "new": "new",
    "reopened": "reopened: they were fixed before",
    "fixed": "fixed",
    "demanded": "came with a rule that is new or demands something else",
    "released": "went with a rule that is gone or demands something else",
    "uncovered": "where the first did not look",
    "unseen": "where the second did not look: nothing is known of them",
    "waived": "still there, and waived or in the baseline now",
    "lapsed": "still there, and waived or in the baseline no more",
    "worse": "still there, and worse: of a higher severity, or wrong where it could not be told",
}
_TILES: Final = (
    ("new", "fail"),
    ("reopened", "fail"),
    ("fixed", "pass"),
    ("still", "tolerated"),
)


def tell_diff(
    sheet: Sheet, first: Snapshot, second: Snapshot, found: Diff, most: int = MOST
) -> None:
    """Add what two moments are, how many findings are in each class, and which."""
    sheet.result = second.point.result
    sheet.heading(f"From {day(first.point.as_of)} to {day(second.point.as_of)} UTC")
    sheet.line(f"first: {first.label}, gate {first.point.result.value}")
    sheet.line(f"second: {second.label}, gate {second.point.result.value}")
    for note in found.notes:
        sheet.line(f"note: {note}")
    sheet.tiles([(name, look, len(getattr(found, name))) for name, look in _TILES])
    for name, told in _TOLD.items():
        sheet.line(f"{len(getattr(found, name)):,} {told}")
    sheet.line(f"{len(found.still):,} still there")
    for name, told in _TOLD.items():
        findings(sheet, told, getattr(found, name), most)
