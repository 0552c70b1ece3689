"""`keypolicy history replay`: judge what a run saw anew, as of then, with the policies of today."""

import argparse
from typing import Final

import msgspec

from scanner.base.errors import KeypolicyError, UsageError
from scanner.base.files import replacing
from scanner.base.streams import byte_output
from scanner.base.text import plural
from scanner.cli.history import FORMATS as FORMS
from scanner.cli.history.again import dropped, replayed
from scanner.cli.history.output import form_of, opened, tell, warn_of
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_format, check_outputs
from scanner.config.settings import Settings
from scanner.history.choose import choose
from scanner.history.folder import StoredRun
from scanner.history.tell.words import by_severity, day
from scanner.model.outcome import WORST_FIRST
from scanner.report import (
    FORMATS,
    ReportOptions,
    format_for,
    to_stream,
    write_reports,
)
from scanner.report.parts.effect import gate_words, loosened
from scanner.report.sheet.lines import spark
from scanner.report.sheet.sheet import Cells, Sheet, SheetCell

_HEAD: Final = ("run", "as of", "line", "was", "would be", *map(str, WORST_FIRST))


def run(namespace: argparse.Namespace) -> int:
    """Replay one run, and end by the gate; or all of them, and show the curve."""
    settings = _wanted(namespace)
    if namespace.all == (namespace.run is not None):
        raise UsageError("needs a run, or --all", where="replay", remedy="Give one of the two.")
    check_outputs([namespace.output] if namespace.output else [], namespace, settings)
    if namespace.all:
        return _replay_all(namespace, settings)
    form = namespace.format or (format_for(namespace.output) if namespace.output else "terminal")
    if namespace.output is None:
        check_format(form)
    chosen = choose(opened(settings.history), namespace.run)
    with replayed(chosen, settings, table=FORMATS[form].is_of_table) as found:
        for warning in found.warnings:
            inputs.warn(warning)
        options = ReportOptions(color=inputs.use_color(settings), width=inputs.width(settings))
        if namespace.output is not None:
            with replacing(namespace.output) as out:
                write_reports(found, [to_stream(found, form, out, options.of_file)])
        else:
            write_reports(found, [to_stream(found, form, byte_output(), options)])
        return found.verdict.exit_code


def _wanted(namespace: argparse.Namespace) -> Settings:
    """Return the settings; policies only where the command names them, else a run has its own.

    Raises UsageError for what else is about other policies.
    """
    settings = inputs.settings(namespace)
    if namespace.policy:
        return settings
    for option, said in (
        ("--param", namespace.param),
        ("--waivers", namespace.waivers),
        ("--owners", namespace.owners),
    ):
        if said:
            raise UsageError(
                "goes with --policy: without one, a run is judged by all that is its own",
                where=option,
                remedy="Name the policies with --policy, or leave it out.",
            )
    return msgspec.structs.replace(settings, policies=())


def _replay_all(namespace: argparse.Namespace, settings: Settings) -> int:
    form = form_of(namespace)
    if form not in FORMS:
        raise UsageError(
            f"{form!r} is no form for a curve",
            where="--format",
            remedy=f"Use one of {', '.join(FORMS)}.",
        )
    runs, damage = opened(settings.history).runs()
    warn_of(damage)
    _tell_all(namespace, runs, settings)
    return 0


class ReplayedRun(msgspec.Struct, frozen=True):
    """What a run comes to when it is judged anew, and under which settings, or why it cannot be."""

    id: str
    as_of: str
    line: str
    was: str
    result: str | None
    open: dict[str, int]
    reason: str = ""
    gate: tuple[str, ...] = ()
    loosened: tuple[str, ...] = ()


def _tell_all(namespace: argparse.Namespace, runs: list[StoredRun], settings: Settings) -> None:
    for warning in dropped(settings):
        inputs.warn(warning)
    found = [_outcome(run, settings) for run in runs]
    judged = [one for one in found if one.result is not None]

    def put(sheet: Sheet, most: int) -> None:
        del most  # all runs are shown
        sheet.heading(f"{plural(len(judged), 'run')} of {len(found)} judged anew")
        if judged:
            sheet.table(_HEAD, [_row(one) for one in judged], minor=("run", "line"))
        lines = dict.fromkeys(one.line for one in judged)
        for line in lines:
            # Runs of other scopes are no point of the same curve.
            curve = spark([sum(one.open.values()) for one in judged if one.line == line])
            sheet.line(f"open{f', line {line}' if len(lines) > 1 else ''}: {curve}")
        for told in dict.fromkeys(one.gate for one in judged):
            sheet.line(f"gate: {', '.join(told)}")
        for looser in dict.fromkeys(text for one in judged for text in one.loosened):
            sheet.line(f"loosened: {looser}")
        for one in found:
            if one.result is None:
                sheet.line(f"{one.id[:12]}, {one.as_of}: {one.reason}")

    tell(namespace, put, lambda: found)


def _row(one: ReplayedRun) -> Cells:
    result = one.result or ""
    return (
        *(one.id[:12], one.as_of, one.line, SheetCell(one.was, one.was), SheetCell(result, result)),
        *by_severity(lambda severity: one.open[severity]),
    )


def _outcome(run: StoredRun, settings: Settings) -> ReplayedRun:
    manifest = run.manifest
    about = (manifest.run.id, day(manifest.run.as_of), manifest.line, manifest.result.value)
    try:
        with replayed(run, settings) as found:
            opened_ = {str(key): number for key, number in found.open_by_severity().items()}
            told = tuple(gate_words(found)), tuple(loosened(found))
            return ReplayedRun(*about, found.verdict.result.value, opened_, "", *told)
    except KeypolicyError as error:
        if error.where.startswith(str(run.path)):
            return ReplayedRun(*about, None, {}, error.message)
        raise  # the policy is wrong, not the run
