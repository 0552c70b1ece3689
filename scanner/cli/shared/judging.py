"""Options of verbs that judge: what is tolerated, and how far ahead is looked."""

import argparse
from typing import TYPE_CHECKING

import msgspec

from scanner.base.errors import UsageError
from scanner.cli.shared import inputs
from scanner.config.values import MOST_AHEAD

if TYPE_CHECKING:
    from scanner.pipeline import ScanRequest


def add_triage_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name the files of triage."""
    group = parser.add_argument_group("triage")
    group.add_argument(
        "--waivers", metavar="FILE", help="approved exceptions: see `keypolicy waivers`"
    )
    group.add_argument(
        "--baseline",
        metavar="FILE",
        help="known findings, which do not fail: see `keypolicy baseline`",
    )
    inputs.add_owners_argument(group)
    group.add_argument(
        "--strict-waivers",
        action="store_true",
        default=None,
        help="end with exit code 2 where a waiver covers nothing",
    )


def add_due_argument(group: argparse._ArgumentGroup) -> None:
    """Declare the option that lets what falls due soon fail the gate."""
    group.add_argument(
        "--fail-if-due-within",
        metavar="TIME",
        help="fail also for what the gate will count within this time if nothing changes, such as"
        " 14d: see `keypolicy forecast`",
    )


def looking_ahead(request: "ScanRequest", days: int = 0) -> "ScanRequest":
    """Return the request with so many days ahead, and at least those that the gate counts."""
    within = request.thresholds.due_within or 0
    return msgspec.structs.replace(request, ahead=max(days, within))


def days(given: str, option: str) -> int:
    """Return how many days are asked for. Raises UsageError."""
    text = given.strip().removesuffix("d")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_AHEAD):
        raise UsageError(
            f"{given!r} is not a number of days from 1 to {MOST_AHEAD}",
            where=option,
            remedy="Write a whole number, such as 90.",
        )
    return int(text)
