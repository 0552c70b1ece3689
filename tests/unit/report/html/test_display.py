"""The HTML report in a real browser: inert names, themes, widths, print, accessibility."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scanner.model.run import Run
from tests.unit.report.browsing import Open, shown
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    large_run,
    run_of,
)
from tests.unit.report.node_tools import node_module
from tests.unit.report.owned import OWNERS
from tests.unit.report.rendering import full_run
from tests.unit.report.storied import storied_run
from tests.unit.report.triaged import triaged_run


@pytest.mark.parametrize("width", [320, 1440])
def test_parts_of_organizations_fit_and_are_inert(open_report: Open, width: int) -> None:
    page = open_report(full_run(), width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    rows = page.locator(".by-organization tbody tr")
    assert "not seen" in rows.first.inner_text()  # it hides how bad it is
    names = [rows.nth(n).locator("bdi").inner_text() for n in range(1, rows.count())]
    assert names == ["acme", "globex", "(no organization told)"]
    assert page.locator("body img, body iframe, bdi script").count() == 0
    rows.nth(1).locator("a").first.click()
    assert page.evaluate("location.hash") == "#org=acme"


@pytest.mark.parametrize(
    "make", [empty_run, clean_run, triaged_run, storied_run, lambda: large_run(1200)]
)
def test_nothing_complains(open_report: Open, make: Callable[[], Run]) -> None:
    page = open_report(make())
    assert page.title().endswith("keypolicy report")
    assert page.evaluate("performance.getEntriesByName('ready').length") == 1


def test_policies_prose(open_report: Open) -> None:
    text = "Do **this** with `x <b>`.\n\n1. One\n   more\n2. Two\n\nThen\ngo.\n- a\n- b <i>\n"
    one = msgspec.structs.replace(RULES[0], remediation=text)
    page = open_report(run_of([one], [finding(one, "1" * 32)]), "#open=0")
    passage = page.locator(".prose", has_text="What to do")
    assert passage.locator("strong").inner_text() == "this"
    assert passage.locator("code").inner_text() == "x <b>"
    assert passage.locator("ol li").all_inner_texts() == ["One more", "Two"]
    assert passage.locator("ul li").all_inner_texts() == ["a", "b <i>"]
    assert passage.locator("p").all_inner_texts() == ["Do this with x <b>.", "Then go."]


def test_hostile_names_are_inert(open_report: Open) -> None:
    found = [
        finding(
            RULES[0],
            f"{number:032x}",
            name=text,
            project=text,
            organization=text,
            message=text,
            evidence={text: text},
        )
        for number, text in enumerate(HOSTILE.values())
    ]
    page = open_report(run_of(RULES, found, warnings=tuple(HOSTILE.values())))
    for name, text in HOSTILE.items():
        page.fill("#q", text[:5])
        page.click("#rows button.open >> nth=0")
        assert page.locator(".detail").count() == 1, name
        visible = page.inner_text("body")
        assert not set("\x1b\x07\u202e\u2066\u2028\x9b\x7f\x00") & set(visible), name
        assert page.locator("body img, body iframe, bdi b, bdi script").count() == 0, name
        assert page.locator("body > script:not([type])").count() == 1, name


def test_slash_goes_to_the_search(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("a/b")
    assert page.input_value("#q") == "a/b"


def background(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_themes(open_report: Open) -> None:
    light = background(open_report(clean_run(), scheme="light"))
    page = open_report(clean_run(), scheme="dark")
    dark = background(page)
    assert light != dark
    page.click("#theme")
    assert background(page) == light
    page.click("#theme")
    assert background(page) == dark


@pytest.mark.parametrize("make", [triaged_run, storied_run])
def test_it_is_never_wider_than_the_screen(open_report: Open, make: Callable[[], Run]) -> None:
    page = open_report(make(), "#disposition=all&open=15", width=320, height=800)
    for width in (320, 390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_owner_of_one_long_word_makes_no_page_wider(
    open_report: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OWNERS, "web", "o" * 100)
    page = open_report(storied_run(), width=390, height=800)
    assert page.locator(".todo .who", has_text="o" * 100).count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_print_shows_the_findings_and_no_controls(open_report: Open) -> None:
    page = open_report(large_run(120))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(shown(page)) == 120
    assert not page.is_visible("#filters")
    assert not page.is_visible("nav")
    assert page.inner_text("#shown") == "120 findings"
    assert page.locator(".printed-facts").count() == 120
    assert "age_days 6" in " ".join(page.locator(".printed-facts >> nth=0").inner_text().split())
    remedies = page.locator("#remedies article")
    assert remedies.count() == len(RULES)
    assert "Create a new key" in remedies.first.inner_text()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(shown(page)) == 50
    assert page.locator("#remedies article").count() == 0


def test_paper_has_page_numbers_and_whole_words(open_report: Open) -> None:
    found = [finding(RULES[0], "1" * 32, message=f"message {'of whole words ' * 12}end")]
    page = open_report(run_of(RULES, found))
    page.emulate_media(media="print")
    broken = page.evaluate(
        "[...document.querySelectorAll('.findings td, .plain td, .plain th')]"
        ".filter((cell) => getComputedStyle(cell).overflowWrap === 'anywhere').length"
    )
    assert broken == 0
    assert "counter(page)" in page.locator("style").inner_text()


def test_every_section_can_be_reached_on_a_narrow_screen(open_report: Open) -> None:
    page = open_report(triaged_run(), width=320, height=800)
    links = page.locator("nav a")
    assert links.count() == 5
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for link in links.all():
            box = link.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_the_first_screen_answers(open_report: Open, width: int, height: int) -> None:
    page = open_report(storied_run(), width=width, height=height)
    for text in ("Incomplete", "Worse", "1 overdue", "2026-03-03", "could not be seen"):
        shown = page.get_by_text(text).locator("visible=true").first.bounding_box()
        assert shown is not None, text
        assert shown["y"] + shown["height"] <= height, text


def test_the_story_needs_no_script(open_report: Open) -> None:
    page = open_report(storied_run(), scripts=False)
    for section in ("since", "due", "todo", "exceptions"):
        assert page.is_visible(f"#{section}")
    assert page.locator("#due .list tbody tr").count() == 7
    assert page.locator(".rated svg").count() == page.locator(".rated tbody tr").count() > 0


def test_without_a_script_the_first_findings_are_shown(open_report: Open) -> None:
    page = open_report(triaged_run(), scripts=False)
    assert page.locator("noscript tbody tr").count() == 22
    assert not page.is_visible("#filters")


AXE = "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"


@pytest.mark.parametrize(
    ("make", "width", "scheme"),
    [
        *((make, 1440, "light") for make in (empty_run, clean_run, triaged_run)),
        # Each width and each scheme with each of the two.
        (storied_run, 390, "light"),
        (storied_run, 1440, "dark"),
        (full_run, 390, "dark"),
        (full_run, 1440, "light"),
    ],
)
def test_axe_finds_no_violation(
    open_report: Open, make: Callable[[], Run], width: int, scheme: str
) -> None:
    axe = node_module("axe-core", "axe.min.js").read_text("utf-8")
    page = open_report(
        make(),
        "#disposition=all&open=3",
        width=width,
        height=800,
        scheme=scheme,
    )
    page.evaluate(axe)
    violations = page.evaluate(AXE)
    assert [json.dumps(one)[:500] for one in violations] == []
