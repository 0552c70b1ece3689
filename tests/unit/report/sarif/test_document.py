import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from jsonschema import Draft202012Validator

from scanner.base.errors import Location
from scanner.base.resources import policies_dir
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Rule
from scanner.model.run import GateResult, Run, Verdict
from scanner.report import ReportOptions
from scanner.report.sarif import document as sarif
from scanner.report.sarif.rules import rule_uri
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
from tests.unit.report.rendering import another_time, render
from tests.unit.report.triaged import triaged_run

# From the npm package @microsoft/sarif-multitool-linux 5.7.0, MIT; by OASIS.
SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "sarif-2.1.0.json").read_bytes())
CHECKER = Draft202012Validator(SCHEMA)
EVERYTHING = ReportOptions(include_suppressed=True)


def log(run: Run, options: ReportOptions = EVERYTHING) -> dict[str, Any]:
    """Return the parsed log, which is valid and which GitHub would take."""
    parsed: dict[str, Any] = json.loads(render("sarif", run, options))
    assert [error.message for error in CHECKER.iter_errors(parsed)] == []
    assert len(parsed["runs"]) <= 20
    ids = [part["automationDetails"]["id"] for part in parsed["runs"]]
    assert len(set(ids)) == len(ids)
    for part in parsed["runs"]:
        check_for_github(part)
    return parsed


def check_for_github(part: dict[str, Any]) -> None:
    """What code scanning asks for, and the Multitool does not check."""
    assert part["automationDetails"]["id"].endswith("/")
    assert len(part["results"]) <= 25_000
    for descriptor in part["tool"]["driver"]["rules"]:
        assert 0 < float(descriptor["properties"]["security-severity"]) <= 10
        assert "security" in descriptor["properties"]["tags"]
        assert len(descriptor["properties"]["tags"]) <= 10
        assert descriptor["help"]["text"]
        assert descriptor["help"]["markdown"]
        for text in ("shortDescription", "fullDescription"):
            assert 0 < len(descriptor[text]["text"]) <= 1024
    for result in part["results"]:
        (location,) = result["locations"]
        uri = urlsplit(location["physicalLocation"]["artifactLocation"]["uri"])
        assert not uri.scheme
        assert not uri.netloc
        assert not uri.path.startswith("/")
        assert ".." not in unquote(uri.path).split("/")
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert result.get("kind", "fail") == "fail"
        assert part["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    prints = Counter(r["partialFingerprints"]["primaryLocationLineHash"] for r in part["results"])
    assert not [value for value, number in prints.items() if number > 1]


def only_run(run: Run, options: ReportOptions = EVERYTHING) -> dict[str, Any]:
    (part,) = log(run, options)["runs"]
    assert isinstance(part, dict)
    return part


def results(run: Run, options: ReportOptions = EVERYTHING) -> list[dict[str, Any]]:
    found = only_run(run, options)["results"]
    assert isinstance(found, list)
    return found


def notes(run: Run) -> list[str]:
    (invocation,) = only_run(run)["invocations"]
    return [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]


@pytest.mark.parametrize("make", [empty_run, clean_run, golden_run, triaged_run])
def test_every_run_is_valid(make: Any) -> None:
    log(make())


def test_a_run_without_a_policy_has_no_rule() -> None:
    part = only_run(empty_run())
    assert part["automationDetails"]["id"] == "keypolicy/"
    assert part["tool"]["driver"]["rules"] == []
    assert part["results"] == []


def test_a_result() -> None:
    run = run_of(RULES, [finding(RULES[0], "a" * 32, name="Default")])
    (result,) = results(run)
    assert result["ruleId"] == "key-max-age"
    assert result["level"] == "error"
    assert result["message"]["text"] == (
        'Default is 412 days old (sentry_key "Default", project web in organization acme)'
    )
    assert result["partialFingerprints"] == {
        "primaryLocationLineHash": next(iter(run.findings)).fingerprint
    }
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "policies/sentry-baseline.yaml"},
        "region": {"startLine": 24},
    }
    assert [part["fullyQualifiedName"] for part in location["logicalLocations"]] == [
        "acme",
        "acme/web",
        f"acme/web/{'a' * 32}",
    ]
    assert result["properties"]["evidence"] == {"is_active": True, "age_days": 412}


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "3.0"),
    ],
)
def test_severities(severity: Severity, level: str, score: str) -> None:
    one = rule("r", severity)
    part = only_run(run_of([one], [finding(one, "1" * 32)]))
    (descriptor,) = part["tool"]["driver"]["rules"]
    assert descriptor["properties"]["security-severity"] == score
    assert descriptor["defaultConfiguration"]["level"] == level
    assert part["results"][0]["level"] == level


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.ERROR])
def test_what_could_not_be_judged_says_so_and_is_at_most_a_warning(outcome: Outcome) -> None:
    (result,) = results(run_of(RULES, [finding(RULES[1], "1" * 32, outcome=outcome)]))
    assert result["level"] == "warning"
    assert result["message"]["text"].startswith(f"{outcome.capitalize()}: ")
    assert result["properties"]["outcome"] == outcome


def test_help_tells_why_what_to_do_and_controls() -> None:
    descriptor = only_run(clean_run())["tool"]["driver"]["rules"][0]
    for text in descriptor["help"].values():
        assert RULES[0].rationale in text
        assert RULES[0].remediation in text
        assert "Supports, without satisfying it alone" in text
    assert "| nist-800-53-r5 | IA-5 |" in descriptor["help"]["markdown"]
    assert descriptor["properties"]["tags"][:2] == ["security", "nist-800-53-r5:IA-5"]
    assert descriptor["name"] == "KeyMaxAge"


def test_long_texts_and_many_controls_stay_within_the_limits() -> None:
    one = msgspec.structs.replace(
        rule("r", Severity.LOW, title="t" * 2000, controls={"f": [str(n) for n in range(40)]}),
        rationale="r" * 5000,
    )
    (result,) = results(run_of([one], [finding(one, "1" * 32, message="m" * 5000)]))
    assert len(result["message"]["text"]) == 1000


def test_suppressed_findings_are_left_out_unless_asked_for() -> None:
    run = triaged_run()
    assert len(results(run, ReportOptions())) == 20
    suppressed = [r["suppressions"] for r in results(run) if "suppressions" in r]
    assert [one["kind"] for (one,) in suppressed] == ["external", "external"]
    assert [one["justification"] for (one,) in suppressed] == [
        (
            "Waiver legacy-app, approved by jane.doe@example.org until 2026-06-30: "
            "The old app cannot be released again."
        ),
        "Part of the baseline.",
    ]


def test_a_gap_is_a_result_at_its_place() -> None:
    unseen = [
        r for r in results(golden_run()) if "unseen part of sentry_key" in r["message"]["text"]
    ]
    assert len(unseen) == 2
    names = [p["fullyQualifiedName"] for p in unseen[0]["locations"][0]["logicalLocations"]]
    assert names == ["acme", "acme/payments"]


def test_a_gap_of_everything_has_a_place_too() -> None:
    nothing = finding(
        RULES[0], "", name=None, organization=None, project=None, url=None, outcome=Outcome.UNKNOWN
    )
    (result,) = results(run_of(RULES, [nothing]))
    (place,) = result["locations"][0]["logicalLocations"]
    assert place["fullyQualifiedName"] == "sentry_key"


def test_an_incomplete_scan_says_what_is_missing() -> None:
    (invocation,) = only_run(golden_run())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    texts = notes(golden_run())
    assert texts[0] == "The table sentry_key is partial: 1 of 5 projects could not be read"
    assert texts[1].startswith("acme/payments: HTTP 403")
    assert "given twice" in texts[2]


def test_a_partial_scan_that_is_allowed_still_says_so() -> None:
    gone = TableCoverage(CoverageState.DENIED, "", (Gap("HTTP 401"),))
    run = run_of(RULES, [], coverage=gone, verdict=Verdict(GateResult.PASSED, 0, ()))
    assert only_run(run)["invocations"][0]["executionSuccessful"] is True
    assert notes(run) == [
        "The table sentry_key is denied: no reason is known",
        "everything: HTTP 401",
    ]


def test_the_worst_are_kept_and_the_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MAX_RESULTS == 25_000, "more than code scanning takes"
    monkeypatch.setattr(sarif, "MAX_RESULTS", 100)
    run = large_run(300)
    found = results(run)
    assert [r["properties"]["severity"] for r in found] == ["critical"] * 60 + ["high"] * 40
    (note,) = notes(run)
    assert note == (
        "300 results were found; the 100 worst are in this file, the most that code scanning "
        "takes. The JSON report has all of them."
    )


def test_no_more_results_than_code_scanning_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MAX_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 100)
    (part,) = json.loads(render("sarif", large_run(101)))["runs"]
    assert len(part["results"]) == 100


@pytest.mark.parametrize(("most", "suppressed"), [(2, 0), (3, 0), (4, 1), (9, 3)])
def test_what_is_suppressed_takes_no_place_of_what_is_open(
    monkeypatch: pytest.MonkeyPatch, most: int, suppressed: int
) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", most)
    worst, least = rule("worst", Severity.CRITICAL), rule("least", Severity.LOW)
    known = [finding(worst, f"{n:032x}", disposition=Disposition.WAIVED) for n in range(3)]
    found = results(run_of([worst, least], [*known, *(finding(least, c * 32) for c in "abc")]))
    assert Counter("suppressions" in one for one in found) == Counter(
        {True: suppressed, False: min(most, 3)}
    )


def two_policies() -> Run:
    """Return a run in which two policies have a rule of the same id, and so fingerprints."""
    one = rule("r", Severity.HIGH, policy="a")
    two = rule("r", Severity.HIGH, policy="b")
    found = [finding(one, "1" * 32), finding(two, "1" * 32), finding(two, "2" * 32)]
    same = [msgspec.structs.replace(f, fingerprint=f.resource.id) for f in found]
    return run_of([one, two], same)


def test_every_policy_is_a_run_of_its_own() -> None:
    parts = log(two_policies())["runs"]
    assert [part["automationDetails"]["id"] for part in parts] == ["keypolicy/a/", "keypolicy/b/"]
    assert [len(part["results"]) for part in parts] == [1, 2]


def test_more_policies_than_github_takes_are_left_out_and_named() -> None:
    rules = [rule("r", Severity.HIGH, policy=f"p{number}") for number in range(23)]
    parts = log(run_of(rules, [finding(one, "1" * 32) for one in rules]))["runs"]
    assert len(parts) == 20
    (note,) = parts[0]["invocations"][0]["toolExecutionNotifications"]
    assert "p20, p21, p22" in note["message"]["text"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert(name: str) -> None:
    text = HOSTILE[name]
    run = run_of(RULES, [finding(RULES[0], "1" * 32, name=text, project=text, message=text)])
    (result,) = results(run)
    shown = json.dumps(result["message"], ensure_ascii=False) + json.dumps(
        result["locations"], ensure_ascii=False
    )
    assert not set("\x1b\x07\u202e\u2066\u2028\x9b\x7f") & set(shown)
    assert "](" not in result["message"]["text"]


def at(file: str) -> Rule:
    return msgspec.structs.replace(rule("r", Severity.LOW), location=Location(file, 3, 1))


def test_where_a_rule_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rule_uri(at(str(policies_dir() / "sentry-strict.yaml"))) == "policies/sentry-strict.yaml"
    assert rule_uri(at(str(tmp_path / "a b" / "100%.yaml"))) == "a%20b/100%25.yaml"
    assert rule_uri(at("own/c:d.yaml")) == "own/c%3Ad.yaml"
    assert rule_uri(at("./own/../x.yaml")) == "x.yaml"
    assert rule_uri(at("../outside/y.yaml")) == "y.yaml"
    assert rule_uri(at("/somewhere/else/caf\u00e9.yaml")) == "caf%C3%A9.yaml"
    assert rule_uri(at("")) == "sentry-baseline.yaml"


def test_an_unknown_line_is_the_first() -> None:
    one = msgspec.structs.replace(rule("r", Severity.LOW), location=Location("x.yaml"))
    (result,) = results(run_of([one], [finding(one, "1" * 32)]))
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_two_runs_over_the_same_facts_differ_in_the_clock_only() -> None:
    logs = [json.loads(render("sarif", run)) for run in (golden_run(), another_time(golden_run()))]
    assert logs[0] != logs[1]
    for parsed in logs:
        (part,) = parsed["runs"]
        del part["invocations"][0]["startTimeUtc"]
        del part["invocations"][0]["endTimeUtc"]
        del part["properties"]["runId"]
    assert logs[0] == logs[1]
