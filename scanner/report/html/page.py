"""One self-contained page: verdict, scope, totals, controls, and every finding to search.

Nothing is loaded from anywhere: style and script are inlined and named by their hashes in the
page's Content-Security-Policy, findings are JSON that the script draws a page at a time. Two
reports of the same facts differ only in the run's id and clock times.
"""

from collections.abc import Generator, Sequence
from typing import BinaryIO, Final

from markupsafe import Markup

from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report.html.data import BLOCK, Blocks, rules_block
from scanner.report.html.frame import Frame
from scanner.report.html.view import NOSCRIPT_ROWS, view
from scanner.report.interface import ReportOptions, Writing

_STYLES: Final = ("report.css", "chart.css", "story.css", "media.css")
_SCRIPTS: Final = (
    "text.js",
    "prose.js",
    "data.js",
    "filter.js",
    "group.js",
    "detail.js",
    "table.js",
    "export.js",
    "select.js",
    "page.js",
)
_BLOCKS: Final = "<!-- findings -->\n"  # in the template; in data, `<` is escaped


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the page; see scanner.report.interface.Format."""
    # The first rows stand in the page itself, for where no script runs.
    held: list[Finding] = []
    is_more = yield from _gather(held)
    before, after = _page(run, held[:NOSCRIPT_ROWS]).split(_BLOCKS)
    out.write(before.encode())
    blocks = Blocks(run)
    while held:
        out.writelines(element.encode() for element in blocks.elements(held[:BLOCK]))
        del held[:BLOCK]
        if is_more:
            is_more = yield from _gather(held)
    out.write(after.encode())


def _gather(held: list[Finding]) -> Generator[None, Sequence[Finding], bool]:
    """Take findings until there is a block of them; return whether there may be more."""
    while len(held) < BLOCK:
        found = yield
        if not found:
            return False
        held += found
    return True


def _page(run: Run, first: Sequence[Finding]) -> str:
    """Return the page, with a mark where the blocks of findings belong."""
    # Escaped for a script element already.
    rules = Markup(rules_block(run))  # noqa: S704
    context = {**view(run, first), "rules_data": rules}
    return Frame(_STYLES, _SCRIPTS).page("report.html.j2", context)
