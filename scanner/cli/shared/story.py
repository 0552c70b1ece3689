"""What a scan is asked for so that a report can tell what came before it and what comes after."""

import argparse
from collections.abc import Collection, Sequence
from typing import Final

from scanner.cli.shared import inputs, judging
from scanner.config.settings import Settings
from scanner.config.values import MOST_AHEAD
from scanner.model.run import TrendPoint

AHEAD: Final = 90
"""Days that a report looks ahead where there is a history."""

TOLD: Final = 60
"""Earlier runs of a history that a report tells of: reading more of them would be felt."""


def add_ahead_argument(group: argparse._ArgumentGroup) -> None:
    """Declare the option that tells how far a report looks ahead."""
    group.add_argument(
        "--ahead",
        metavar="DAYS",
        help=f"how far the HTML report tells what falls due, 1 to {MOST_AHEAD} days (default:"
        f" {AHEAD} with a history, else not at all)",
    )


def ahead(namespace: argparse.Namespace) -> int | None:
    """Return how many days ahead a report tells of, None where nobody says. Raises UsageError."""
    return None if namespace.ahead is None else judging.days(namespace.ahead, "--ahead")


def warn_of_nothing_told(
    namespace: argparse.Namespace, settings: Settings, formats: Collection[str], *, is_told: bool
) -> None:
    """Warn of options that nothing uses: what they are about is not written, kept or given.

    `is_told` is whether a report of these `formats` tells the story.
    """
    is_notified = bool(settings.notify) and not namespace.no_notify
    page = "no HTML report is written (-o FILE.html)"
    unused = {
        "--earlier": (namespace.earlier and not is_told and not is_notified, page),
        "--ahead": (namespace.ahead is not None and not is_told, page),
        "--sarif-include-suppressed": (
            namespace.sarif_include_suppressed and "sarif" not in formats,
            "no SARIF report is written (-o FILE.sarif)",
        ),
        "--no-history-inventory": (
            namespace.history_inventory is False and settings.history is None,
            "no history is kept (--history DIR)",
        ),
        "--strict-waivers": (
            namespace.strict_waivers and settings.waivers is None,
            "there are no waivers (--waivers FILE)",
        ),
    }
    for option, (is_unused, why) in unused.items():
        if is_unused:
            inputs.warn(f"{option} is used by nothing: {why}")


def merged(given: Sequence[TrendPoint], kept: Sequence[TrendPoint]) -> tuple[TrendPoint, ...]:
    """Return the points of reports and of a history by time; of two of one time, the history's."""
    points = {one.as_of: one for one in (*given, *kept)}
    return tuple(points[moment] for moment in sorted(points))
