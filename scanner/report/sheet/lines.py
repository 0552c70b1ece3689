"""A sheet as lines: for a terminal, or as Markdown. What can only be drawn is left out."""

from collections.abc import Iterator, Sequence
from typing import Final

from scanner.base.text import aligned, clean
from scanner.report.parts.markup import escaped
from scanner.report.sheet.sheet import Sheet, SheetLine, SheetTable

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_WIDEST: Final = 60


def terminal(sheet: Sheet) -> Iterator[str]:
    """Yield the lines for a terminal."""
    for number, section in enumerate(sheet.sections):
        if number:
            yield ""
        yield clean(section.heading)
        for block in section.blocks:
            if isinstance(block, SheetLine):
                yield f"  {clean(block.text)}"
            elif isinstance(block, SheetTable):
                heads = [head.upper() for head in block.head]
                rows = [[cell.text for cell in row] for row in block.rows]
                yield from (f"  {line}" for line in aligned([heads, *rows]))


def markdown(sheet: Sheet) -> Iterator[str]:
    """Yield the lines of Markdown."""
    for number, section in enumerate(sheet.sections):
        if number:
            yield ""
        yield f"## {escaped(section.heading)}"
        yield ""
        for block in section.blocks:
            if isinstance(block, SheetLine):
                yield f"- {escaped(block.text)}"
            elif isinstance(block, SheetTable):
                rows = [[escaped(cell.text) for cell in row] for row in block.rows]
                lines = [block.head, ["---"] * len(block.head), *rows]
                yield from (f"| {' | '.join(row)} |" for row in lines)


def spark(values: Sequence[float | None], top: float | None = None) -> str:
    """Draw numbers from 0 on as blocks, the latest of them; what is not known is a space."""
    shown = values[-_WIDEST:]
    most = top or max((value for value in shown if value is not None), default=0) or 1
    last = len(_BLOCKS) - 1
    return "".join(
        " " if value is None else _BLOCKS[min(last, round(value / most * last))] for value in shown
    )
