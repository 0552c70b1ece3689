"""A sheet as a page of HTML in the look of the report: whole in itself, and without a script."""

import re
from typing import Any, Final

from scanner.report.html.chart import Chart
from scanner.report.html.frame import Frame
from scanner.report.parts.effect import STATES
from scanner.report.sheet.sheet import (
    Sheet,
    SheetBlock,
    SheetLine,
    SheetSection,
    SheetTable,
    SheetTiles,
)

_STYLES: Final = ("report.css", "chart.css", "media.css", "print.css", "sheet.css")
_NUMBER: Final = re.compile(r"-|[\d,.]+%?")
_BRIEF: Final = re.compile(r"[\d: -]{10,16}")


class SheetPages:
    """Writes sheets as pages; what they share is read once."""

    def __init__(self) -> None:
        self._frame = Frame(_STYLES)

    def page(self, sheet: Sheet) -> bytes:
        """Return the page of a sheet."""
        first, *others = sheet.sections
        context: dict[str, Any] = {
            "title": first.heading,
            "eyebrow": sheet.eyebrow,
            "result": sheet.result.value if sheet.result else "",
            "state": STATES[sheet.result] if sheet.result else "",
            "links": sheet.links,
            "feeds": sheet.feeds,
            "head": _section(first, 0),
            "sections": [_section(one, number) for number, one in enumerate(others, 1)],
        }
        return self._frame.page("sheet.html.j2", context).encode()


def html(sheet: Sheet) -> bytes:
    """Return the page of one sheet."""
    return SheetPages().page(sheet)


def _section(section: SheetSection, number: int) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    for block in section.blocks:
        if isinstance(block, SheetLine) and blocks and blocks[-1]["kind"] == "lines":
            blocks[-1]["lines"].append(block)
        else:
            blocks.append(_block(block))
    return {"id": f"section-{number}", "heading": section.heading, "blocks": blocks}


def _block(block: SheetBlock) -> dict[str, Any]:
    if isinstance(block, SheetLine):
        return {"kind": "lines", "lines": [block]}
    if isinstance(block, Chart):
        return {"kind": "chart", "chart": block}
    if isinstance(block, SheetTiles):
        return {"kind": "tiles", "tiles": block.tiles}
    columns = [{"head": head, "classes": _classes(block, at)} for at, head in enumerate(block.head)]
    return {"kind": "table", "table": block, "columns": columns}


def _classes(table: SheetTable, at: int) -> str:
    texts = [row[at].text for row in table.rows]
    is_number, is_brief = (
        any(texts) and all(not text or form.fullmatch(text) for text in texts)
        for form in (_NUMBER, _BRIEF)
    )
    is_drawn = any(row[at].shape for row in table.rows)
    names = {
        "number": is_number,
        "brief": is_brief,
        "drawn": is_drawn,
        "minor": at in table.minor,
    }
    return " ".join(name for name, holds in names.items() if holds)
