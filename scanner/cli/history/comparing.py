"""`keypolicy history diff`: what is different between two moments."""

import argparse

import msgspec

from scanner.cli.history.output import folder_of, form_of, opened, tell
from scanner.history.compare.diff import Diff, diff
from scanner.history.compare.snapshot import Snapshot, snapshot
from scanner.history.tell.differences import tell_diff


def run(namespace: argparse.Namespace) -> int:
    """Compare; a difference is no error."""
    form_of(namespace)
    folder = folder_of(namespace)
    history = None if folder is None else opened(folder)
    first, second = (snapshot(history, ref) for ref in (namespace.first, namespace.second))
    found = diff(first, second)
    tell(
        namespace,
        lambda sheet, most: tell_diff(sheet, first, second, found, most),
        lambda: {"first": _moment(first), "second": _moment(second), **_plain(found)},
    )
    return 0


def _moment(one: Snapshot) -> dict[str, object]:
    return {"label": one.label, "as_of": one.point.as_of, "result": one.point.result}


def _plain(found: Diff) -> dict[str, object]:
    """Return the classes, and how many are in each."""
    fields = msgspec.structs.asdict(found)
    counts = {name: len(some) for name, some in fields.items() if name != "notes"}
    return {"counts": counts, **fields}
