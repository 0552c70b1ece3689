"""The forecast for people: what falls due week by week, which projects it is in, which waivers end.

`Run.forecast` goes in, lines for a terminal come out.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from scanner.base.text import aligned, clean, clock, plural, wrap
from scanner.model.finding import Due, DueReason, Forecast
from scanner.model.moment import utc_day
from scanner.model.outcome import Outcome
from scanner.model.run import Run
from scanner.report.forecast.document import incomplete, monday, projects, weeks
from scanner.report.interface import ReportOptions
from scanner.report.parts.effect import scanned

_OF_A_WEEK: Final = 10
_PROJECTS: Final = 10
_MIN_WIDTH: Final = 60


def agenda(
    run: Run, forecast: Forecast, reasons: tuple[str, ...], options: ReportOptions
) -> Iterator[str]:
    """Yield the lines; `reasons` are why the command fails. `verbose` shows every finding."""
    width = max(options.width, _MIN_WIDTH)
    end = utc_day(forecast.as_of + timedelta(days=forecast.days))
    due = f"{plural(len(forecast.dues), 'finding')} due within {plural(forecast.days, 'day')}"
    lapses = f", {plural(len(forecast.lapses), 'waiver')} to lapse" if forecast.lapses else ""
    yield f"FORECAST: {due} (to {end}){lapses}"
    for reason in dict.fromkeys((*reasons, *incomplete(run))):
        yield from wrap(clean(reason), width, "  - ", hanging="    ")
    if options.quiet:
        return
    yield ""
    policies = ", ".join(f"{one.name} {one.version}" for one in run.policies)
    for label, text in (
        ("Scanned", scanned(run.inventory.sources)),
        ("As of", clock(forecast.as_of)),
        ("Policy", policies),
        ("Rules", f"{forecast.moving_rules} of {forecast.rules} depend on the time"),
    ):
        yield from wrap(clean(text), width, f"{label:<10}", hanging=" " * 10)
    yield from _weeks(forecast, width, None if options.verbose else _OF_A_WEEK)
    yield from _projects(forecast, width, None if options.verbose else _PROJECTS)
    yield from _waivers(forecast, width)


def _weeks(forecast: Forecast, width: int, most: int | None) -> Iterator[str]:
    by_week: dict[date, list[Due]] = {}
    for one in forecast.dues:
        by_week.setdefault(monday(one.at), []).append(one)
    for week in weeks(forecast):
        found = by_week.get(week.starts, [])
        if not found:
            continue
        yield ""
        yield f"Week of {week.starts}: {plural(len(found), 'finding')} due"
        rows = [_row(one, forecast) for one in found[:most]]
        yield from (f"  {line}" for line in aligned(rows, width - 2))
        if len(found) > len(rows):
            yield f"  ... and {len(found) - len(rows):,} more (-v shows all)"


def _row(one: Due, forecast: Forecast) -> list[str]:
    finding = one.finding
    told = finding.rule_id
    if one.reason is DueReason.UNCOVERED:
        told += f" (waiver {finding.waiver} ends)" if finding.waiver else " (no longer waived)"
    elif finding.outcome is not Outcome.FAIL:
        told += f" ({finding.outcome})"
    return [
        str(utc_day(one.at)),
        finding.severity.value,
        _place(finding.resource.organization, finding.resource.project, forecast),
        finding.resource.name or finding.resource.id,
        told,
    ]


def _place(organization: str | None, project: str | None, forecast: Forecast) -> str:
    """Name a project, with its organization where there are several."""
    several = len({one.finding.resource.organization for one in forecast.dues}) > 1
    parts = (organization, project) if several or not project else (project,)
    return "/".join(filter(None, parts)) or "-"


def _projects(forecast: Forecast, width: int, most: int | None) -> Iterator[str]:
    found = projects(forecast.dues)
    if not found:
        return
    yield ""
    yield "By project"
    rows = [
        [
            _place(one.organization, one.project, forecast),
            f"{one.due:,} due",
            f"the first on {one.next}",
        ]
        for one in found[:most]
    ]
    yield from (f"  {line}" for line in aligned(rows, width - 2))
    if len(found) > len(rows):
        yield f"  ... and {len(found) - len(rows):,} more (-v shows all)"


def _waivers(forecast: Forecast, width: int) -> Iterator[str]:
    if not forecast.lapses:
        return
    yield ""
    yield "Waivers"
    rows = [
        [
            str(utc_day(one.at)),
            one.waiver.id,
            f"lapses and reopens {plural(one.reopens, 'finding')}",
            f"owner: {one.waiver.owner}",
        ]
        for one in forecast.lapses
    ]
    yield from (f"  {line}" for line in aligned(rows, width - 2))
