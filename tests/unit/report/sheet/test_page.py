"""A sheet as a page: whole in itself, without a script, and every text harmless."""

import re

import pytest

from scanner.model.run import GateResult
from scanner.report.parts.effect import STATES
from scanner.report.sheet.page import SheetPages, html
from scanner.report.sheet.sheet import Sheet, SheetCell

HOSTILE = "<script>alert(1)</script>\"'&"


def made() -> Sheet:
    sheet = Sheet("An eyebrow")
    sheet.heading("All runs")
    return sheet


def test_the_first_heading_is_the_title_and_the_others_are_sections() -> None:
    sheet = made()
    sheet.heading("Open")
    sheet.line("one line")
    page = html(sheet).decode()
    assert re.search(r"<title>[^<]*All runs", page)
    assert re.findall(r"<h1[^>]*><bdi>([^<]+)</bdi></h1>", page) == ["All runs"]
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", page) == ["Open"]
    assert "one line" in page


@pytest.mark.parametrize("result", GateResult)
def test_the_verdict_stands_beside_the_title(result: GateResult) -> None:
    sheet = made()
    assert STATES[result] not in html(sheet).decode()
    sheet.result = result
    assert STATES[result] in html(sheet).decode()


def test_every_text_is_escaped_and_nothing_is_fetched_or_run() -> None:
    sheet = Sheet(HOSTILE)
    for add in (sheet.heading, sheet.heading, sheet.line):
        add(HOSTILE)
    cell = SheetCell(HOSTILE, "high", "runs/x.html", label=HOSTILE)
    sheet.table(("name", "link"), [(HOSTILE, cell)])
    sheet.tiles([(HOSTILE, "fail", 3)])
    sheet.links.append((HOSTILE, "index.html"))
    page = html(sheet).decode()
    assert "<script" not in page
    assert "alert(1)" in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def columns(*rows: tuple[str, ...]) -> list[set[str]]:
    """Return the classes of the columns of a table, of which the last is a minor one."""
    sheet = made()
    head = tuple(f"h{at}" for at in range(len(rows[0])))
    sheet.table(head, rows, minor=head[-1:])
    page = html(sheet).decode()
    heads = re.findall(r'<th scope="col"(?: class="([^"]*)")?>', page)
    return [set(found.split()) for found in heads]


def test_numbers_and_days_are_told_by_all_rows_of_a_column() -> None:
    first, second, third, last = columns(
        ("1,000", "2026-01-01 10:00", "1", "x"), ("-", "2026-01-02", "one", "7")
    )
    assert "number" in first
    assert "brief" in second
    assert not {"number", "brief"} & third
    assert "minor" in last
    assert "minor" not in first | second | third


def test_pages_that_share_their_frame_are_as_those_that_do_not() -> None:
    pages = SheetPages()
    sheet, other = made(), Sheet()
    other.heading("Another")
    assert [pages.page(sheet), pages.page(other)] == [html(sheet), html(other)]
