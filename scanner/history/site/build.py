"""From a history to its site: pages for every run and for what changed in it, and what leads there.

Runs are read one at a time, and only those that have no page yet: of all others just manifests.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.shape.decode import UnfitError, decoded
from scanner.history.compare.diff import diff
from scanner.history.compare.past import points
from scanner.history.compare.snapshot import Snapshot, of_run
from scanner.history.folder import REPORT, TRACKED, History, StoredRun, moment_of
from scanner.history.manifest import DamageError
from scanner.history.site.due import ComingEvents, can_look, events, for_calendar
from scanner.history.site.feed import feed
from scanner.history.site.folder import SiteFolder
from scanner.history.site.pages import (
    CALENDAR,
    FEED,
    INDEX,
    SiteNames,
    changes_page,
    damage_section,
    figures_sheet,
    line_page,
    line_sheet,
    lines_section,
    links,
    report_page,
)
from scanner.history.site.remembered import remembered
from scanner.history.tell.differences import tell_diff
from scanner.history.tell.words import MOST_OF_A_PAGE
from scanner.model.finding import Forecast
from scanner.model.run import TrendPoint
from scanner.report import to_stream, write_reports
from scanner.report.forecast.calendar import CalendarEvent, calendar
from scanner.report.interface import ReportOptions
from scanner.report.sheet.page import SheetPages
from scanner.report.sheet.sheet import Sheet

Ahead = Callable[[StoredRun], Forecast | None]
"""Looks ahead from a run that has its inventory; None where that fails."""

_DUE: Final = "due.json"
_EARLIER: Final = 30
"""Runs before it that the trend in a run's report shows."""

_LINKED: Final = ReportOptions(links=tuple(links("../")[:1]))
_LEFT: Final = "Only its figures are left"
_LEFT_OUT: Final = f"{_LEFT} here: the history has the whole report."


class SiteBuilt(msgspec.Struct, frozen=True):
    """How many files were written, kept and taken away, and what is damaged."""

    runs: int
    written: int
    kept: int
    removed: int
    damage: tuple[DamageError, ...]


class SiteWishes(msgspec.Struct, frozen=True):
    """How many `days` are looked ahead, and of how many latest `reports` of a line all is shown."""

    days: int
    reports: int | None = None


def build(history: History, target: Path, ahead: Ahead, wishes: SiteWishes) -> SiteBuilt:
    """Write the site, or bring it up to date. Raises UsageError for a folder of something else.

    `ahead` is asked for the latest run of each line, where anything in them is new.
    """
    runs, damage = history.runs()
    if not runs:
        if damage:
            raise damage[0]
        raise UsageError(
            "the history has no run yet",
            where=str(history.folder),
            remedy="`keypolicy scan --history DIR` adds one.",
        )
    site = _Site(SiteFolder(target, history.folder), runs, damage)
    for line in site.lines.values():
        site.add_runs(line, len(line) if wishes.reports is None else wishes.reports)
    site.add_overview(site.due(ahead, wishes.days))
    removed = site.folder.finish()
    return SiteBuilt(
        len(runs), len(site.folder.written), site.folder.kept, removed, tuple(site.damage)
    )


class _Site:
    """A site on the way: what was damaged, and which pages there are."""

    def __init__(
        self, folder: SiteFolder, runs: Sequence[StoredRun], damage: Sequence[DamageError]
    ) -> None:
        self.folder = folder
        self.runs = runs
        self.damage = list(damage)
        self.lines: dict[str, list[StoredRun]] = {}
        for run in runs:
            self.lines.setdefault(run.manifest.line, []).append(run)
        self._by_name = {run.path.name: run for run in runs}
        self._pages = SheetPages()
        self._changes: set[str] = set()
        self._last: tuple[str, Snapshot] | None = None

    def add_runs(self, line: Sequence[StoredRun], reports: int) -> None:
        """Have the pages of the runs of a line, oldest first, the last of them whole `reports`."""
        for at, run in enumerate(line):
            earlier = line[max(0, at - _EARLIER) : at]
            name = report_page(run.path.name)
            if at < len(line) - reports:
                page = self._pages.page(figures_sheet(run, _LEFT_OUT))
                self.folder.file(name, (run.digest, False), lambda out, p=page: bool(out.write(p)))  # type: ignore[misc]  # bound now
            else:
                before = self._before(run)
                is_there = _is_there(run, REPORT), before is not None and _is_there(before, TRACKED)
                parts = (run.digest, [one.digest for one in earlier], *is_there)
                self.folder.file(
                    name,
                    parts,
                    lambda out, run=run, earlier=earlier: self._report(out, run, earlier),  # type: ignore[misc]  # bound now
                )
            self._add_changes(run)

    def _report(self, out: BinaryIO, run: StoredRun, earlier: Sequence[StoredRun]) -> bool:
        try:
            made = remembered(run, self._points(run, earlier), self._before(run))
        except DamageError as error:
            out.write(self._pages.page(figures_sheet(run, f"{_LEFT}: {error.message}")))
            if error.code == "pruned":
                return True
            self.damage.append(error)
            return False
        write_reports(made, [to_stream(made, "html", out, _LINKED)])
        return True

    def _before(self, run: StoredRun) -> StoredRun | None:
        previous = run.manifest.previous
        return self._by_name.get(previous.run.folder) if previous else None

    def _points(self, run: StoredRun, earlier: Sequence[StoredRun]) -> Sequence[TrendPoint]:
        """Return what the scan could draw of the runs before: nothing, where it carried on none."""
        if run.manifest.previous is None or not earlier:
            return ()
        return points(earlier, self._before(run) or earlier[-1])

    def _add_changes(self, run: StoredRun) -> None:
        before = self._before(run)
        if before is None or not (_is_there(run, TRACKED) and _is_there(before, TRACKED)):
            return
        name, parts = changes_page(run.path.name), (run.digest, before.digest)
        if not self.folder.is_current(name, parts):
            try:
                first, second = self._snapshot(before), self._snapshot(run)
            except DamageError as error:
                self.damage.append(error)
                return
            sheet = Sheet("What changed")
            sheet.links = [("Report", f"../{report_page(run.path.name)}"), *links("../")]
            tell_diff(sheet, first, second, diff(first, second), MOST_OF_A_PAGE)
            page = self._pages.page(sheet)
            self.folder.file(name, parts, lambda out: bool(out.write(page)))
        else:
            self.folder.file(name, parts, lambda _: True)
        self._changes.add(run.path.name)

    def _snapshot(self, run: StoredRun) -> Snapshot:
        """Read what a run found; the one before is most often the last that was read."""
        if self._last is None or self._last[0] != run.path.name:
            self._last = (run.path.name, of_run(run))
        return self._last[1]

    def due(self, ahead: Ahead, days: int) -> Mapping[str, ComingEvents]:
        """Have the calendar, and return its events by line."""
        latest = {name: line[-1] for name, line in self.lines.items()}
        wanted = {name: days if can_look(run) else 0 for name, run in latest.items()}
        looked = dict(wanted)
        parts = ({name: run.digest for name, run in latest.items()}, wanted)
        found = self._known_due(parts)
        if found is None:
            found = {}
            for name, run in latest.items():
                forecast = ahead(run) if wanted[name] else None
                looked[name] = forecast.days if forecast else 0
                found[name] = events(run, forecast)
        data = msgspec.json.encode(found, order="deterministic")
        everything = for_calendar(one for some in found.values() for one in some)
        lasts = looked == wanted  # what failed is tried again the next time
        self.folder.file(_DUE, parts, lambda out: bool(out.write(data)) and lasts)
        self.folder.file(
            CALENDAR, parts, lambda out: bool(out.write(calendar(everything))) and lasts
        )
        return {name: ComingEvents(found.get(name, []), looked[name]) for name in latest}

    def _known_due(self, parts: object) -> dict[str, list[CalendarEvent]] | None:
        """Return the events as they were found before; None where they are to be found anew."""
        if not self.folder.is_current(_DUE, parts):
            return None
        try:
            return decoded(self.folder.read(_DUE), dict[str, list[CalendarEvent]])
        except UnfitError:  # somebody has changed the file
            self.folder.forget(_DUE)
            return None

    def add_overview(self, due: Mapping[str, ComingEvents]) -> None:
        """Have the pages that lead to all others, and the feed."""
        names = SiteNames(frozenset(self._by_name), frozenset(self._changes))
        first, *others = sorted(self.lines.values(), key=lambda line: moment_of(line[-1]))[::-1]
        manifests = [run.manifest for run in self.runs]
        for line in others:
            chosen = line[-1].manifest.line
            self._put(line_page(chosen), line_sheet(line, names, due[chosen], above="../"))
        found = feed(manifests, lambda one: report_page(one.name.folder))
        self.folder.file(FEED, None, lambda out: not out.write(found))

        def more(sheet: Sheet) -> None:
            lines_section(sheet, others)
            damage_section(sheet, [_told(one) for one in self.damage])

        chosen = first[-1].manifest.line
        self._put(INDEX, line_sheet(first, names, due[chosen], more))

    def _put(self, name: str, sheet: Sheet) -> None:
        page = self._pages.page(sheet)
        self.folder.file(name, None, lambda out: not out.write(page))


def _is_there(run: StoredRun, part: str) -> bool:
    return run.place(part).is_file()


def _told(error: DamageError) -> tuple[str, str]:
    """Say what is damaged without the way to it on this machine."""
    return "/".join(Path(error.where).parts[-2:]), error.message
