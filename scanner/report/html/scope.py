"""What the page says of the scan's scope and of what was approved or known before."""

from typing import Any, Final

from scanner.base.text import day, paragraph, plural
from scanner.model.finding import KnownFinding
from scanner.model.outcome import Disposition
from scanner.model.run import Run, TableSummary
from scanner.model.waiver import WaiverState, WaiverUse
from scanner.report.parts.subject import heading, is_web, place

MAX_FIXED: Final = 200
"""Fixed findings that are listed; all of them are counted."""

_SOON: Final = (30, 90)


def organizations(run: Run) -> list[dict[str, Any]]:
    """Return each organization that was seen, with the number of its projects."""
    return [
        {"slug": slug, "projects": projects}
        for slug, projects in run.inventory.organizations.items()
    ]


def table(name: str, summary: TableSummary) -> dict[str, Any]:
    """Return one table of the inventory with its coverage and gaps."""
    coverage = summary.coverage
    return {
        "name": name,
        "rows": summary.rows,
        "needed": summary.needed,
        "state": coverage.state.value,
        "reason": coverage.reason,
        "gaps": [
            {"place": place(gap.organization, gap.project), "reason": gap.reason}
            for gap in coverage.gaps
        ],
    }


def unseen(run: Run) -> list[dict[str, str]]:
    """Return the places that a rule wanted to look at and could not, each once."""
    places: dict[str, str] = {}
    for name, coverage in run.inventory.incomplete.items():
        for gap in coverage.gaps:
            places.setdefault(place(gap.organization, gap.project), gap.reason)
        if not coverage.gaps:
            places.setdefault(name, coverage.reason)
    return [{"place": where, "reason": reason} for where, reason in places.items()]


def known(run: Run) -> list[dict[str, Any]]:
    """Return the rules of which the baseline tolerates findings, with their number."""
    return [
        {
            "id": result.rule.id,
            "policy": result.rule.policy,
            "title": heading(result.rule),
            "severity": result.rule.severity.value,
            "number": number,
        }
        for result in run.results
        if (number := result.disposed(Disposition.BASELINED))
    ]


def waivers(run: Run) -> list[dict[str, Any]]:
    """Return the waivers by the day they end, each with what it came to."""
    reopens = {one.waiver.id: one.reopens for one in run.forecast.lapses} if run.forecast else {}
    ordered = sorted(run.waivers, key=lambda use: (use.waiver.expires, use.waiver.id))
    return [_waiver(use, reopens.get(use.waiver.id, 0)) for use in ordered]


def _waiver(use: WaiverUse, reopens: int) -> dict[str, Any]:
    one = use.waiver
    return {
        "id": one.id,
        "reason": paragraph(one.reason),
        "rules": one.rules,
        "policy": one.policy,
        "owner": one.owner,
        "approved_by": one.approved_by,
        "expires": one.expires.isoformat(),
        "ticket": one.ticket,
        "has_page": is_web(one.ticket),
        "state": use.state.value,
        "left": _left(use),
        "decided": use.decided,
        "unused": use.is_unused,
        "ends": _ends(use.days_left),
        "reopens": reopens,
    }


def _ends(days_left: int) -> str:
    """Say in which time a waiver ends, for a heading above those of the same."""
    if days_left < 0:
        return "Lapsed"
    soon = next((days for days in _SOON if days_left <= days), None)
    return f"Ends within {plural(soon, 'day')}" if soon else "Ends later"


def _left(use: WaiverUse) -> str:
    if use.state is WaiverState.PENDING:
        return f"from {use.waiver.created.isoformat()}"
    if use.days_left < 0:
        return f"{plural(-use.days_left, 'day')} ago"
    return f"{plural(use.days_left, 'day')} left" if use.days_left else "last day"


def fixed(known: KnownFinding) -> dict[str, Any]:
    """Return one finding of the baseline that is there no more."""
    return {
        "rule": known.rule,
        "name": known.name or known.id,
        "id": known.id,
        "place": place(known.organization, known.project),
        "first_seen": day(known.first_seen),
    }
