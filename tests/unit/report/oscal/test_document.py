import json
import uuid
from typing import Any

import pytest

from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import Run
from scanner.report.oscal.parts import control_id
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
from tests.unit.report.rendering import DATA, another_time, draft7, full_run, text

AGE = RULES[0]
RUNS = [golden_run, full_run, clean_run, empty_run]


def schema() -> dict[str, Any]:
    """NIST's schema (public domain), its classes of characters narrowed to what Python knows."""
    written = (DATA / "oscal-assessment-results-1.2.3.json").read_text("utf-8")
    known = written.replace(r"\\p{L}", "[A-Za-z]").replace(r"\\p{N}", "[0-9]")
    found: dict[str, Any] = json.loads(known)
    return found


def report(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text("oscal", run))["assessment-results"]
    return found


def result(run: Run) -> dict[str, Any]:
    (found,) = report(run)["results"]
    return dict(found)


def props(part: dict[str, Any]) -> dict[str, str]:
    return {prop["name"]: prop["value"] for prop in part["props"]}


@pytest.mark.parametrize("make", RUNS)
def test_the_schema_of_nist_accepts_it(make: Any) -> None:
    errors = draft7(schema()).iter_errors(json.loads(text("oscal", make())))
    assert [error.message for error in errors] == []


def test_the_schema_would_notice() -> None:
    broken = json.loads(text("oscal", golden_run()))
    broken["assessment-results"]["results"][0]["observations"][0]["methods"] = []
    broken["assessment-results"]["results"][0]["findings"][0]["target"]["target-id"] = "1 2"
    assert len(list(draft7(schema()).iter_errors(broken))) == 2


@pytest.mark.parametrize(
    ("framework", "requirement", "expected"),
    [
        ("nist-800-53-r5", "IA-5", "ia-5"),
        ("nist-800-53-r5", "AC-2(3)", "ac-2.3"),
        ("nist-800-53-r5", "AC-2 (3)", "ac-2.3"),
        ("nist-800-53-r5", "AC-02(03)", "ac-2.3"),
        ("nist-800-53-r5", "IA-5(1)(a)", "ia-5.1"),
        ("nist-800-53-r5", "something", "nist-800-53-r5_something"),
        ("pci-dss-4.0.1", "8.6.3", "pci-dss-4.0.1_8.6.3"),
        ("owasp-api-2023", "API4:2023", "owasp-api-2023_API4-2023"),
        ("27001", "A.5", "_27001_A.5"),
    ],
)
def test_control_ids(framework: str, requirement: str, expected: str) -> None:
    assert control_id(framework, requirement) == expected


def test_every_reference_has_its_target() -> None:
    found = result(full_run())
    components = {one["uuid"] for one in found["local-definitions"]["components"]}
    observations = {one["uuid"] for one in found["observations"]}
    for one in found["observations"]:
        assert {actor["actor-uuid"] for o in one["origins"] for actor in o["actors"]} <= components
        assert {subject["subject-uuid"] for subject in one.get("subjects", ())} <= components
    for one in found["findings"]:
        related = {other["observation-uuid"] for other in one["related-observations"]}
        assert related <= observations
    resources = {one["uuid"] for one in report(full_run())["back-matter"]["resources"]}
    assert report(full_run())["import-ap"]["href"].removeprefix("#") in resources


def test_identifiers_are_unique_and_of_version_5() -> None:
    gaps = [gap(AGE, "acme", "web", reason) for reason in ("HTTP 403", "HTTP 500")]
    for run in (full_run(), large_run(2_000), run_of(RULES, gaps)):
        found = result(run)
        ids = [one["uuid"] for kind in ("observations", "findings") for one in found[kind]]
        assert len(set(ids)) == len(ids)
        assert all(uuid.UUID(one).version == 5 for one in ids)


def test_there_is_an_observation_for_every_rule_and_finding() -> None:
    run = golden_run()
    observed = [props(one) for one in result(run)["observations"]]
    assert sum("count-pass" in one for one in observed) == len(RULES)
    prints = [one["fingerprint"] for one in observed if "fingerprint" in one]
    assert prints == [f.fingerprint for f in run.findings]


def test_a_rule_supports_and_never_satisfies() -> None:
    states = {one["target"]["status"]["state"] for one in result(golden_run())["findings"]}
    assert states == {"not-satisfied"}
    assert "findings" not in result(clean_run())
    assert "does not satisfy" in result(clean_run())["reviewed-controls"]["description"]


def test_a_finding_for_each_control_of_the_rule() -> None:
    found = result(run_of(RULES, [finding(AGE, "1" * 32)]))["findings"]
    assert {(one["target"]["type"], one["target"]["target-id"]) for one in found} == {
        ("statement-id", "ia-5_smt"),
        ("objective-id", "pci-dss-4.0.1_8.6.3"),
        ("objective-id", "soc-2_CC6.1"),
    }


def test_what_could_not_be_judged_is_not_a_failure() -> None:
    found = result(run_of(RULES, [finding(AGE, "1" * 32, outcome=Outcome.UNKNOWN)]))["findings"]
    assert {one["target"]["status"]["reason"] for one in found} == {"other"}


def test_what_is_accepted_is_observed_and_makes_no_finding() -> None:
    run = run_of(RULES, [finding(AGE, "1" * 32, disposition=Disposition.WAIVED)])
    assert "findings" not in result(run)
    assert props(result(run)["observations"][-1])["disposition"] == "waived"


def test_a_rule_without_a_framework_stands_for_itself() -> None:
    selections = result(golden_run())["reviewed-controls"]["control-selections"]
    ids = [one["control-id"] for selected in selections for one in selected["include-controls"]]
    assert "key-name-has-owner" in ids


def test_hostile_names_are_plain_text_in_markdown() -> None:
    found = [
        finding(AGE, f"{i:032x}", name=n, message=n, project=n, evidence={"name": n})
        for i, n in enumerate(HOSTILE.values())
    ]
    run = run_of(RULES, found)
    written = text("oscal", run)
    assert list(draft7(schema()).iter_errors(json.loads(written))) == []
    for part in result(run)["observations"]:
        marked = part["title"] + part["description"] + json.dumps(part.get("relevant-evidence"))
        assert not {"<", "[", "`", "\x1b", "\u202e"} & set(marked.replace("[{", ""))


def test_identifiers_stay_from_run_to_run() -> None:
    first, second = result(full_run()), result(another_time(full_run()))
    assert first["observations"] == second["observations"]
    assert first["findings"] == second["findings"]
    assert first["uuid"] != second["uuid"]
    different = {key for key in first if first[key] != second[key]}
    assert different == {"uuid", "start", "end"}
