import re

import msgspec
import pytest

from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import GateResult, Run, Verdict
from scanner.report.github import MAX_SHOWN
from tests.unit.report.factory import (
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

# How the runner reads a command: actions/runner, ActionCommand.TryParseV2.
COMMAND = re.compile(r"^::(?P<name>[a-z-]+)(?: (?P<properties>.*?))?::(?P<data>.*)$")
AGE = RULES[0]


def unescaped(value: str) -> str:
    for sign, escape in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
        value = value.replace(escape, sign)
    return value


def commands(run: Run) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in text("github", run).split("\n"):
        match = COMMAND.match(line)
        if match:
            pairs = (pair.split("=", 1) for pair in match["properties"].split(","))
            properties = {key: unescaped(value) for key, value in pairs}
            found.append((match["name"], properties, unescaped(match["data"])))
    return found


def test_a_command_names_the_rule_in_its_file() -> None:
    (command,) = commands(run_of(RULES, [finding(AGE, "1" * 32, message="is 412 days old")]))
    assert command == (
        "error",
        {
            "file": "policies/sentry-baseline.yaml",
            "line": "24",
            "title": "high: Active client keys are rotated within the allowed age (1 finding)",
        },
        "acme/web: is 412 days old\nRule key-max-age of sentry-baseline",
    )


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "notice")],
)
def test_the_level_follows_the_severity(severity: str, level: str) -> None:
    of = rule("some-rule", Severity(severity))
    ((found, _, _),) = commands(run_of([of], [finding(of, "1" * 32)]))
    assert found == level


def test_what_could_not_be_judged_is_no_error() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, outcome=Outcome.UNKNOWN)])
    assert [name for name, _, _ in commands(run)] == ["warning"]


def test_what_is_accepted_is_silent() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, disposition=Disposition.WAIVED)])
    assert commands(run) == []


@pytest.mark.parametrize(
    "attack",
    [
        "a\n::set-env name=PATH::/tmp",
        "a\r\n::add-mask::x",
        "100% %0A::error::x",
        "##[add-mask]x",
        "a,line=1,file=/etc/passwd::b",
        "x\u2028::error::y",
    ],
)
def test_a_name_makes_no_command_of_its_own(attack: str) -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, name=attack, message=attack, project=attack)])
    run = msgspec.structs.replace(
        run, verdict=msgspec.structs.replace(run.verdict, reasons=(attack,)), warnings=(attack,)
    )
    assert [name for name, _, _ in commands(run)] == ["warning", "error"]
    (found,) = [p for name, p, _ in commands(run) if name == "error"]
    assert found["file"] == "policies/sentry-baseline.yaml"
    plain = [line for line in text("github", run).splitlines() if not line.startswith("::")]
    assert not any("##[" in line for line in plain)


def test_hostile_titles_stay_in_their_property() -> None:
    of = rule("some-rule", Severity.LOW, title="a::b,file=x%0A c")
    ((_, properties, _),) = commands(run_of([of], [finding(of, "1" * 32)]))
    assert properties["title"] == "low: a::b,file=x%0A c (1 finding)"


def test_no_more_are_written_than_github_shows() -> None:
    rules = [rule(f"rule-{number}", Severity.HIGH) for number in range(25)]
    found = commands(run_of(rules, [finding(r, "1" * 32) for r in rules]))
    assert len(found) == MAX_SHOWN
    assert found[-1][1]["title"] == "keypolicy: 16 more"
    assert "rule-24" in found[-1][2]


def test_exactly_as_many_as_are_shown_are_all_there() -> None:
    rules = [rule(f"rule-{number}", Severity.HIGH) for number in range(MAX_SHOWN)]
    found = commands(run_of(rules, [finding(r, "1" * 32) for r in rules]))
    assert all("file" in properties for _, properties, _ in found)


def test_many_findings_are_a_few_examples() -> None:
    found = commands(large_run(5_000))
    assert len(found) == len(RULES)
    assert "... and 997 more" in found[0][2]


def test_the_verdict_is_there_even_without_a_finding() -> None:
    assert text("github", clean_run()).startswith("keypolicy: passed, 0 open findings\n")
    assert "no rule was run" in text("github", empty_run())


def test_an_incomplete_inventory_is_an_error() -> None:
    names = [(name, p["title"]) for name, p, _ in commands(golden_run())]
    assert names[0] == ("error", "keypolicy: the inventory is incomplete")


def test_an_incomplete_inventory_that_is_allowed_is_a_warning() -> None:
    passed = msgspec.structs.replace(golden_run(), verdict=Verdict(GateResult.PASSED, 0, ()))
    name, properties, _ = commands(passed)[0]
    assert (name, properties["title"]) == ("warning", "keypolicy: the inventory is incomplete")


def test_two_runs_over_the_same_facts_are_equal() -> None:
    assert text("github", full_run()) == text("github", another_time(full_run()))
