"""`keypolicy history site`: a folder of pages, a feed and a calendar out of a history."""

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import KeypolicyError, UsageError
from scanner.base.text import clean, plural
from scanner.cli.history.again import replayed
from scanner.cli.history.output import opened, warn_of
from scanner.cli.shared import inputs, judging
from scanner.config.settings import Settings
from scanner.history.folder import StoredRun
from scanner.history.site.build import SiteBuilt, SiteWishes, build
from scanner.model.finding import Forecast

_DAMAGED: Final = 2


def run(namespace: argparse.Namespace) -> int:
    """Write the site; returns 2 where something of the history is damaged."""
    days = 0 if str(namespace.days) == "0" else judging.days(namespace.days, "--days")
    reports: int | None = namespace.reports
    if reports is not None and reports < 0:
        raise UsageError("is no number of runs", where="--reports", remedy="For example: 30.")
    settings = inputs.settings(namespace)
    history = opened(_folder(namespace, settings))
    own = msgspec.structs.replace(settings, policies=())
    wishes = SiteWishes(days, reports)
    found = build(history, namespace.output, lambda one: _ahead(one, own, days), wishes)
    warn_of(found.damage)
    sys.stdout.write(f"{clean(str(namespace.output))}: {_told(found)}\n")
    return _DAMAGED if found.damage else 0


def _folder(namespace: argparse.Namespace, settings: Settings) -> Path | None:
    if namespace.folder is None:
        return settings.history
    if namespace.history is not None:
        raise UsageError(
            "the history is named twice", where="--history", remedy="Leave one of the two out."
        )
    folder: Path = namespace.folder
    return folder


def _ahead(run: StoredRun, settings: Settings, days: int) -> Forecast | None:
    """Look ahead from a run with its own policies and waivers; None where that fails."""
    try:
        with replayed(run, settings, ahead=days) as found:
            return found.forecast
    except KeypolicyError as error:
        inputs.warn(f"what falls due after {run.path.name} cannot be told: {error}")
        return None


def _told(found: SiteBuilt) -> str:
    return (
        f"{plural(found.runs, 'run')}; {plural(found.written, 'file')} written,"
        f" {found.kept:,} as they were, {found.removed:,} removed"
    )
