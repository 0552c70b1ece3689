"""`keypolicy scan`: hold keys against policies, report, and exit by the gate."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

from scanner.base.errors import FetchError, UsageError
from scanner.base.scratch import scratch
from scanner.base.streams import byte_output
from scanner.base.text import CleanJson
from scanner.cli.shared import elsewhere, inputs, judging, story
from scanner.cli.shared.outputs import check_format, check_outputs
from scanner.config.settings import Settings
from scanner.model.run import Run
from scanner.report import (
    FORMATS,
    ReportOptions,
    format_for,
    preload,
    to_file,
    to_stream,
    write_reports,
)
from scanner.report.parts.earlier import read_earlier

if TYPE_CHECKING:
    from scanner.history.keeper import HistoryRequest
    from scanner.notify.interface import Channel
    from scanner.pipeline import ScanRequest

_IN_MEMORY: Final = 1 << 20  # bytes for standard output that are not put on disk meanwhile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    inputs.add_source_arguments(parser)
    elsewhere.add_engine_argument(parser)
    inputs.add_policy_arguments(parser)
    judging.add_triage_arguments(parser)
    _add_history_arguments(parser)
    _add_gate_arguments(parser)
    _add_output_arguments(parser)


def _add_history_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("history")
    inputs.add_history_argument(group, "keep this scan in a folder, and tell what changed")
    group.add_argument(
        "--no-history-inventory",
        dest="history_inventory",
        action="store_false",
        default=None,
        help="keep it without the (redacted) inventory: it cannot be replayed then",
    )


def _add_gate_arguments(parser: argparse.ArgumentParser) -> None:
    gate = parser.add_argument_group("gate")
    gate.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        choices=("low", "medium", "high", "critical", "never"),
        help="lowest severity that fails: low, medium, high, critical or never (default: low)",
    )
    gate.add_argument(
        "--on-unknown",
        metavar="WHAT",
        choices=("fail", "warn", "ignore"),
        help="what missing facts mean to the gate: fail, warn or ignore (default: fail)",
    )
    gate.add_argument(
        "--max-findings",
        metavar="SEVERITY=N",
        action="append",
        default=[],
        help="tolerate N open findings of a severity, whatever --fail-on says of it;"
        " may be repeated",
    )
    gate.add_argument(
        "--fail-on-overdue",
        action="store_true",
        default=None,
        help="count only findings whose time to be fixed is over (`sla` in keypolicy.yaml); it"
        " needs a history",
    )
    judging.add_due_argument(gate)
    inputs.add_partial_argument(gate)


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    suffixes = sorted(suffix for info in FORMATS.values() for suffix in info.suffixes)
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help=f"report file; its suffix chooses the format: {', '.join(suffixes)}; may be repeated",
    )
    output.add_argument(
        "--format",
        metavar="NAME",
        help=f"write this format to standard output: {', '.join(FORMATS)} (default: terminal)",
    )
    output.add_argument(
        "--owner",
        metavar="NAME",
        action="append",
        default=[],
        help="show only this owner's findings, and what could not be seen; verdict, counts and"
        " exit code stay those of the whole scan; may be repeated",
    )
    output.add_argument(
        "--earlier",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="JSON report of an earlier scan, for the trend in the HTML report, and to tell what"
        " changed (`notify`); may be repeated",
    )
    story.add_ahead_argument(output)
    output.add_argument(
        "--sarif-include-suppressed",
        action="store_true",
        help="let SARIF carry waived and baselined results, marked as suppressed",
    )
    output.add_argument(
        "--no-notify",
        action="store_true",
        help="send no message, whatever `notify` in keypolicy.yaml says",
    )
    inputs.add_display_arguments(output)
    output.add_argument("-v", "--verbose", action="store_true", help="print the ids of resources")


def run(namespace: argparse.Namespace) -> int:
    """Scan and report; returns the gate's exit code."""
    formats = [format_for(path) for path in namespace.output]  # a wrong suffix is told first
    if namespace.format is not None:
        check_format(namespace.format)
    settings = inputs.settings(namespace)
    check_outputs(namespace.output, namespace, settings)
    earlier = read_earlier(namespace.earlier)
    formats.append(namespace.format or "terminal")
    is_story = any(FORMATS[name].is_story for name in formats)
    ahead = story.ahead(namespace)
    history = _history(settings, story.TOLD if is_story else 0)
    place = elsewhere.engine_place(namespace, settings)  # before a token is asked for
    request = msgspec.structs.replace(
        judging.looking_ahead(inputs.scan_request(namespace, settings)),
        shown=tuple(namespace.owner),
        history=history,
        elsewhere=place,
        digested=any(FORMATS[name].has_digest for name in formats),
    )
    if is_story and (ahead or history):
        request = msgspec.structs.replace(request, ahead=max(ahead or story.AHEAD, request.ahead))
    # The engine is heavy to import; a mistake in the arguments is told without it.
    from scanner.pipeline import scan  # noqa: PLC0415

    options = ReportOptions(
        include_suppressed=namespace.sarif_include_suppressed,
        color=inputs.use_color(settings),
        width=inputs.width(settings),
        reports=tuple(str(path) for path in namespace.output),
        quiet=namespace.quiet,
        verbose=namespace.verbose,
    )
    channels = () if namespace.no_notify else settings.notify
    story.warn_of_nothing_told(namespace, settings, formats, is_told=is_story)
    preload(formats)
    with ExitStack() as stack:
        if any(FORMATS[name].is_of_table for name in formats):
            private = stack.enter_context(scratch())
            request = msgspec.structs.replace(request, folder=private)
        with _telling_of_nothing(request, channels):
            scanned = stack.enter_context(scan(request))
        run = msgspec.structs.replace(scanned, earlier=story.merged(earlier, scanned.earlier))
        for warning in run.warnings:
            inputs.warn(warning)
        _report(run, namespace.output, namespace.format or "terminal", options)
        if channels:
            _notify(run, settings, namespace.earlier)
        return run.verdict.exit_code


@contextmanager
def _telling_of_nothing(request: "ScanRequest", channels: "Sequence[Channel]") -> Iterator[None]:
    """Tell whom the settings name if nothing can be seen: silence would look like no change."""
    try:
        yield
    except FetchError as error:
        if channels:
            from scanner.notify.tell import tell_unseen  # noqa: PLC0415 - see below

            organizations = request.scope.organizations
            for warning in tell_unseen(error, request.as_of, organizations, channels):
                inputs.warn(warning)
        raise


def _notify(run: Run, settings: Settings, earlier: Sequence[Path]) -> None:
    """Tell whom the settings name; what fails is told, and the verdict stays."""
    from scanner.notify.since import Known  # noqa: PLC0415 - only where somebody is to be told
    from scanner.notify.tell import tell  # noqa: PLC0415

    known = Known(settings.history, tuple(earlier), settings.baseline is not None)
    for warning in tell(run, settings.notify, known):
        inputs.warn(warning)


def _history(settings: Settings, told: int) -> "HistoryRequest | None":
    """Return where the scan is kept. Raises UsageError for a gate that needs to be told more.

    `told` is as in HistoryRequest.
    """
    if settings.fail_on_overdue and (settings.history is None or not settings.sla):
        lacking = "a history" if settings.history is None else "the time that is allowed"
        raise UsageError(
            f"what is overdue cannot be told without {lacking}",
            where=settings.origin("fail_on_overdue"),
            remedy="Name a folder with --history DIR."
            if settings.history is None
            else "Say it in keypolicy.yaml, such as `sla: {high: 14d, critical: 3d}`.",
        )
    if settings.history is None:
        return None
    from scanner.history.keeper import HistoryRequest  # noqa: PLC0415 - heavy

    return HistoryRequest(settings.history, settings.history_inventory, settings.sla, told)


def _report(run: Run, paths: Sequence[Path], name: str, options: ReportOptions) -> None:
    """Write all reports in one pass; that to standard output comes when the files are there."""
    files = [to_file(run, path, options) for path in paths]
    if not files:
        with _standard_output(name) as out:
            write_reports(run, [to_stream(run, name, out, options)])
        return
    with SpooledTemporaryFile(_IN_MEMORY) as held:
        write_reports(run, [*files, to_stream(run, name, cast("BinaryIO", held), options)])
        held.seek(0)
        with _standard_output(name) as out:
            shutil.copyfileobj(held, out)


@contextmanager
def _standard_output(name: str) -> Iterator[BinaryIO]:
    """Give standard output for a format."""
    output = byte_output()
    if FORMATS[name].is_json:
        # A log may be read by a runner; a file that was asked for is not.
        out = CleanJson(output)
        yield cast("BinaryIO", out)
        out.finish()
    else:
        yield output
    output.flush()
