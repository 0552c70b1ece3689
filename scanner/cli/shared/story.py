"""What a scan is asked for so that a report can tell what came before it and what comes after."""

import argparse
from collections.abc import Sequence
from typing import Final

from scanner.cli.shared import inputs, judging
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
        help=f"how far the HTML report tells what falls due, 1 to {judging.LONGEST} days (default:"
        f" {AHEAD} with a history, else not at all)",
    )


def ahead(namespace: argparse.Namespace) -> int | None:
    """Return how many days ahead a report tells of, None where nobody says. Raises UsageError."""
    return None if namespace.ahead is None else judging.days(namespace.ahead, "--ahead")


def warn_of_nothing_told(
    namespace: argparse.Namespace, *, is_told: bool, is_notified: bool
) -> None:
    """Warn of options that nothing uses: no report tells of it, and nobody is notified."""
    unused = [] if is_told or is_notified or not namespace.earlier else ["--earlier"]
    unused += ["--ahead"] if namespace.ahead is not None and not is_told else []
    for option in unused:
        inputs.warn(f"{option} is used by nothing: no HTML report is written (-o FILE.html)")


def merged(given: Sequence[TrendPoint], kept: Sequence[TrendPoint]) -> tuple[TrendPoint, ...]:
    """Return the points of reports and of a history by time; of two of one time, the history's."""
    points = {one.as_of: one for one in (*given, *kept)}
    return tuple(points[moment] for moment in sorted(points))
