"""`keypolicy forecast`: an inventory and policies go in, what falls due on which day comes out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.base.streams import byte_output
from scanner.base.text import clean_json
from scanner.cli.shared import inputs, judging
from scanner.cli.shared.outputs import check_outputs
from scanner.config.values import MOST_AHEAD
from scanner.gate import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_PASSED, EXIT_REFUSED, Thresholds, due
from scanner.report.interface import ReportOptions

if TYPE_CHECKING:
    from scanner.model.run import Run

_SUFFIXES: Final = {
    ".html": "html",
    ".htm": "html",
    ".ics": "ical",
    ".json": "json",
    ".txt": "terminal",
}

EXIT_CODES: Final = """\
exit codes:
  0  nothing that the gate would count falls due, or nobody asked
  1  something does within --fail-if-due-within
  2  wrong usage, configuration, policy or inventory file
  3  the inventory is incomplete, or nothing was seen
  4  internal error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    inputs.add_source_arguments(parser)
    inputs.add_policy_arguments(parser)
    judging.add_triage_arguments(parser)
    group = parser.add_argument_group("forecast")
    group.add_argument(
        "--days",
        metavar="N",
        default="90",
        help=f"how many days to look ahead, 1 to {MOST_AHEAD} (default: 90)",
    )
    judging.add_due_argument(group)
    inputs.add_partial_argument(group)
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help=f"file; its suffix chooses the format: {', '.join(_SUFFIXES)}; may be repeated",
    )
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=tuple(dict.fromkeys(_SUFFIXES.values())),
        default="terminal",
        help="write this to standard output: terminal, json, html or ical (default: terminal)",
    )
    inputs.add_display_arguments(output)
    output.add_argument("-v", "--verbose", action="store_true", help="show every finding")


def run(namespace: argparse.Namespace) -> int:
    """Look ahead and tell; returns the exit code."""
    formats = {path: _format_for(path) for path in namespace.output}
    days = judging.days(namespace.days, "--days")
    settings = inputs.settings(namespace)
    check_outputs(namespace.output, namespace, settings)
    request = judging.looking_ahead(inputs.scan_request(namespace, settings), days)
    from scanner.pipeline import scan  # noqa: PLC0415 - heavy; mistakes come first

    options = ReportOptions(
        width=inputs.width(settings), quiet=namespace.quiet, verbose=namespace.verbose
    )
    with scan(request) as found:
        for warning in found.warnings:
            inputs.warn(warning)
    code, reasons = _judged(found, request.thresholds)
    told = _narrowed(found, days)
    for path, name in formats.items():
        with replacing(path) as out:
            out.write(_written(told, name, reasons, options.of_file))
    _print(_written(told, namespace.format, reasons, options), namespace.format)
    return code


def _judged(found: "Run", thresholds: Thresholds) -> tuple[int, tuple[str, ...]]:
    """Return the exit code, and why the gate fails for what falls due."""
    reasons: tuple[str, ...] = ()
    if found.forecast is not None and thresholds.due_within is not None:
        reasons = due(found.results, thresholds, found.forecast, thresholds.due_within)
    if found.verdict.exit_code in {EXIT_REFUSED, EXIT_INCOMPLETE}:
        return found.verdict.exit_code, found.verdict.reasons
    return (EXIT_FAILED if reasons else EXIT_PASSED), reasons


def _narrowed(found: "Run", days: int) -> "Run":
    """Return the run with the forecast of as many days as are to be told."""
    if found.forecast is None or found.forecast.days == days:
        return found
    forecast = msgspec.structs.replace(
        found.forecast,
        days=days,
        dues=found.forecast.within(days),
        lapses=tuple(one for one in found.forecast.lapses if one.day <= days),
    )
    return msgspec.structs.replace(found, forecast=forecast)


def _format_for(path: Path) -> str:
    name = _SUFFIXES.get(path.suffix.lower())
    if name is None:
        raise UsageError(
            "a forecast has no format that goes by this file name",
            where=str(path),
            remedy=f"End the name in one of {', '.join(_SUFFIXES)}.",
        )
    return name


def _written(found: "Run", name: str, reasons: tuple[str, ...], options: ReportOptions) -> bytes:
    """Return the forecast in a format; each is imported when it is asked for."""
    forecast = found.forecast
    if forecast is None:
        raise ValueError(name)
    if name == "ical":
        from scanner.report.forecast.calendar import calendar, forecast_events  # noqa: PLC0415

        return calendar(forecast_events(forecast))
    if name == "html":
        from scanner.report.forecast.page import forecast_page  # noqa: PLC0415

        return forecast_page(found, forecast, reasons)
    if name == "json":
        from scanner.report.forecast.document import document  # noqa: PLC0415

        return document(found, forecast)
    from scanner.report.forecast.agenda import agenda  # noqa: PLC0415

    lines = agenda(found, forecast, reasons, options)
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


def _print(text: bytes, name: str) -> None:
    """Write to standard output; whoever reads a log takes no command from JSON either."""
    shown = clean_json(text.decode()).encode() if name == "json" else text
    byte_output().write(shown)
