"""What is put on paper: how much of it, in which words, and what is quoted."""

import msgspec
import pytest

from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report.html.paper import MOST, cover, printed, running
from scanner.report.html.passages import passages
from tests.unit.report.factory import RULES, clean_run, finding, large_run, run_of
from tests.unit.report.html.test_page import Page, source
from tests.unit.report.owned import owned_run
from tests.unit.report.triaged import triaged_run


def first(run: Run, most: int) -> list[Finding]:
    return list(run.findings)[:most]


@pytest.mark.parametrize(
    ("found", "most", "told"),
    [
        (60, 60, "60 findings, the worst first."),
        (1, 9, "1 finding, the worst first."),
        (60, 15, ("The first 15 of 60 findings, the worst first. 45 are not printed (9 high,"
                  " 12 medium, 24 low); the JSON report has all.")),
        (3_000, 1_000, ("The first 1,000 of 3,000 findings, the worst first. 2,000 are not printed"
                        " (200 high, 600 medium, 1,200 low); the JSON report has all.")),
    ],
)  # fmt: skip
def test_what_is_left_out_is_counted_by_severity(found: int, most: int, told: str) -> None:
    run = large_run(found)
    shown = printed(run, first(run, most))
    assert shown["told"] == told
    assert sum(len(group["rows"]) for group in shown["groups"]) == min(found, most)


def test_what_is_left_out_of_a_rule_is_counted_there() -> None:
    run = large_run(60)
    groups = printed(run, first(run, 15))["groups"]
    assert [(group["id"], len(group["rows"]), group["left"]) for group in groups] == [
        ("key-rate-limit-required", 12, 0),
        ("key-max-age", 3, 9),
    ]


def test_of_a_narrowed_scan_only_what_is_shown_counts() -> None:
    run = owned_run("owls")
    assert run.narrowing is not None
    total, told = run.narrowing.shown, printed(run, first(run, 2))["told"]
    assert told.startswith(f"The first 2 of {total} findings")
    assert f"{total - 2} are not printed; the JSON report" in told


def test_waived_findings_are_told_apart() -> None:
    run = triaged_run()
    groups = {group["id"]: group for group in printed(run, first(run, MOST))["groups"]}
    assert groups["key-max-age"]["told"] == "3 open, 1 waived, 1 baselined"
    waived = [row for row in groups["key-max-age"]["rows"] if row["disposition"] == "waived"]
    assert [("waiver legacy-app" in row["facts"], row["outcome"]) for row in waived] == [
        (True, "fail")
    ]


def test_facts_are_quoted_and_bounded() -> None:
    evidence: dict[str, object] = {"name": 'x · is_active false "', "long": "y" * 5_000}
    evidence |= {f"n{number}": number for number in range(40)}
    run = run_of(RULES, [finding(RULES[0], "1" * 32, evidence=evidence)])
    ((row,),) = (group["rows"] for group in printed(run, first(run, 1))["groups"])
    assert row["facts"].startswith(r'name "x · is_active false \"" · long "yyy')
    assert row["facts"].count("y") < 250
    assert "n27 27 · and 12 more, see the JSON report · fingerprint" in row["facts"]


def test_only_web_addresses_are_links() -> None:
    run = run_of(RULES, [finding(RULES[0], "1" * 32, url="javascript:alert(1)")])
    ((row,),) = (group["rows"] for group in printed(run, first(run, 1))["groups"])
    assert row["url"] is None


@pytest.mark.parametrize("name", ['"}</style><script>', "\\", "*/ @import url(x);", "é\u202e日"])
def test_what_runs_above_each_page_cannot_leave_its_string(name: str) -> None:
    run = clean_run()
    inventory = msgspec.structs.replace(run.inventory, organizations={name: 1})
    run = msgspec.structs.replace(run, inventory=inventory)
    style = running(run)
    assert style.isascii()
    assert style.count('"') == 4
    assert not set("<>;*'@()") & set(
        style.replace("@page", "").replace("@top-right", "").replace("@bottom-left", "")
    )
    assert Page(source(run)).one("style").endswith(style)


def test_the_cover_is_in_the_page_that_a_browser_prints() -> None:
    page = source(triaged_run())
    assert page.count('class="cover"') == 1
    for word in cover(triaged_run())["signatures"]:
        assert f'<tr><th scope="row">{word}</th>' in page


def test_the_little_markdown_of_policies() -> None:
    text = "One `code`\nand **bold**.\n\n1. first\n   goes on\n2) second\n\n- dash\n* star\nend <b>"
    assert passages(text) == [
        {
            "tag": "p",
            "items": [
                [("", "One "), ("code", "code"), ("", " and "), ("strong", "bold"), ("", ".")]
            ],
        },
        {"tag": "ol", "items": [[("", "first goes on")], [("", "second")]]},
        {"tag": "ul", "items": [[("", "dash")], [("", "star end <b>")]]},
    ]
    assert passages(" \n ") == []
