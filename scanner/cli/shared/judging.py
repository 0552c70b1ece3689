"""Options of verbs that judge: what is tolerated, and how far ahead is looked."""

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import UsageError
from scanner.cli.shared import inputs
from scanner.model.run import GateSetting
from scanner.policy.language.values import BadValueError, parse_duration

if TYPE_CHECKING:
    from scanner.pipeline import ScanRequest

LONGEST: Final = 366
"""Most days that are looked ahead."""

DUE_OPTION: Final = "--fail-if-due-within"

_DAY: Final = timedelta(days=1)


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
        DUE_OPTION,
        metavar="TIME",
        help="fail also for what the gate will count within this time if nothing changes, such as"
        " 14d: see `keypolicy forecast`",
    )


def due_within(namespace: argparse.Namespace) -> int | None:
    """Return the days of DUE_OPTION, None where it is not given. Raises UsageError."""
    given = namespace.fail_if_due_within
    if given is None:
        return None
    try:
        time = parse_duration(given)
    except BadValueError as error:
        raise UsageError(str(error), where=DUE_OPTION, remedy=_REMEDY) from None
    if time % _DAY or not 1 <= time // _DAY <= LONGEST:
        raise UsageError(
            f"{given!r} is not a number of whole days from 1 to {LONGEST}",
            where=DUE_OPTION,
            remedy=_REMEDY,
        )
    return time // _DAY


def looking_ahead(request: "ScanRequest", within: int) -> "ScanRequest":
    """Return the request with so many days ahead, which the gate counts too, and reports say so."""
    told = GateSetting(DUE_OPTION.strip("-").replace("-", "_"), f"{within}d", DUE_OPTION)
    thresholds = msgspec.structs.replace(request.thresholds, due_within=within)
    return msgspec.structs.replace(
        request, ahead=within, thresholds=thresholds, gate=(*request.gate, told)
    )


_REMEDY: Final = "Write days or weeks, such as 14d or 2w."


def days(given: str, option: str) -> int:
    """Return how many days are asked for. Raises UsageError."""
    text = given.strip().removesuffix("d")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LONGEST):
        raise UsageError(
            f"{given!r} is not a number of days from 1 to {LONGEST}",
            where=option,
            remedy="Write a whole number, such as 90.",
        )
    return int(text)
