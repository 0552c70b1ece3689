"""A sheet as lines: everything that is told in words, and nothing that a terminal would obey."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.report.sheet.lines import markdown, spark, terminal
from scanner.report.sheet.sheet import Sheet, SheetCell

HOSTILE = "a\x1b[31m|b`\n::error::c\u202e<script>"


def sheet() -> Sheet:
    made = Sheet()
    made.heading("Runs")
    made.line("two runs", href="index.html")
    made.table(("run", "open"), [("one", SheetCell("1,000", "high")), ("another", "2")])
    made.tiles([("open", "fail", 7)])
    made.heading("Rest")
    made.line("nothing")
    return made


def test_a_terminal_has_headings_lines_and_aligned_columns() -> None:
    assert list(terminal(sheet())) == [
        "Runs",
        "  two runs",
        "  RUN      OPEN",
        "  one      1,000",
        "  another  2",
        "",
        "Rest",
        "  nothing",
    ]


def test_markdown_has_headings_items_and_tables() -> None:
    assert list(markdown(sheet())) == [
        "## Runs",
        "",
        "- two runs",
        "| run | open |",
        "| --- | --- |",
        "| one | 1,000 |",
        "| another | 2 |",
        "",
        "## Rest",
        "",
        "- nothing",
    ]


def test_what_comes_from_elsewhere_is_made_harmless_wherever_it_stands() -> None:
    made = Sheet()
    made.heading(HOSTILE)
    made.line(HOSTILE)
    made.table(("name", "n"), [(HOSTILE, SheetCell(HOSTILE))])
    for line in terminal(made):
        assert line.isprintable()
    told = list(markdown(made))
    assert not [line for line in told if not line.isprintable() or "<script>" in line]
    assert [line.replace("\\|", "").count("|") for line in told[-2:]] == [3, 3]


@given(st.lists(st.none() | st.integers(0, 10**6), max_size=80), st.none() | st.just(1.0))
def test_a_line_of_blocks_has_a_place_for_each_of_the_last_numbers(
    values: list[int | None], top: float | None
) -> None:
    drawn = spark(values, top)
    shown = values[-60:]
    assert [block == " " for block in drawn] == [value is None for value in shown]
    known = [(value, block) for value, block in zip(shown, drawn, strict=True) if value is not None]
    assert all(one <= other for (_, one), (_, other) in zip(known, known, strict=True))
    for (low, below), (high, above) in zip(sorted(known), sorted(known)[1:], strict=False):
        assert low == high or below <= above


def test_a_rate_is_drawn_against_its_top_and_a_count_against_the_most() -> None:
    assert spark([0.0, 0.5, 1.0], 1.0) == "▁▅█"
    assert spark([0, 2, 4]) == "▁▅█"
    assert spark([0, 0]) == "▁▁"
    assert spark([None, 3]) == " █"
