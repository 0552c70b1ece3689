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
from scanner.report.html.frame import REPORT_STYLES, Frame
from scanner.report.html.paper import cover, printed, running
from scanner.report.html.view import NOSCRIPT_ROWS, view
from scanner.report.interface import ReportOptions, Writing

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
    "print.js",
    "page.js",
)
_BLOCKS: Final = "<!-- findings -->\n"  # in the template; in data, `<` is escaped


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:
    """Write the page; see scanner.report.interface.Format."""
    # The first rows stand in the page itself, for where no script runs.
    held: list[Finding] = []
    is_more = yield from _gather(held)
    before, after = page_of(run, held[:NOSCRIPT_ROWS], links=options.links).split(_BLOCKS)
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


def page_of(
    run: Run,
    first: Sequence[Finding],
    *,
    is_paper: bool = False,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page with these first findings, and a mark where the blocks of all belong.

    `is_paper` is for where no script runs: no mark then, and the findings as they are printed.
    """
    context = {
        **view(run, () if is_paper else first),
        "links": links,
        "cover": cover(run),
        "printed": printed(run, first) if is_paper else None,
        "rules_data": Markup(rules_block(run)),  # noqa: S704 - escaped for a script element
    }
    return Frame(REPORT_STYLES, _SCRIPTS, running(run)).page("report.html.j2", context)
