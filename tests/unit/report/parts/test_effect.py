"""Every report tells the settings in effect; only what has nothing open is called compliant."""

import html
import json
from functools import cache

import msgspec
import pytest

from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import GateResult, GateSetting, Run, Verdict
from scanner.report import FORMATS
from scanner.report.parts.effect import meaning
from tests.unit.report.factory import Findings, large_run
from tests.unit.report.rendering import text

LOOSE = (
    GateSetting("locked_config", "ci.yaml", "--locked-config"),
    GateSetting("fail_on", "never", "fail_on in keypolicy.yaml:3:1", is_looser=True, is_given=True),
    GateSetting("on_unknown", "warn", "KEYPOLICY_ON_UNKNOWN in .env", is_looser=True),
    GateSetting("gate.mine", "fail_on critical", "gate in keypolicy.yaml:5:1", is_looser=True),
    GateSetting("waivers", "w.yaml", "--waivers", is_looser=True),
    GateSetting("baseline", "none", "the default"),
    GateSetting("params", "max_age=9000d", "params in keypolicy.yaml:9:1", is_given=True),
)
LISTS = {"csv", "gitlab"}  # of findings: they have no place for anything else
WITH_A_PLACE = sorted(FORMATS.keys() - LISTS - {"parquet"})  # its metadata have tests of their own


def passed(*dispositions: Disposition) -> Run:
    """Return a run that passed the gate, with a finding of each of these dispositions."""
    run = large_run(1)
    (result, *_) = run.results
    tally = {(Outcome.FAIL, disposition): 1 for disposition in dispositions}
    return msgspec.structs.replace(
        run,
        results=(msgspec.structs.replace(result, tally=tally, unseen=0),),
        findings=[],
        verdict=Verdict(GateResult.PASSED, 0, ("within the thresholds",)),
        gate=LOOSE,
    )


def plain(told: str) -> str:
    """Return a report's text without what its format does to words."""
    return html.unescape(" ".join(told.split())).replace("\\", "")


@cache
def of_passed(name: str, *dispositions: Disposition) -> str:
    return text(name, passed(*dispositions))


REASONS = ("2 findings of severity high, at most 1 allowed", "sentry_key is partial: HTTP 403")


@cache
def of_incomplete(name: str) -> str:
    """Return the report of a run with a finding whose waiver lapsed."""
    (finding,) = (run := large_run(1)).findings
    lapsed = msgspec.structs.replace(finding, waiver="W-7")
    verdict = Verdict(GateResult.INCOMPLETE, 3, REASONS)
    run = msgspec.structs.replace(run, findings=Findings([lapsed]), verdict=verdict)
    return plain(text(name, run))


@pytest.mark.parametrize("name", WITH_A_PLACE)
def test_every_report_tells_why_the_gate_decided(name: str) -> None:
    assert all(reason in of_incomplete(name) for reason in REASONS)


@pytest.mark.parametrize(
    "name", ["junit", "gitlab", "csv", "json", "sarif", "oscal", "ocsf", "html", "pdf"]
)
def test_a_finding_tells_the_waiver_that_lapsed(name: str) -> None:
    shown = of_incomplete(name)
    assert "W-7" in shown
    if name in {"junit", "gitlab"}:
        assert "waiver W-7 has lapsed" in shown


@pytest.mark.parametrize("name", WITH_A_PLACE)
def test_every_report_tells_what_was_loosened_and_where(name: str) -> None:
    shown = plain(of_passed(name, Disposition.OPEN))
    if name == "ocsf":  # it has events of findings alone
        run = msgspec.structs.replace(passed(Disposition.OPEN), findings=large_run(1).findings)
        shown = plain(text(name, run))
    for part in ("fail_on", "never", "fail_on in keypolicy.yaml:3:1", "KEYPOLICY_ON_UNKNOWN in"):
        assert part in shown, part
    assert "w.yaml" in shown


def test_the_terminal_tells_it_when_quiet_too() -> None:
    shown = text("terminal", passed(Disposition.OPEN))
    assert "  - loosened: fail_on is never (fail_on in keypolicy.yaml:3:1)\n" in shown
    assert "Set       params is max_age=9000d (params in keypolicy.yaml:9:1)\n" in shown


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        (name, disposition)
        for name in FORMATS
        for disposition in Disposition
        if name != "parquet" and (name != "pdf" or disposition is Disposition.OPEN)  # html's page
    ],
)
def test_what_is_open_or_tolerated_is_never_called_compliant(
    name: str, disposition: Disposition
) -> None:
    assert "compliant" not in of_passed(name, disposition).lower().replace("noncompliant", "")


@pytest.mark.parametrize(
    ("dispositions", "says"),
    [
        ((), "compliant"),
        ((Disposition.WAIVED,), "no finding is open (1 waived)"),
        ((Disposition.WAIVED, Disposition.BASELINED), "(1 waived, 1 baselined)"),
        ((Disposition.OPEN, Disposition.WAIVED), "the gate passed, with 1 open finding (1 "),
    ],
)
def test_the_exit_code_in_words(dispositions: tuple[Disposition, ...], says: str) -> None:
    run = passed(*dispositions)
    assert says in meaning(run)
    assert json.loads(text("json", run))["gate"]["meaning"] == meaning(run)
