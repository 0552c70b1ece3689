"""A sheet: headings, lines, tables and charts in their order, whatever they are about.

Whoever has something to tell puts it together here; lines.py writes it for terminals and as
Markdown, page.py as a page of HTML. Texts are plain: each form makes them harmless by itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from scanner.report.html.chart import Chart
from scanner.report.html.plot import ChartShape

if TYPE_CHECKING:
    from scanner.model.run import GateResult


class SheetCell(msgspec.Struct, frozen=True):
    """A cell that is more than its text.

    `look` gives it the colour of a severity or verdict, `href` leads to another file of a site,
    `shape` is drawn in place of the text where drawing is possible, `label` is what a link is
    called where its text alone does not tell.
    """

    text: str
    look: str = ""
    href: str = ""
    shape: ChartShape | None = None
    label: str = ""


Cells = Sequence[str | SheetCell]


class SheetLine(msgspec.Struct, frozen=True):
    """A line; `href` leads to another file of a site."""

    text: str
    href: str = ""


class SheetTable(msgspec.Struct, frozen=True):
    """A table; the columns at `minor` are left out where there is little room."""

    head: tuple[str, ...]
    rows: tuple[tuple[SheetCell, ...], ...]
    minor: frozenset[int]


class SheetTiles(msgspec.Struct, frozen=True):
    """Large figures side by side: what each is of, its colour, and the figure."""

    tiles: tuple[tuple[str, str, int], ...]


SheetBlock = SheetLine | SheetTable | SheetTiles | Chart


class SheetSection(msgspec.Struct):
    """What stands below one heading."""

    heading: str
    blocks: list[SheetBlock]


class Sheet:
    """A sheet that is being put together; its first heading says what all of it is.

    `result` and `eyebrow` stand beside that in HTML, and so do `links`, what they are called and
    the file of the site that they lead to, and `feeds`, each with its media type.
    """

    def __init__(self, eyebrow: str = "Compliance history") -> None:
        self.eyebrow = eyebrow
        self.result: GateResult | None = None
        self.links: list[tuple[str, str]] = []
        self.feeds: list[tuple[str, str, str]] = []
        self.sections: list[SheetSection] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.sections.append(SheetSection(text, []))

    def line(self, text: str, href: str = "") -> None:
        """Add a line."""
        self._add(SheetLine(text, href))

    def table(self, head: Sequence[str], rows: Sequence[Cells], minor: Sequence[str] = ()) -> None:
        """Add a table with its heads; `minor` are those that can be left out."""
        cells = tuple(
            tuple(cell if isinstance(cell, SheetCell) else SheetCell(cell) for cell in row)
            for row in rows
        )
        places = frozenset(at for at, one in enumerate(head) if one in minor)
        self._add(SheetTable(tuple(head), cells, places))

    def tiles(self, tiles: Sequence[tuple[str, str, int]]) -> None:
        """Add large figures, which tables tell too: only pages show them."""
        self._add(SheetTiles(tuple(tiles)))

    def chart(self, chart: Chart) -> None:
        """Add a chart: only pages show it."""
        self._add(chart)

    def _add(self, block: SheetBlock) -> None:
        self.sections[-1].blocks.append(block)
