"""PDF reports in tests: whether one can be made here, and what it says."""

import io
import re
from collections import Counter
from functools import lru_cache

import pypdf
import pytest

from scanner.base.errors import UsageError
from scanner.report import format_called

_RUNNING = re.compile(r"Page[0-9]+of[0-9]+|APIkeycompliancereport|Asof[0-9-]{10}[0-9:]{8}UTC")


def can_make(name: str) -> bool:
    """Whether what this format needs is installed."""
    try:
        format_called(name)
    except UsageError:
        return False
    return True


needs_paper = pytest.mark.skipif(not can_make("pdf"), reason="WeasyPrint or Pango is not installed")


@lru_cache(maxsize=8)
def pages(made: bytes) -> tuple[str, ...]:
    """Return the text of each page; to read it takes a third as long as to make it."""
    read = pypdf.PdfReader(io.BytesIO(made))
    return tuple(_plain(page.extract_text()) for page in read.pages)


def _plain(text: str) -> str:
    """Return the text without ligatures, and without the NULs that pypdf reads between letters."""
    return text.replace("\0", "").replace("\ufb01", "fi").replace("\ufb02", "fl")


def letters(text: str) -> str:
    """Return the text without the white space, which depends on where lines break."""
    return "".join(text.split())


def content(made: bytes, above: str) -> tuple[str, Counter[str]]:
    """Return what the cover says, and every letter of the document with its number.

    Where lines and pages break depends on the fonts of the machine; letters do not. `above` is the
    scope that stands above each page.
    """
    told = [letters(page) for page in pages(made)]
    rest = "".join(_RUNNING.sub("", page).replace(letters(above), "") for page in told)
    return told[0].partition("Page1of")[0], Counter(rest)
