"""How a line of runs went: open findings, outcomes, times to fix, and the part that passed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from scanner.base.text import percent, plural
from scanner.history.compare.trend import Trend, TrendRun
from scanner.history.tell.words import day
from scanner.model.history import GroupTally
from scanner.model.outcome import WORST_FIRST, Severity
from scanner.report.html.chart import Chart, chart
from scanner.report.html.plot import Series, sparkline
from scanner.report.sheet.lines import spark
from scanner.report.sheet.sheet import Cells, Sheet, SheetCell

Tallies = Callable[[TrendRun], Mapping[str, GroupTally]]

_HEAD: Final = ("first", "last", "trend")
_RATES: Final[tuple[tuple[str, Tallies], ...]] = (
    ("rule", lambda one: one.rules),
    ("control", lambda one: one.controls),
    ("organization", lambda one: one.organizations),
    ("team", lambda one: one.teams),
)


def tell_trend(sheet: Sheet, found: Trend) -> None:
    """Add the whole course."""
    first, last = found.runs[0], found.runs[-1]
    sheet.result = last.point.result
    sheet.heading(
        f"{plural(len(found.runs), 'run')}, {day(first.name.as_of)} to {day(last.name.as_of)} UTC"
    )
    for line, runs in found.others.items():
        sheet.line(f"line {line}, of another scope, is not in it ({plural(runs, 'run')})")
    for one in found.runs:
        for why in one.breaks:
            sheet.line(f"{day(one.name.as_of)}: {why}")
    tell_course(sheet, found)


def tell_course(sheet: Sheet, found: Trend) -> None:
    """Add charts and tables of how it went."""
    lines = _Course(found.runs)
    sheet.heading("Open findings, those in a gap as they were last known")
    for slugs, runs in found.strangers.items():
        sheet.line(f"{plural(runs, 'run')} of other organizations ({slugs}) not in it: see --org")
    sheet.chart(_open_chart(found.runs, lines))
    rows = [
        lines.row(severity.value, lambda one, s=severity: _open(one, s))  # type: ignore[misc]  # bound now
        for severity in WORST_FIRST
    ]
    rows.append(lines.row("overdue", _overdue))
    rows += [
        lines.row(name, lambda one, n=name: one.fates.get(n, 0))  # type: ignore[misc]  # bound now
        for name in ("new", "fixed", "reopened")
    ]
    sheet.table(("", *_HEAD), rows)
    sheet.heading("Outcomes")
    outcomes = _outcomes(found.runs)
    sheet.chart(_outcome_chart(outcomes, lines))
    sheet.table(("", *_HEAD), [lines.rate(one.name, one.values) for one in outcomes])
    if found.days_to_fix:
        sheet.heading("Days to fix")
        sheet.table(
            ("severity", "fixed", "mean", "90th percentile"),
            [
                (
                    SheetCell(severity.value, severity.value),
                    *(f"{time.fixed:,}", f"{time.mean:g}", f"{time.p90:,}"),
                )
                for severity, time in found.days_to_fix.items()
            ],
        )
    for title, tallies in _RATES:
        rates = lines.rates(tallies)
        if rates:
            sheet.heading(f"Passed, by {title}")
            sheet.table((title, *_HEAD), rates)


class _Course:
    """Draws one figure after the other over the same runs."""

    def __init__(self, runs: Sequence[TrendRun]) -> None:
        self._runs = runs
        self.moments = [one.name.as_of for one in runs]
        self.breaks = {at: one.breaks for at, one in enumerate(runs) if one.breaks}

    def row(self, name: str, count: Callable[[TrendRun], int]) -> Cells:
        """Return a row with the first and last count, and a line."""
        counts = [count(one) for one in self._runs]
        shape = sparkline(self.moments, counts, self.breaks)
        return name, f"{counts[0]:,}", f"{counts[-1]:,}", SheetCell(spark(counts), shape=shape)

    def rates(self, tallies: Tallies) -> list[Cells]:
        """Return how large a part passed, of everything that the last run has."""
        return [
            self.rate(
                name, [got.rate if (got := tallies(one).get(name)) else None for one in self._runs]
            )
            for name in tallies(self._runs[-1])
        ]

    def rate(self, name: str, rates: Sequence[float | None]) -> Cells:
        """Return a row with the first rate that is known and the last one, and a line."""
        first = next((rate for rate in rates if rate is not None), None)
        shape = sparkline(self.moments, rates, self.breaks, 1.0)
        return name, percent(first), percent(rates[-1]), SheetCell(spark(rates, 1.0), shape=shape)


def _open_chart(runs: Sequence[TrendRun], lines: _Course) -> Chart:
    return chart(
        "open",
        "Open findings by severity",
        lines.moments,
        [
            *(
                Series(one.value, one.value, [_open(run, one) for run in runs])
                for one in WORST_FIRST
            ),
            Series("overdue", "overdue", [_overdue(run) for run in runs], is_stacked=False),
        ],
        breaks=lines.breaks,
        notes=[run.point.result.value for run in runs],
    )


def _outcome_chart(outcomes: Sequence[Series], lines: _Course) -> Chart:
    return chart(
        "outcomes",
        "Outcomes of all checks",
        lines.moments,
        outcomes,
        breaks=lines.breaks,
        is_rate=True,
    )


def _outcomes(runs: Sequence[TrendRun]) -> list[Series]:
    totals = [_total(run) for run in runs]
    judged = [one.passed + one.failed + one.unknown for one in totals]
    parts = {
        "pass": ("passed", [one.passed for one in totals]),
        "fail": ("failed", [one.failed for one in totals]),
        "unknown": ("could not be told", [one.unknown for one in totals]),
    }
    return [
        Series(
            name, look, [n / all_ if all_ else None for n, all_ in zip(counts, judged, strict=True)]
        )
        for look, (name, counts) in parts.items()
    ]


def _total(run: TrendRun) -> GroupTally:
    total = GroupTally()
    for tally in run.rules.values():
        total = total.plus(tally)
    return total


def _overdue(one: TrendRun) -> int:
    """Count what is overdue, that in a gap as it was last known."""
    return sum(one.overdue.values()) + sum(one.unseen_overdue.values())


def _open(one: TrendRun, severity: Severity) -> int:
    """Count what is open, that in a gap as it was last known."""
    return one.point.open.get(severity, 0) + one.unseen.get(severity, 0)
