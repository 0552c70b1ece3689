"""The forecast as a page of its own: `Run.forecast` goes in, HTML that loads nothing comes out.

What falls due, and who has to do what, is told as the report of a scan tells it.
"""

from scanner.base.text import clock, plural, timestamp
from scanner.model.finding import Forecast
from scanner.model.run import Run
from scanner.report.html.frame import REPORT_STYLES, Frame
from scanner.report.html.scope import unseen
from scanner.report.html.story.story import story


def forecast_page(run: Run, forecast: Forecast, reasons: tuple[str, ...]) -> bytes:
    """Return the page; `reasons` are why the command fails."""
    told = story(run)
    context = {
        **told,
        "headline": f"{plural(len(forecast.dues), 'finding')} due"
        f" within {plural(forecast.days, 'day')}",
        "lapses": plural(len(forecast.lapses), "waiver"),
        "has_lapses": bool(forecast.lapses),
        "reasons": reasons,
        "sources": run.inventory.sources,
        "as_of": {"iso": timestamp(forecast.as_of), "text": clock(forecast.as_of)},
        "policies": run.policies,
        "rules": forecast.rules,
        "moving_rules": forecast.moving_rules,
        "unseen": unseen(run),
        "warnings": run.warnings,
        "narrowed": "",
        "found": 0,
    }
    return Frame(REPORT_STYLES).page("forecast.html.j2", context).encode()
