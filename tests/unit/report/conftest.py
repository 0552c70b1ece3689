"""A real browser for the HTML report, and what it is asked."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.model.run import Run
from tests.unit.report.browsing import Open
from tests.unit.report.rendering import write_file

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # the page is our own, and continuous integration runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_report(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens the report of a run; nothing may complain meanwhile."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(run: Run, fragment: str = "", **settings: Any) -> Any:
        path = tmp_path / "report.html"
        write_file(run, path)
        settings.setdefault("viewport", {"width": 1440, "height": 1000})
        context = browser.new_context(**settings)
        contexts.append(context)
        context.on("request", lambda request: requested(request.url))
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(f"{path.as_uri()}{fragment}")
        return page

    def requested(url: str) -> None:
        if not url.startswith("file:"):
            complaints.append(f"requested {url}")

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
