"""`keypolicy history replay`: judge what a run saw anew, as of then, with the policies of today."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from scanner.base.errors import KeypolicyError, UsageError
from scanner.base.text import plural
from scanner.cli.history.output import (
    Printout,
    by_severity,
    day,
    opened,
    print_json,
    spark,
    warn_of,
)
from scanner.cli.shared import inputs
from scanner.config.settings import Settings
from scanner.history.choose import choose
from scanner.history.folder import StoredRun
from scanner.history.kept import KeptFiles, KeptSource
from scanner.model.outcome import WORST_FIRST
from scanner.model.run import Run
from scanner.pipeline import ScanRequest, scan
from scanner.report import FORMATS, ReportOptions, to_stream, write_reports

_FORMS: Final = ("terminal", "json", "markdown")


def run(namespace: argparse.Namespace) -> int:
    """Replay one run, and end by the gate; or all of them, and show the curve."""
    settings = inputs.settings(namespace)
    form = namespace.format or "terminal"
    if namespace.all == (namespace.run is not None):
        raise UsageError("needs a run, or --all", where="replay", remedy="Give one of the two.")
    history = opened(settings.history)
    if namespace.all:
        if form not in _FORMS:
            raise UsageError(
                f"{form!r} is no form for a curve",
                where="--format",
                remedy=f"Use one of {', '.join(_FORMS)}.",
            )
        runs, damage = history.runs()
        warn_of(damage)
        _print_all(runs, settings, form)
        return 0
    inputs.check_format(form)
    chosen = choose(history, namespace.run)
    with _replayed(chosen, settings, table=FORMATS[form].is_of_table) as found:
        for warning in found.warnings:
            inputs.warn(warning)
        options = ReportOptions(color=inputs.use_color(settings), width=inputs.width(settings))
        sys.stdout.flush()
        write_reports(found, [to_stream(found, form, sys.stdout.buffer, options)])
        return found.verdict.exit_code


@contextmanager
def _replayed(run: StoredRun, settings: Settings, *, table: bool = False) -> Iterator[Run]:
    """Scan what a run kept: with the policies that are named, or with its own and its waivers."""
    with TemporaryDirectory(prefix="keypolicy-") as private:
        folder = Path(private, "table")
        folder.mkdir()
        request = ScanRequest(
            source=KeptSource(run),
            scope=run.manifest.looked.scope,
            policies=settings.policies,
            params=settings.params,
            as_of=run.manifest.run.as_of,
            thresholds=msgspec.structs.replace(settings.thresholds, overdue_only=False),
            triage=msgspec.structs.replace(settings.triage, baseline=None),
            policies_place=settings.policies_place,
            folder=folder if table else None,
        )
        if not settings.policies:
            files = KeptFiles.unpacked(run, Path(private))
            request = msgspec.structs.replace(
                request,
                policies=files.policies,
                params=run.manifest.params,
                triage=files.triage,
                policies_place=None,
            )
        with scan(request) as found:
            yield found


class ReplayedRun(msgspec.Struct, frozen=True):
    """What a run comes to when it is judged anew, or why it cannot be."""

    id: str
    as_of: str
    was: str
    result: str | None
    open: dict[str, int]
    reason: str = ""


def _print_all(runs: list[StoredRun], settings: Settings, form: str) -> None:
    found = [_outcome(run, settings) for run in runs]
    if form == "json":
        print_json(found)
        return
    judged = [one for one in found if one.result is not None]
    page = Printout(form)
    page.heading(f"{plural(len(judged), 'run')} of {len(found)} judged anew")
    head = ("run", "as of", "was", "would be", *map(str, WORST_FIRST))
    if judged:
        page.table(
            head,
            [
                (
                    one.id[:12],
                    one.as_of,
                    one.was,
                    one.result or "",
                    *by_severity(lambda severity, one=one: one.open[severity]),  # type: ignore[misc]  # bound now
                )
                for one in judged
            ],
        )
        page.line(f"open: {spark([sum(one.open.values()) for one in judged])}")
    for one in found:
        if one.result is None:
            page.line(f"{one.id[:12]}, {one.as_of}: {one.reason}")
    page.print()


def _outcome(run: StoredRun, settings: Settings) -> ReplayedRun:
    manifest = run.manifest
    about = (manifest.run.id, day(manifest.run.as_of), manifest.result.value)
    try:
        with _replayed(run, settings) as found:
            opened_ = {str(key): number for key, number in found.open_by_severity().items()}
            return ReplayedRun(*about, found.verdict.result.value, opened_)
    except KeypolicyError as error:
        if error.where.startswith(str(run.path)):
            return ReplayedRun(*about, None, {}, error.message)
        raise  # the policy is wrong, not the run
