"""`keypolicy history diff`: what is different between two moments."""

import argparse
from typing import Final

import msgspec

from scanner.cli.history.listing import list_findings
from scanner.cli.history.output import Printout, day, folder_of, opened, print_json
from scanner.history.compare.diff import Diff, diff
from scanner.history.compare.snapshot import Snapshot, snapshot

_TOLD: Final = {
    "new": "new",
    "reopened": "reopened: they were fixed before",
    "fixed": "fixed",
    "demanded": "came with a rule that is new or demands something else",
    "released": "went with a rule that is gone or demands something else",
    "uncovered": "where the first did not look",
    "unseen": "where the second did not look: nothing is known of them",
    "waived": "still there, and waived now",
    "lapsed": "still there, and waived no more",
}


def run(namespace: argparse.Namespace) -> int:
    """Compare; a difference is no error."""
    folder = folder_of(namespace)
    history = None if folder is None else opened(folder)
    first, second = (snapshot(history, ref) for ref in (namespace.first, namespace.second))
    found = diff(first, second)
    if namespace.format == "json":
        print_json({"first": _moment(first), "second": _moment(second), **_plain(found)})
        return 0
    page = Printout(namespace.format)
    page.heading(f"From {day(first.point.as_of)} to {day(second.point.as_of)} UTC")
    page.line(f"first: {first.label}, gate {first.point.result.value}")
    page.line(f"second: {second.label}, gate {second.point.result.value}")
    for note in found.notes:
        page.line(f"not alike: {note}")
    for name, told in _TOLD.items():
        page.line(f"{len(getattr(found, name)):,} {told}")
    page.line(f"{len(found.still):,} still there")
    for name, told in _TOLD.items():
        list_findings(page, told, list(getattr(found, name)))
    page.print()
    return 0


def _moment(one: Snapshot) -> dict[str, object]:
    return {"label": one.label, "as_of": one.point.as_of, "result": one.point.result}


def _plain(found: Diff) -> dict[str, object]:
    """Return the classes, and how many are in each."""
    fields = msgspec.structs.asdict(found)
    counts = {name: len(some) for name, some in fields.items() if name != "notes"}
    return {"counts": counts, **fields}
