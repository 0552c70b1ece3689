"""`keypolicy history trend`: how findings, rates and times to fix went."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from scanner.base.errors import UsageError
from scanner.base.text import percent, plural
from scanner.cli.history.output import (
    Printout,
    day,
    folder_of,
    opened,
    print_json,
    spark,
    warn_of,
)
from scanner.history.compare.trend import Trend, TrendRun, trend
from scanner.model.history import GroupTally
from scanner.model.outcome import WORST_FIRST, Severity


def run(namespace: argparse.Namespace) -> int:
    """Show the trend of one line."""
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
    found = trend(runs, namespace.line, since)
    if found is None or not found.runs:
        raise UsageError(
            "there is no run to show",
            where=str(history.folder),
            remedy="`keypolicy history list` shows what there is.",
        )
    if namespace.format == "json":
        print_json(found)
    else:
        _print(found, namespace.format)
    return 0


def _print(found: Trend, form: str) -> None:
    page, first, last = Printout(form), found.runs[0], found.runs[-1]
    page.heading(
        f"{plural(len(found.runs), 'run')}, {day(first.name.as_of)} to {day(last.name.as_of)} UTC"
    )
    for line, runs in found.others.items():
        page.line(f"line {line}, of another scope, is not in it ({plural(runs, 'run')})")
    for one in found.runs:
        for why in one.breaks:
            page.line(f"{day(one.name.as_of)}: {why}")
    page.heading("Open findings, those in a gap as they were last known")
    rows = [
        _row(severity.value, found, lambda one, s=severity: _open(one, s))  # type: ignore[misc]  # bound now
        for severity in WORST_FIRST
    ]
    rows.append(_row("overdue", found, lambda one: sum(one.overdue.values())))
    rows += [
        _row(name, found, lambda one, n=name: one.fates.get(n, 0))  # type: ignore[misc]  # bound now
        for name in ("new", "fixed", "reopened")
    ]
    page.table(("", "first", "last", "trend"), rows)
    if found.days_to_fix:
        page.heading("Days to fix")
        page.table(
            ("severity", "fixed", "mean", "90th percentile"),
            [
                (severity.value, f"{time.fixed:,}", f"{time.mean:g}", f"{time.p90:,}")
                for severity, time in found.days_to_fix.items()
            ],
        )
    for title, tallies in (
        ("rule", lambda one: one.rules),
        ("control", lambda one: one.controls),
        ("organization", lambda one: one.organizations),
        ("team", lambda one: one.teams),
    ):
        _print_rates(page, found, title, tallies)
    page.print()


def _open(one: TrendRun, severity: Severity) -> int:
    """Count what is open, that in a gap as it was last known."""
    return one.point.open.get(severity, 0) + one.unseen.get(severity, 0)


def _row(name: str, found: Trend, count: Callable[[TrendRun], int]) -> tuple[str, ...]:
    counts = [count(one) for one in found.runs]
    return name, f"{counts[0]:,}", f"{counts[-1]:,}", spark(counts)


def _print_rates(
    page: Printout,
    found: Trend,
    title: str,
    tallies: Callable[[TrendRun], Mapping[str, GroupTally]],
) -> None:
    """Show how large a part passed, of everything that the last run has."""
    last = tallies(found.runs[-1])
    rows = []
    for name, tally in last.items():
        rates = [got.rate if (got := tallies(one).get(name)) else None for one in found.runs]
        known = [rate for rate in rates if rate is not None]
        rows.append(
            (name, percent(known[0] if known else None), percent(tally.rate), spark(rates, 1.0))
        )
    if rows:
        page.heading(f"Passed, by {title}")
        page.table((title, "first", "last", "trend"), rows)
