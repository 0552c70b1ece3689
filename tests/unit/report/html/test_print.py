"""What a browser prints of the HTML report, page by page."""

from typing import Any

import pytest

from scanner.report.html.paper import MOST
from tests.unit.report.browsing import Open
from tests.unit.report.factory import RULES, large_run
from tests.unit.report.papers import letters, pages
from tests.unit.report.triaged import triaged_run

FOUND = 60


def on_paper(page: Any) -> tuple[str, ...]:
    return pages(page.pdf(prefer_css_page_size=True))


def test_pages_have_numbers_a_cover_and_whole_rows_below_a_head(open_report: Open) -> None:
    run = large_run(FOUND)
    told = on_paper(open_report(run))
    for number, text in enumerate(told, 1):
        assert f"Page{number}of{len(told)}" in letters(text)
        assert "Asof2026-03-01" in letters(text)
        assert ("acme,globex,initech" in letters(text)) or number > 1
    assert "Approvedby" in letters(told[0])
    assert run.policies[0].digest in letters(told[0])
    assert "Approvedby" not in letters("".join(told[1:]))
    for one in run.findings:
        (text,) = [text for text in map(letters, told) if f"fingerprint{one.fingerprint}" in text]
        assert one.resource.id in text, "the row was cut"
        assert "SeverityFindingResourceProjectOutcome" in text
    assert sum("Why it matters" in text for text in told) > 0
    assert letters("".join(told)).count("Whyitmatters") == len(RULES)


def test_all_findings_are_printed_where_none_is_filtered(open_report: Open) -> None:
    told = letters("".join(on_paper(open_report(triaged_run()))))
    assert told.count("fingerprint") == 22
    assert "Findings22findings" in told
    assert {"waived", "baselined"} <= {
        word for word in ("waived", "baselined") if f"Failed{word}" in told
    }


def test_what_is_filtered_is_printed_and_told(open_report: Open) -> None:
    told = letters("".join(on_paper(open_report(triaged_run(), "#severity=critical"))))
    assert told.count("fingerprint") == 4
    assert letters("4 findings chosen of 22") in told


def test_as_many_are_printed_as_a_pdf_has_and_the_rest_is_counted(open_report: Open) -> None:
    page = open_report(large_run(MOST + 500))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#rows tr[data-row]").count() == MOST
    assert page.inner_text("#shown") == (
        "The first 1,000 of 1,500 findings. 500 are not printed (500 low); the JSON report has all."
    )


def test_what_is_folded_on_the_screen_is_unfolded(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = false")
    assert letters("1 finding of the baseline is fixed Rule Resource") in letters(
        "".join(on_paper(page))
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_cover_is_not_on_the_screen(open_report: Open, scheme: str) -> None:
    page = open_report(triaged_run(), scheme=scheme)
    assert not page.is_visible(".cover")
    page.emulate_media(media="print")
    assert page.is_visible(".cover")
