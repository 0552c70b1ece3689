"""The forecast as a page of its own: what it says, that it loads nothing, and how it looks."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.model.run import Run
from scanner.report.forecast.page import forecast_page
from tests.unit.report.factory import HOSTILE, golden_run
from tests.unit.report.node_tools import node_module
from tests.unit.report.storied import AGE, due, forecast, storied_run

AXE = "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"


def foreseen(*reasons: str) -> str:
    run = storied_run()
    assert run.forecast is not None
    alone = msgspec.structs.replace(run, progress=None, earlier=())
    return forecast_page(alone, run.forecast, reasons).decode()


def empty(run: Run) -> str:
    made = forecast(run)
    return forecast_page(msgspec.structs.replace(run, forecast=made), made, ()).decode()


def test_it_tells_what_falls_due_and_who_has_to_do_it() -> None:
    page = foreseen("within 14 days: a reason")
    text = " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())
    for told in (
        "Failed 4 findings due within 90 days , 1 waiver to lapse".replace(" ,", ","),
        "within 14 days: a reason",
        "2 of 5 depend on the time",
        "Within 30 days , to 2026-03-31: 2 keys or projects break a rule, 1 waiver lapses",
        "2026-03-03 in 2 days high",
        "key-2 acme/mobile",
        "Week of Drawn Findings Waivers 2026-03-02 2 1",
        "acme/web 2026-03-03 3",
        "1 part of the scope : nothing is foretold of it",
        "Renew in time, or it breaks",
    ):
        assert told in text, told


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = foreseen()
    assert "<script" not in page
    assert "default-src 'none'; style-src 'sha256-" in unescape(page)
    assert "script-src" not in page
    assert not re.search(r"<(link|img|iframe|object)|@import|url\(| style=", page)


def test_nothing_due_is_said() -> None:
    page = empty(golden_run())
    assert "0 findings due within 90 days" in page
    assert "Nothing falls due within 90 days." in page
    assert "Failed" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_hostile_names_are_inert() -> None:
    run = golden_run()
    text = HOSTILE["markup"] + HOSTILE["ansi"] + HOSTILE["bidi"]
    one = due(AGE, "1", 3)
    resource = msgspec.structs.replace(one.finding.resource, name=text, project=text)
    finding = msgspec.structs.replace(one.finding, resource=resource, owner=text)
    made = forecast(run, msgspec.structs.replace(one, finding=finding))
    page = forecast_page(msgspec.structs.replace(run, forecast=made), made, (text,)).decode()
    assert "<script" not in page
    assert "<img" not in page
    assert not set("\x1b\u202e\u2066\x07") & set(page)


@pytest.fixture(scope="module")
def without_csp(browser: Any) -> Iterator[Any]:
    """Return a page that runs scripts in pages that allow none, of which axe is one."""
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("make", "width", "scheme"),
    [
        (foreseen, 390, "light"),
        (foreseen, 1440, "dark"),
        (lambda: empty(golden_run()), 390, "dark"),
        (lambda: empty(golden_run()), 1440, "light"),
    ],
)
def test_a_browser_shows_it(
    without_csp: Any, tmp_path: Path, make: Callable[[], str], width: int, scheme: str
) -> None:
    axe = node_module("axe-core", "axe.min.js").read_text("utf-8")
    path = tmp_path / "due.html"
    path.write_text(make(), "utf-8")
    without_csp.set_viewport_size({"width": width, "height": 800})
    without_csp.emulate_media(color_scheme=scheme)
    without_csp.goto(path.as_uri())
    assert without_csp.evaluate("document.documentElement.scrollWidth") <= width
    without_csp.evaluate(axe)
    assert [json.dumps(one)[:500] for one in without_csp.evaluate(AXE)] == []
