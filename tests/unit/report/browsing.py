"""What is read off the HTML report in a browser."""

from collections.abc import Callable
from typing import Any

Open = Callable[..., Any]
"""Opens the report of a run; the fixture `open_report`."""


def shown(page: Any) -> list[str]:
    """Return the messages of the rows on the screen."""
    texts: list[str] = page.locator("#rows button.open").all_inner_texts()
    return texts


def count(page: Any) -> str:
    text: str = page.inner_text("#shown")
    return text


def address(page: Any) -> str:
    # Asked of the page itself: what the browser tells of its address comes a little later.
    return str(page.evaluate("location.href")).partition("#")[2]


def column(page: Any, name: str) -> list[str]:
    texts: list[str] = page.locator(f"#rows .c-{name}").all_inner_texts()
    return [text.splitlines()[0] for text in texts]
