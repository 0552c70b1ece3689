import re

import msgspec
import pytest

from scanner.base.text import columns
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.outcome import Severity
from scanner.model.run import GateResult, Run, Verdict
from scanner.report import ReportOptions
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
from tests.unit.report.rendering import render
from tests.unit.report.triaged import triaged_run

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def summary(run: Run, options: ReportOptions = ReportOptions()) -> str:  # noqa: B008 - frozen
    return render("terminal", run, options).decode("utf-8")


def test_the_verdict_comes_first_and_the_exit_code_last() -> None:
    lines = summary(golden_run()).splitlines()
    assert lines[0] == "INCOMPLETE: 20 open findings (4 critical, 3 high, 2 medium, 11 low)"
    assert lines[1].startswith("  - sentry_key is partial")
    assert lines[-1].startswith("Exit code 3: the inventory is incomplete")


def test_a_clean_run() -> None:
    text = summary(clean_run())
    assert text.startswith("PASSED: 0 open findings\n")
    assert "5 rules without an open finding." in text
    assert text.endswith("Exit code 0: compliant.\n")


def test_an_empty_run_says_that_nothing_was_looked_at() -> None:
    text = summary(empty_run())
    assert "INCOMPLETE" in text
    assert "Scanned   nothing" in text
    assert "Policy    none" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize(
    "make", [empty_run, clean_run, golden_run, triaged_run, lambda: large_run(300)]
)
def test_it_fits(make, width: int, color: bool) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, FBT001
    text = summary(make(), ReportOptions(width=width, color=color))
    lines = ANSI.sub("", text).split("\n")
    assert [line for line in lines if columns(line) > width] == []
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines[-1] == ""
    assert lines[-2] != ""


def test_color_only_when_asked_for_and_never_another_text() -> None:
    plain, colored = (summary(golden_run(), ReportOptions(color=c)) for c in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[1;31mcritical\x1b[0m" in colored
    assert ANSI.sub("", colored) == plain


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert(name: str) -> None:
    text = HOSTILE[name]
    found = finding(RULES[0], "1" * 32, name=text, project=text, organization=text, message=text)
    coverage = TableCoverage(CoverageState.PARTIAL, text, (Gap(text, text, text),))
    run = run_of(RULES, [found], coverage=coverage, warnings=(text,))
    run = msgspec.structs.replace(run, verdict=Verdict(GateResult.FAILED, 1, (text,)))
    shown = summary(run, ReportOptions(reports=(f"{text}.json",)))
    assert not set("\x1b\x07\r\u202e\u2066\u2028\x9b\x7f\x00") & set(shown)


def test_examples_are_the_first_open_findings_of_a_rule() -> None:
    text = summary(golden_run())
    block = text.partition("Active client keys are rotated")[2].partition("\n\n")[0]
    assert "acme/web  Default is 412 days old" in block
    assert "acme/web  [unknown] undated: date_created is missing" in block
    assert "legacy" not in block  # waived
    assert "Fix: Create a new key, deploy it, then disable this one." in block


def test_what_is_not_listed_is_counted() -> None:
    text = summary(run_of(RULES, [finding(RULES[0], f"{n:032x}") for n in range(9)]))
    assert "... and 6 more" in text
    many = [rule(f"r{n}", Severity.LOW) for n in range(11)]
    text = summary(run_of(many, [finding(one, "1" * 32) for one in many]))
    assert "... and 3 open findings of 3 other rules" in text


def test_many_gaps_are_counted() -> None:
    gaps = tuple(Gap("HTTP 403", "acme", f"p{n}") for n in range(8))
    coverage = TableCoverage(CoverageState.PARTIAL, "8 projects", gaps)
    text = summary(run_of(RULES, [], coverage=coverage))
    assert "acme/p4: HTTP 403" in text
    assert "acme/p5" not in text
    assert "... and 3 more gaps" in text


def test_it_does_not_read_every_finding() -> None:
    run = large_run(5_000)
    taken = 0

    class Counting:
        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            nonlocal taken
            for one in run.findings:
                taken += 1
                yield one

    assert "5,000 open findings" in summary(msgspec.structs.replace(run, findings=Counting()))
    assert taken <= 2_000


def test_reports_are_told_whole_even_where_they_are_long() -> None:
    path = f"/{'deep/' * 30}r.json"
    text = summary(clean_run(), ReportOptions(reports=("a.sarif", path)))
    assert "Reports   a.sarif\n" in text
    assert f"          {path}\n" in text


def test_triage_is_counted() -> None:
    text = " ".join(summary(triaged_run()).split())
    assert "1 waived, 1 baselined, 1 of the baseline fixed" in text


def test_quiet_leaves_the_verdict_and_where_the_reports_are() -> None:
    text = summary(golden_run(), ReportOptions(quiet=True, reports=("r.json",)))
    assert text.startswith("INCOMPLETE")
    assert "Reports   r.json" in text
    assert "Scanned" not in text
    assert "Fix:" not in text
