"""The HTML report in a real browser: search, filters, order, pages and the address."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.browsing import Open, address, column, count, shown
from tests.unit.report.factory import RULES, finding, large_run, run_of
from tests.unit.report.owned import owned_run
from tests.unit.report.triaged import triaged_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def follow(page: Any, selector: str) -> None:
    """Click a link into the same page, and wait until the page has obeyed its address."""
    before = address(page)
    page.click(selector)
    page.wait_for_function("before => location.hash.slice(1) !== before", arg=before)
    page.evaluate("new Promise((done) => setTimeout(done, 0))")


def test_open_findings_are_shown_first_worst_first(open_report: Open) -> None:
    page = open_report(triaged_run())
    assert count(page) == "20 findings"
    assert column(page, "severity")[:5] == ["Critical"] * 4 + ["High"]
    assert address(page) == ""


def test_search(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.fill("#q", "ACME payments 403")
    assert count(page) == "2 findings"
    assert column(page, "project") == ["payments", "payments"]
    page.fill("#q", "rotated web")  # words of the rule's title and of the project
    assert shown(page) == ["Default is 412 days old", "date_created is missing"]
    page.fill("#q", "8888")  # a part of an id
    assert count(page) == "1 finding"
    page.fill("#q", "nothing has this")
    assert count(page) == "No finding"
    page.click("#none button")
    assert count(page) == "20 findings"
    assert page.evaluate("document.activeElement.id") == "q"


def test_filters_combine_and_count(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.check("#severity input[value=high]", force=True)
    assert count(page) == "3 findings"
    page.check("#severity input[value=critical]", force=True)
    assert count(page) == "7 findings"
    page.select_option("#outcome", "unknown")
    assert count(page) == "3 findings"
    assert page.inner_text("#severity [data-count=high]") == "2"
    assert page.inner_text("#severity [data-count=low]") == "0"
    page.check("#disposition input[value=all]", force=True)
    assert page.inner_text("#disposition [data-count=all]") == "3"
    page.click("#clear")
    assert count(page) == "20 findings"
    assert not page.is_visible("#clear")


def test_dispositions_are_apart(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.check("#disposition input[value=waived]", force=True)
    assert shown(page) == ["legacy is 412 days old"]
    assert "waived" in page.inner_text("#rows .c-outcome")
    page.check("#disposition input[value=baselined]", force=True)
    assert shown(page) == ["old is 412 days old"]
    page.check("#disposition input[value=all]", force=True)
    assert count(page) == "22 findings"


def test_the_other_filters(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.select_option("#org", "globex")
    assert shown(page) == ["retired is 412 days old"]
    page.select_option("#org", "")
    page.select_option("#project", "acme/mobile")
    assert count(page) == "2 findings"
    page.select_option("#project", "")
    page.select_option("#rule", "sentry-baseline/key-no-inactive")
    assert count(page) == "2 findings"


def test_a_control_leads_to_the_findings_of_its_rules(open_report: Open) -> None:
    page = open_report(triaged_run())
    follow(page, ".framework a[href*='control=nist-800-53-r5/IA-5']")
    assert page.input_value("#control") == "nist-800-53-r5/IA-5"
    assert count(page) == "5 findings"  # of the two rules that support it
    page.select_option("#control", "")
    page.fill("#q", "cis-v8 5.3")
    assert count(page) == "2 findings"
    page.fill("#q", "")
    follow(page, ".rates a >> nth=0")
    assert page.locator(".framework caption >> nth=0").is_visible()


def test_a_waiver_leads_to_its_findings(open_report: Open) -> None:
    page = open_report(triaged_run())
    assert page.locator(".waivers tr.group").all_inner_texts() == [
        "Lapsed", "Ends within 30 days", "Ends later",
    ]  # fmt: skip
    assert "in acme/web" in page.locator(".waivers tr", has_text="legacy-app").inner_text()
    assert page.locator(".waivers a[href='https://tickets.example/SEC-13']").count() == 1
    follow(page, ".waivers tr:has-text('legacy-app') .number a")
    assert shown(page) == ["legacy is 412 days old"]
    assert page.input_value("#waiver") == "legacy-app"
    page.click("#clear")
    page.check("#disposition input[value=all]", force=True)
    page.fill("#q", "legacy-app")
    assert shown(page) == ["legacy is 412 days old"]


def test_the_baseline_leads_to_its_findings(open_report: Open) -> None:
    page = open_report(triaged_run())
    follow(page, ".known .number a")
    assert shown(page) == ["old is 412 days old"]


def groups(page: Any) -> dict[str, int]:
    lines = page.locator("#grouped tbody tr").all()
    return {
        line.locator("a").inner_text(): int(line.locator("td >> nth=-1").inner_text())
        for line in lines
    }


def test_groups_count_what_fits_and_lead_to_it(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.select_option("#group", "project")
    assert not page.is_visible("#rows")
    assert groups(page)["acme/mobile"] == 2
    assert sum(groups(page).values()) == 20
    page.check("#severity input[value=critical]", force=True)
    assert groups(page) == {"acme/mobile": 2, "acme/payments": 1, "acme/web": 1}
    follow(page, "#grouped a >> nth=0")
    assert page.input_value("#project") == "acme/mobile"
    assert count(page) == "2 findings"
    page.click("#clear")
    page.select_option("#group", "control")
    # A finding stands under each requirement that its rule supports.
    assert groups(page)["NIST SP 800-53 r5: IA-5"] == 5
    assert groups(page)["CIS Controls v8: 5.3"] == 2
    page.select_option("#group", "rule")
    assert sum(groups(page).values()) == 20
    kept = address(page)
    page.reload()
    assert address(page) == kept
    assert page.is_visible("#grouped")


def test_projects_are_charted(open_report: Open) -> None:
    page = open_report(large_run(1_234))
    assert page.locator("#by-project tbody tr").count() == 10
    follow(page, "#by-project .sub a")
    assert page.input_value("#group") == "project"
    page = open_report(triaged_run())
    follow(page, "#by-project a >> text=acme/mobile")
    assert count(page) == "2 findings"


def test_what_is_shown_can_be_exported(open_report: Open, tmp_path: Path) -> None:
    page = open_report(triaged_run())
    page.select_option("#rule", "sentry-baseline/key-name-has-owner")
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == int(count(page).split()[0])
    assert {row["rule_id"] for row in rows} == {"key-name-has-owner"}
    assert {row["fingerprint"] for row in rows} == {
        one.fingerprint for one in triaged_run().findings if one.rule_id == "key-name-has-owner"
    }
    assert not [row["name"] for row in rows if set(row["name"]) & set("\x1b\x07\u202e\x00\n")]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "  =1", "\uff1d1"])
def test_an_exported_cell_is_no_formula(open_report: Open, tmp_path: Path, name: str) -> None:
    page = open_report(run_of(RULES, [finding(RULES[0], "1" * 32, name=name)]))
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"].startswith("'")


def test_sorting(open_report: Open) -> None:
    page = open_report(triaged_run())
    head = page.locator("th[data-sort=project]")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    projects = column(page, "project")
    # By organization first, and the last is another one's.
    assert projects == [*sorted(projects[:-1]), projects[-1]]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, "project") == projects[::-1]
    severity = page.locator("th[data-sort=severity]")
    severity.locator("button").click()
    assert severity.get_attribute("aria-sort") == "descending"
    severity.locator("button").click()
    assert severity.get_attribute("aria-sort") == "ascending"
    assert column(page, "severity")[0] == "Low"


def test_the_address_keeps_what_was_chosen(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.click("th[data-sort=name] button")
    page.fill("#q", "acme & co=? #1")
    page.check("#severity input[value=low]", force=True)
    page.check("#severity input[value=critical]", force=True)
    page.check("#disposition input[value=all]", force=True)
    kept = address(page)
    page.reload()
    assert address(page) == kept
    assert page.input_value("#q") == "acme & co=? #1"
    assert page.is_checked("#severity input[value=low]")
    assert page.is_checked("#severity input[value=critical]")
    assert not page.is_checked("#severity input[value=high]")
    assert page.is_checked("#disposition input[value=all]")
    assert page.get_attribute("th[data-sort=name]", "aria-sort") == "ascending"


def test_an_address_opens_filters_and_finding(open_report: Open) -> None:
    page = open_report(
        triaged_run(), "#severity=high&outcome=unknown&open=6&sort=nonsense&page=99&x=1"
    )
    assert count(page) == "2 findings"
    page.goto(f"{page.url.partition('#')[0]}#project=acme%2Fmobile")
    assert count(page) == "2 findings"
    assert page.evaluate("document.activeElement.id") == "findings"
    page.goto(f"{page.url.partition('#')[0]}#totals")
    assert count(page) == "2 findings"  # a plain anchor changes nothing


@pytest.mark.parametrize("word", ["constructor", "__proto__", "toString", "nonsense", ""])
def test_an_address_that_names_no_group_shows_the_findings(open_report: Open, word: str) -> None:
    page = open_report(triaged_run(), f"#group={word}")
    assert count(page) == "20 findings"
    assert page.is_visible("#rows")


def test_a_finding_that_the_filters_hide_is_not_opened(open_report: Open) -> None:
    page = open_report(triaged_run(), "#severity=low&open=0")
    assert page.locator(".detail").count() == 0
    assert "open=" not in address(page)


def test_counts_of_rules_lead_to_their_findings(open_report: Open) -> None:
    page = open_report(triaged_run())
    follow(page, ".by-rule a >> nth=1")
    assert count(page) == "3 findings"
    assert page.input_value("#rule") == "sentry-baseline/key-max-age"
    follow(page, ".tiles a >> nth=0")
    assert count(page) == "4 findings"


def test_details(open_report: Open) -> None:
    page = open_report(triaged_run(), "#disposition=waived")
    toggle = page.locator("#rows button.open")
    assert toggle.get_attribute("aria-expanded") == "false"
    toggle.focus()
    page.keyboard.press("Enter")
    assert toggle.get_attribute("aria-expanded") == "true"
    text = " ".join(page.inner_text(".detail").split())
    for part in (
        "Evidence is_active true age_days 412",
        "Why it matters A key that nobody rotates",
        "What to do Create a new key",
        "NIST SP 800-53 r5: IA-5",
        "Waiver legacy-app",
        "First seen 2026-01-05",
        "sentry-baseline/key-max-age",
    ):
        assert part in text
    link = page.locator(".detail a.page")
    assert link.get_attribute("href").endswith(f"/keys/{'4' * 32}/")
    assert link.get_attribute("rel") == "noopener noreferrer"
    page.keyboard.press("Enter")
    assert page.locator(".detail").count() == 0
    assert toggle.get_attribute("aria-expanded") == "false"


def test_a_link_that_is_none_of_the_web_is_not_made(open_report: Open) -> None:
    page = open_report(triaged_run(), "#org=globex")
    page.click("#rows button.open")
    assert page.locator(".detail a").count() == 0


def test_pages(open_report: Open) -> None:
    page = open_report(large_run(1_234))
    assert count(page) == "1\u201350 of 1,234 findings"
    page.click("button[aria-label='Last page'] >> nth=0")
    assert count(page) == "1,201\u20131,234 of 1,234 findings"
    assert page.evaluate("document.activeElement.id") == "findings"
    page.click("button[aria-label='Previous page'] >> nth=0")
    assert address(page) == "page=24"
    page.click("#rows button.open >> nth=3")  # in the second block of details
    details = page.inner_text(".detail")
    name = page.locator("tr.opened .c-name bdi").inner_text()
    assert name.rpartition("-")[0] in details
    page.fill("#q", "service-12")
    assert "page" not in address(page)


def test_a_live_region_tells_how_many(open_report: Open) -> None:
    page = open_report(triaged_run())
    page.fill("#q", "mobile")
    sync_api.expect(page.locator("#live")).to_have_text("2 findings")


def test_owners_are_a_filter_a_group_and_a_chart(open_report: Open) -> None:
    page = open_report(owned_run())
    everything = int(count(page).split()[0])
    page.select_option("#owner", "owls")
    mine = int(count(page).split()[0])
    assert 0 < mine < everything
    assert set(column(page, "project")) == {"web"}
    page.select_option("#owner", "(nobody)")
    assert "web" not in column(page, "project")
    page.click("#clear")
    page.fill("#q", "#owls")  # the contact
    assert count(page).split()[0] == str(mine)
    page.click("#rows button.open >> nth=0")
    assert "owls, #owls" in page.inner_text(".detail")
    page.click("#clear")
    page.select_option("#group", "owner")
    assert groups(page)["owls"] == mine
    page.select_option("#group", "")
    follow(page, "#by-owner a >> text=owls")
    assert count(page).split()[0] == str(mine)


def test_without_a_file_of_owners_nothing_is_said_of_them(open_report: Open) -> None:
    page = open_report(triaged_run())
    assert page.is_hidden("#owner-label")
    assert page.is_hidden("#by-owner")
    assert page.locator("#group option[value=owner]").get_attribute("hidden") is not None


def test_a_narrowed_report_says_what_it_shows(open_report: Open) -> None:
    page = open_report(owned_run("owls"))
    assert "those of owls, and what could not be seen" in page.inner_text("#findings .lead")
    page.select_option("#owner", "owls")
    assert set(column(page, "project")) == {"web"}
