"""A real browser for the HTML report, and what it is asked."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scanner.model.run import Run
from scanner.report import pdf
from tests.unit.report.browsing import Open
from tests.unit.report.rendering import write_file

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # the page is our own, and continuous integration runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="session", autouse=True)
def _laid_out_once() -> Iterator[None]:
    """Do not lay the same page out for paper twice: what comes of it depends on the page alone.

    That it does is tested in two processes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "_rendered", cache(pdf._rendered))  # noqa: SLF001
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser; while there is one, nothing else in this process can run a loop of events."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def shared_page(browser: Any) -> Iterator[Any]:
    """Return the page that reports are opened in one after the other: a new one takes thrice."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def open_report(browser: Any, shared_page: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens the report of a run; nothing may complain meanwhile."""
    pages: list[Any] = []
    complaints: list[str] = []
    listeners: dict[str, Callable[[Any], None]] = {
        "console": lambda message: complaints.append(message.text),
        "pageerror": lambda error: complaints.append(str(error)),
        "dialog": lambda dialog: complaints.append(dialog.message),
        "request": lambda request: requested(request.url),
    }

    def requested(url: str) -> None:
        if not url.startswith("file:"):
            complaints.append(f"requested {url}")

    def opened(
        run: Run,
        fragment: str = "",
        *,
        width: int = 1440,
        height: int = 1000,
        scheme: str = "light",
        scripts: bool = True,
    ) -> Any:
        path = tmp_path / f"report-{len(pages)}.html"  # the same again would only be scrolled
        write_file(run, path)
        page = shared_page if scripts else browser.new_page(java_script_enabled=False)
        pages.append(page)
        for event, listener in listeners.items():
            page.on(event, listener)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(media="null", color_scheme=scheme)
        page.goto(f"{path.as_uri()}{fragment}")
        return page

    yield opened
    for page in pages:
        page.goto("about:blank")
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        if page is not shared_page:
            page.close()
    assert complaints == []
