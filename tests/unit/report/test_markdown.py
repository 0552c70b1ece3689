import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from scanner.model.outcome import Disposition, Severity
from scanner.model.owner import OwnerShare
from scanner.model.run import Run
from scanner.report.markdown import MAX_BYTES, MAX_ROWS
from scanner.report.parts.markup import escaped, link
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    golden_run,
    large_run,
    rule,
    run_of,
)
from tests.unit.report.rendering import another_time, full_run, text

AGE = RULES[0]
ATTACKS = {
    **HOSTILE,
    "mention": "@security-team and @acme/owners",
    "reference": "closes #12, acme/web#3, !4, GH-5",
    "address": "https://evil.example www.evil.example evil@evil.example",
    "list": "- one",
    "number": "1. one",
    "heading": "# one",
    "rule": "---",
    "emphasis": "*a* _b_ ~~c~~ $d$ :rocket: [^1]",
    "image": "![x](https://evil.example/x.png)",
    "details": "</details><details open>",
}


class _Page(HTMLParser):
    """What a renderer made: its elements, the addresses in it, and the text of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for name, v in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(markdown: str) -> _Page:
    module: Any = pytest.importorskip("markdown_it", reason="pip install markdown-it-py")
    renderer = module.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return _Page(renderer.render(markdown))


@pytest.mark.parametrize("make", [golden_run, full_run, clean_run, empty_run])
def test_it_renders_to_nothing_but_what_we_wrote(make: Any) -> None:
    page = rendered(text("markdown", make()))
    allowed = {"h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(page.tags) <= allowed | {"details", "summary", "b", "a"}
    assert all(address.startswith("https://sentry.io/settings/") for address in page.addresses)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_name_renders_as_itself(name: str) -> None:
    attack = ATTACKS[name]
    for markdown in (f"- {escaped(attack)}", f"| a |\n| - |\n| {escaped(attack)} |"):
        page = rendered(markdown)
        assert not set(page.tags) - {"ul", "li", "table", "thead", "tbody", "tr", "th", "td", "p"}
        assert page.tags.count("td") <= 1
        assert page.tags.count("li") <= 1
    shown = rendered(f"x {escaped(attack)}").text.replace("\u200b", "").strip()
    if attack.isprintable() and "\u202e" not in attack:
        assert shown == f"x {attack}".strip()


@pytest.mark.parametrize("attack", ["@team", "#12", "!34", "a@b", "acme/web#3", "~label", "&5"])
def test_a_reference_is_broken_for_those_who_look_after_rendering(attack: str) -> None:
    assert not re.search(r"[@#!~&][a-z0-9]", rendered(escaped(attack)).text)


def test_an_address_never_becomes_a_link_by_itself() -> None:
    made = escaped("see https://evil.example or www.evil.example or WWW.evil.example")
    assert "://" not in made
    assert "www." not in made.lower()


def test_a_link_cannot_end_early() -> None:
    page = rendered(link("a](javascript:x) [b", "https://sentry.io/a) <b>|`[x](javascript:y)"))
    assert page.tags == ["p", "a"]
    (address,) = page.addresses
    assert address.startswith("https://sentry.io/a%29%20")


def test_an_address_of_another_kind_is_no_link() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, url="javascript:alert(1)")])
    assert "javascript" not in text("markdown", run)


@pytest.mark.parametrize("number", [100, 20_000])
def test_it_stays_within_its_size_and_says_what_was_cut(number: int) -> None:
    report = text("markdown", large_run(number))
    assert len(report.encode()) <= MAX_BYTES
    assert rendered(report).tags.count("details") == report.count("</details>")
    listed = len(re.findall(r"^\| \S+/\S+ \| \[", report, re.MULTILINE))
    cut = number - listed
    if cut:
        assert f"{cut:,} open findings did not fit here" in report


def test_the_worst_text_stays_within_its_size() -> None:
    rules = [rule(f"rule-{n}", Severity.HIGH, title="|" * 500) for n in range(120)]
    nasty = "\U0001f468|<" * 300
    found = [finding(r, f"{n:032x}", name=nasty, message=nasty) for r in rules for n in range(30)]
    run = msgspec.structs.replace(run_of(rules, found), warnings=(nasty,) * 50)
    report = text("markdown", run)
    assert len(report.encode()) <= MAX_BYTES
    assert report.count("<details>") == report.count("</details>")
    assert "did not fit here" in report


@pytest.mark.parametrize("number", [1, 40, 41, 300])
def test_owners_that_are_not_listed_are_counted(number: int) -> None:
    owners = tuple(
        OwnerShare(f"team-{n}", "", {(AGE.id, Disposition.OPEN): n + 1}) for n in range(number)
    )
    report = text("markdown", msgspec.structs.replace(golden_run(), owners=owners))
    _, table = report.split("| Owner | Contact | Open |\n")
    listed = re.findall(r"([0-9,]+) \|$", table.split("\n\n")[0], re.MULTILINE)
    told = sum(int(one.replace(",", "")) for one in listed)
    assert told == number * (number + 1) // 2
    assert ("other owner" in report) is (number > 40)


def test_a_summary_that_does_not_fit_says_so() -> None:
    nasty = "@a" * 200
    rules = [rule(f"rule-{n}", Severity.HIGH, title=nasty) for n in range(40)]
    tally = {("rule-1", Disposition.OPEN): 1}
    owners = tuple(OwnerShare(f"{n}{nasty}", nasty, tally) for n in range(40))
    run = msgspec.structs.replace(run_of(rules, []), warnings=(nasty,) * 50, owners=owners)
    report = text("markdown", run)
    assert len(report.encode()) <= MAX_BYTES
    assert report.endswith(
        "\nParts of the summary did not fit here; the JSON report has all of it.\n"
    )
    assert "Parts of the summary" not in text("markdown", golden_run())


def test_a_rule_with_many_findings_leaves_room_for_the_others() -> None:
    many = [finding(AGE, f"{number:032x}") for number in range(100)]
    report = text("markdown", run_of(RULES, [*many, finding(RULES[4], "1" * 32)]))
    assert f"... and {100 - MAX_ROWS} more" in report
    assert "<b>low</b>" in report


def test_the_verdict_comes_with_its_reasons() -> None:
    report = text("markdown", golden_run())
    assert report.startswith("## keypolicy: incomplete\n")
    for reason in golden_run().verdict.reasons:
        assert escaped(reason) in report


def test_what_is_accepted_is_counted_and_not_listed() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, name="tolerated", disposition=Disposition.WAIVED)])
    report = text("markdown", run)
    assert "tolerated" not in report
    assert "| 0 | 1 | 0 | 40 |" in report


def facts(run: Run) -> str:
    return text("markdown", run)


def test_two_runs_over_the_same_facts_are_equal() -> None:
    assert facts(full_run()) == facts(another_time(full_run()))
