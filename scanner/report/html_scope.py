"""What the page says of the scan's scope and of what was approved or known before."""

from typing import Any, Final

from scanner.model.finding import KnownFinding
from scanner.model.run import Run, TableSummary
from scanner.model.waiver import WaiverState, WaiverUse
from scanner.report.subject import place
from scanner.report.text import paragraph, plural, timestamp

MAX_FIXED: Final = 200
"""Fixed findings that are listed; all of them are counted."""


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


def waiver(use: WaiverUse) -> dict[str, Any]:
    """Return one waiver with what it came to."""
    one = use.waiver
    return {
        "id": one.id,
        "reason": paragraph(one.reason),
        "owner": one.owner,
        "approved_by": one.approved_by,
        "expires": one.expires.isoformat(),
        "ticket": one.ticket,
        "has_page": one.ticket.startswith(("https://", "http://")),
        "state": use.state.value,
        "left": _left(use),
        "decided": use.decided,
        "unused": use.is_unused,
    }


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
        "first_seen": timestamp(known.first_seen)[:10],
    }
