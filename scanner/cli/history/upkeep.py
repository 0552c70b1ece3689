"""`keypolicy history verify` and `prune`: whether all is as it was written, and making room."""

import argparse
import sys
from datetime import UTC, datetime, timedelta

from scanner.base.errors import UsageError
from scanner.base.text import clean, plural
from scanner.cli.history.output import damage_line, damage_plain, folder_of, form_of, opened, tell
from scanner.history.folder import History
from scanner.history.prune import prune
from scanner.history.verify import Verified, verify
from scanner.model.moment import read_moment
from scanner.report.sheet.sheet import Sheet


def run(namespace: argparse.Namespace) -> int:
    """Verify or prune; returns 2 where something is damaged."""
    history = opened(folder_of(namespace))
    if namespace.action == "prune":
        _prune(namespace, history)
        return 0
    form_of(namespace)
    found = verify(history)

    def put(sheet: Sheet, most: int) -> None:
        del most  # all problems are told
        bad = len(found.damage)
        state = plural(bad, "problem") if bad else "all as they were written"
        sheet.heading(f"{plural(found.runs, 'run')}: {state}")
        for one in found.damage:
            sheet.line(damage_line(one))
        for remark in found.remarks:
            sheet.line(remark)

    tell(namespace, put, lambda: _plain(found))
    return 2 if found.damage else 0


def _plain(found: Verified) -> dict[str, object]:
    damage = [damage_plain(one) for one in found.damage]
    return {"runs": found.runs, "damage": damage, "remarks": found.remarks}


def _prune(namespace: argparse.Namespace, history: History) -> None:
    found = prune(
        history,
        _limit(namespace),
        inventory_only=namespace.inventory_only,
        dry_run=namespace.dry_run,
    )
    would = "would be " if namespace.dry_run else ""
    what = "their inventories" if namespace.inventory_only else "all but their figures"
    cleared = plural(found.leftovers, "leftover")
    sys.stdout.write(
        f"{clean(str(history.folder))}: {plural(len(found.runs), 'run')} {would}pruned ({what}),"
        f" {plural(found.bytes, 'byte')}; {cleared} of killed processes {would}cleared away\n"
    )


def _limit(namespace: argparse.Namespace) -> datetime:
    try:
        if namespace.before is not None:
            return read_moment(namespace.before)
        if namespace.keep_days >= 0:
            return datetime.now(UTC) - timedelta(days=namespace.keep_days)
    except (ValueError, OverflowError):
        pass
    where = "--before" if namespace.before is not None else "--keep-days"
    raise UsageError(
        "says no time", where=where, remedy="Write --before 2026-01-31 or --keep-days 400."
    )
