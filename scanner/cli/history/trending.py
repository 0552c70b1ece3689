"""`keypolicy history trend`: how findings, rates and times to fix went."""

import argparse
from datetime import UTC, datetime, timedelta

from scanner.base.errors import UsageError
from scanner.cli.history.output import folder_of, form_of, opened, tell, warn_of
from scanner.history.compare.trend import trend
from scanner.history.tell.course import tell_trend


def run(namespace: argparse.Namespace) -> int:
    """Show the trend of one line."""
    form_of(namespace)
    history = opened(folder_of(namespace))
    runs, damage = history.runs()
    warn_of(damage)
    since = None
    if namespace.days is not None:
        if namespace.days < 1:
            raise UsageError("is not a number of days", where="--days", remedy="For example: 30.")
        try:
            since = datetime.now(UTC) - timedelta(days=namespace.days)
        except OverflowError:
            since = None
    found = trend(runs, namespace.line, since, namespace.organization)
    if found is None:
        raise UsageError(
            "there is no run to show",
            where=str(history.folder),
            remedy="`keypolicy history list` shows what there is.",
        )
    tell(namespace, lambda sheet, _: tell_trend(sheet, found), lambda: found)
    return 0
