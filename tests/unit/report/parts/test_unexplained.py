"""A gate that did not pass is green nowhere, also where no open finding tells why."""

import json

import msgspec
import pytest

from scanner.model.outcome import Disposition
from scanner.model.run import GateResult, Run, Verdict
from scanner.report.parts.effect import unexplained
from tests.unit.report.factory import RULES, clean_run, empty_run, finding, run_of
from tests.unit.report.rendering import text

AGE = RULES[0]
VERDICTS = {
    "blind": Verdict(GateResult.INCOMPLETE, 3, ("no resource was seen in sentry_key",)),
    "due": Verdict(GateResult.FAILED, 1, ("within 60 days: 1 violation of severity low or worse",)),
    "refused": Verdict(GateResult.FAILED, 2, ("waiver old covers nothing (--strict-waivers)",)),
}
FINDINGS = {
    "none": (),
    "accepted": tuple(
        finding(AGE, f"{n}" * 32, disposition=one)
        for n, one in enumerate((Disposition.WAIVED, Disposition.BASELINED))
    ),
}


@pytest.fixture(params=FINDINGS)
def accepted(request: pytest.FixtureRequest) -> Run:
    return run_of(RULES, FINDINGS[request.param])


@pytest.mark.parametrize("name", VERDICTS)
def test_no_format_of_cases_and_entries_is_green(name: str, accepted: Run) -> None:
    verdict = VERDICTS[name]
    run = msgspec.structs.replace(accepted, verdict=verdict)
    (reason,) = verdict.reasons
    kind = "error" if verdict.result is GateResult.INCOMPLETE else "failure"
    assert f'<testcase name="the gate" classname="sentry-baseline.scan"><{kind} ' in text(
        "junit", run
    )
    assert f'{kind}s="1"' in text("junit", run).splitlines()[1]
    (entry,) = json.loads(text("gitlab", run))
    assert reason in entry["description"]
    assert entry["check_name"] == "keypolicy/gate"
    *_, event = json.loads(text("ocsf", run))
    assert reason in event["message"]
    assert event["status"] == "New"
    assert event["compliance"]["status"] == ("Warning" if kind == "error" else "Fail")
    (sarif,) = json.loads(text("sarif", run))["runs"]
    (note,) = sarif["invocations"][0]["toolExecutionNotifications"]
    assert reason in note["message"]["text"]
    (line,) = (one for one in text("github", run).splitlines() if one.startswith("::"))
    assert line.startswith("::error ")
    assert line.endswith(reason.replace("%", "%25"))


def test_a_scan_without_a_rule_has_an_entry_too() -> None:
    (entry,) = json.loads(text("gitlab", empty_run()))
    assert "no rule was run" in entry["description"]


def test_a_finding_that_is_open_tells_it() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32)])
    assert unexplained(run) == ""
    assert [one["check_name"] for one in json.loads(text("gitlab", run))] == [
        "sentry-baseline/key-max-age"
    ]
    assert "the gate" not in text("junit", run)


def test_a_gate_that_passed_needs_no_reason(accepted: Run) -> None:
    assert unexplained(accepted) == unexplained(clean_run()) == ""
