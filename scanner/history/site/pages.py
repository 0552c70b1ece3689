"""The pages of a site that tell of many runs: a line of runs, and what is damaged."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.text import plural
from scanner.history.compare.trend import trend
from scanner.history.folder import StoredRun
from scanner.history.manifest import Manifest
from scanner.history.site.due import MOST, ComingEvents
from scanner.history.tell.course import tell_course
from scanner.history.tell.runs import tell_open, tell_runs, tell_scope
from scanner.history.tell.words import coverage, day, scope_of
from scanner.model.moment import utc_day
from scanner.model.outcome import WORST_FIRST
from scanner.report.sheet.sheet import Cells, Sheet, SheetCell

if TYPE_CHECKING:
    from scanner.report.forecast.calendar import CalendarEvent

FEED: Final = "feed.xml"
CALENDAR: Final = "due.ics"
INDEX: Final = "index.html"

_SOON: Final = (30, 90)
_DAYS: Final = 10
_NAMED: Final = 2
_CHANGES: Final = ("new", "reopened", "fixed", "demanded", "released", "unseen")


class SiteNames(msgspec.Struct, frozen=True):
    """Which pages there are: folders of runs with a report, and with a page of changes."""

    reports: frozenset[str]
    changes: frozenset[str]

    def of(self, folder: str, above: str) -> tuple[str, str]:
        """Return the addresses of a run's two pages; empty where there is none."""
        return (
            f"{above}{report_page(folder)}" if folder in self.reports else "",
            f"{above}{changes_page(folder)}" if folder in self.changes else "",
        )


def report_page(folder: str) -> str:
    """Return the name of a run's report."""
    return f"runs/{folder}.html"


def changes_page(folder: str) -> str:
    """Return the name of the page with what changed in a run."""
    return f"changes/{folder}.html"


def line_page(line: str) -> str:
    """Return the name of the page of a line of runs."""
    return f"lines/{line}.html"


def links(above: str) -> list[tuple[str, str]]:
    """Return where every page leads; `above` is the way to the site's own folder."""
    return [
        ("All runs", f"{above}{INDEX}"),
        ("Feed", f"{above}{FEED}"),
        ("Calendar", f"{above}{CALENDAR}"),
    ]


def line_sheet(
    runs: Sequence[StoredRun],
    names: SiteNames,
    due: ComingEvents,
    others: Callable[[Sheet], None] | None = None,
    above: str = "",
) -> Sheet:
    """Tell of a line of runs, oldest first; `others` adds sections about what is not in it."""
    last = runs[-1].manifest
    sheet = Sheet()
    sheet.links = links(above)
    sheet.feeds = [("application/atom+xml", "Runs", f"{above}{FEED}")]
    sheet.result = last.result
    sheet.heading(scope_of(last))
    report, changes = names.of(runs[-1].path.name, above)
    found = trend(runs, last.line)
    sheet.line(f"as of {day(last.run.as_of)} UTC; seen: {coverage(last)}")
    sheet.line(_against(last), href=changes)
    for why in found.runs[-1].breaks if found else ():
        sheet.line(f"not comparable with the run before: {why}")
    if report:
        sheet.line("the whole report of the latest run", href=report)
    figures = last.figures
    overdue = sum(figures.overdue.values())
    sheet.tiles(
        [
            *((str(one), str(one), figures.open.get(one, 0)) for one in WORST_FIRST),
            *([("overdue", "overdue", overdue)] if last.sla else []),
        ]
    )
    _tell_due(sheet, due, last.run.as_of, above)
    if found is not None:
        tell_course(sheet, found)
    sheet.heading(f"Runs ({len(runs):,})")
    tell_runs(
        sheet,
        [run.manifest for run in reversed(runs)],
        lambda manifest: names.of(manifest.name.folder, above),
    )
    if others is not None:
        others(sheet)
    return sheet


def _against(manifest: Manifest) -> str:
    previous = manifest.previous
    if previous is None:
        return "the first run of its scope"
    changes = manifest.figures.changes
    told = [
        f"{number:,} {name}" for name in _CHANGES if (number := sum(changes.get(name, {}).values()))
    ]
    return f"since {day(previous.run.as_of)} UTC: {', '.join(told) or 'nothing changed'}"


def _tell_due(sheet: Sheet, due: ComingEvents, moment: datetime, above: str) -> None:
    """Say how much falls due by when, and what it is on the days that are next."""
    events, today = due.events, utc_day(moment)
    if not events and due.looked >= _SOON[-1]:
        return
    ahead = [one for one in events if one.day >= today]
    sheet.heading("What falls due")
    if not due.looked:
        sheet.line("what will break a rule was not looked for")
    elif due.looked < _SOON[-1]:
        sheet.line(f"what breaks a rule was looked for up to {today + timedelta(days=due.looked)}")
    if not events:
        return
    before = len(events) - len(ahead)
    if before:
        sheet.line(f"{before:,} should have been mended before {today}")
    for days in _SOON:
        number = sum(one.day <= today + timedelta(days=days) for one in ahead)
        sheet.line(f"{number:,} within {plural(days, 'day')}")
    by_day: dict[date, list[CalendarEvent]] = {}
    for one in ahead:
        by_day.setdefault(one.day, []).append(one)
    rows: list[Cells] = [
        (str(day_), f"{len(some):,}", "; ".join(one.summary for one in some[:_NAMED]))
        for day_, some in list(by_day.items())[:_DAYS]
    ]
    if rows:
        sheet.table(("day", "number", "of them"), rows)
    most = f"{MOST:,} of it, what is next first," if len(events) > MOST else "all of it"
    sheet.line(f"{most} as a calendar: {CALENDAR}", href=f"{above}{CALENDAR}")


def lines_section(sheet: Sheet, others: Sequence[Sequence[StoredRun]]) -> None:
    """Add the lines that have a page of their own, by their latest runs."""
    if not others:
        return
    sheet.heading(f"Other scopes ({len(others):,})")
    rows: list[Cells] = []
    for runs in others:
        last = runs[-1].manifest
        result = last.result.value
        rows.append(
            (
                SheetCell(scope_of(last), href=line_page(last.line)),
                day(last.run.as_of),
                SheetCell(result, result),
                f"{sum(last.figures.open.values()):,}",
                f"{len(runs):,}",
            )
        )
    sheet.table(("scope", "latest run", "result", "open", "runs"), rows, minor=("runs",))


def damage_section(sheet: Sheet, damaged: Sequence[tuple[str, str]]) -> None:
    """Add what is damaged: the folder or page, and what is wrong with it."""
    if not damaged:
        return
    sheet.heading(f"Damaged ({len(damaged):,})")
    rows: list[Cells] = [(SheetCell(name, "damaged"), told) for name, told in damaged]
    sheet.table(("run", "what is wrong"), rows)
    sheet.line(f"{plural(len(damaged), 'problem')}: see `keypolicy history verify`")


def figures_sheet(run: StoredRun, why: str) -> Sheet:
    """Tell of a run of which only the figures are left."""
    sheet = Sheet("Compliance report")
    sheet.links = links("../")
    sheet.result = run.manifest.result
    sheet.heading(f"{scope_of(run.manifest)}, {day(run.manifest.run.as_of)} UTC")
    sheet.line(why)
    tell_scope(sheet, run.manifest)
    tell_open(sheet, run.manifest)
    return sheet
