"""How what is foretold lies over weeks and projects: a run goes in, bounded rows come out."""

from typing import Any, Final

import msgspec

from scanner.model.run import Run
from scanner.report.parts.subject import place

PROJECTS: Final = 15
"""Projects that are listed, those with the most first; all of them are counted."""


def spread(run: Run) -> dict[str, Any]:
    """Return what comes to be open by week and by project; of the owners that are shown."""
    told = run.forecast
    if told is None:
        return {"weeks": [], "projects": [], "more_projects": 0, "more": 0}
    from scanner.report.forecast.document import projects, weeks  # noqa: PLC0415 - few need it

    if run.narrowing is not None:
        owners = run.narrowing.owners
        dues = tuple(one for one in told.dues if one.finding.owner in owners)
        lapses = tuple(one for one in told.lapses if one.waiver.owner in owners)
        told = msgspec.structs.replace(told, dues=dues, lapses=lapses)
    by_week, by_project = weeks(told), projects(told.dues)
    most = max((one.due for one in by_week), default=0) or 1
    return {
        "weeks": [
            {
                "starts": one.starts.isoformat(),
                "due": one.due,
                "waivers": one.waivers,
                "width": f"{100 * one.due / most:.4g}" if one.due else "",
            }
            for one in by_week
        ],
        "projects": [
            {
                "place": place(one.organization, one.project),
                "due": one.due,
                "next": one.next.isoformat(),
            }
            for one in by_project[:PROJECTS]
        ],
        "more_projects": len(by_project[PROJECTS:]),
        "more": sum(one.due for one in by_project[PROJECTS:]),
    }
