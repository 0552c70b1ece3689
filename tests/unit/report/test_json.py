import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.run import Run
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    golden_run,
    large_run,
    run_of,
)
from tests.unit.report.rendering import another_time, render
from tests.unit.report.triaged import triaged_run

SCHEMA = json.loads((Path(__file__).parents[3] / "scanner/schemas/report-v1.json").read_bytes())
CHECKER = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def report(run: Run) -> dict[str, Any]:
    """Return the parsed report, which is valid."""
    parsed: dict[str, Any] = json.loads(render("json", run))
    assert [error.message for error in CHECKER.iter_errors(parsed)] == []
    return parsed


def test_the_schema_is_one_and_describes_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"]
    assert all("description" in part or "$ref" in part for part in SCHEMA["properties"].values())


def objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for part in schema for found in objects(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for part in schema.values() for found in objects(part)]


def test_the_schema_lets_nothing_undescribed_through() -> None:
    open_ended = [part for part in objects(SCHEMA) if "additionalProperties" not in part]
    assert [part.get("description") for part in open_ended] == [
        SCHEMA["$defs"]["finding"]["properties"]["evidence"]["description"]
    ]


def test_the_shape() -> None:
    parsed = report(golden_run())
    assert list(parsed) == [
        "schema_version",
        "tool",
        "run",
        "inventory",
        "policies",
        "rules",
        "findings",
        "summary",
        "gate",
    ]
    assert parsed["schema_version"] == "1"
    assert list(parsed["run"]) == ["id", "as_of", "started_at", "finished_at"]
    assert list(parsed["rules"][0]["counts"]) == [
        "pass",
        "fail",
        "unknown",
        "error",
        "not_applicable",
        "waived",
        "baselined",
    ]
    assert list(parsed["findings"][0]) == [
        "rule_id",
        "policy",
        "severity",
        "outcome",
        "disposition",
        "message",
        "resource",
        "evidence",
        "fingerprint",
    ]
    assert parsed["gate"] == {
        "result": "incomplete",
        "exit_code": 3,
        "reasons": list(golden_run().verdict.reasons),
        "meaning": "the inventory is incomplete, so compliance cannot be told",
        "settings": [
            {"name": one.name, "value": one.value, "origin": one.origin, "looser": one.is_looser}
            for one in golden_run().gate
        ],
    }


def test_counts_agree_with_the_findings() -> None:
    parsed = report(golden_run())
    for rule in parsed["rules"]:
        found = [f for f in parsed["findings"] if f["rule_id"] == rule["id"]]
        for outcome in ("fail", "unknown", "error"):
            assert rule["counts"][outcome] == sum(f["outcome"] == outcome for f in found)
        for disposition in ("waived", "baselined"):
            assert rule["counts"][disposition] == sum(
                f["disposition"] == disposition for f in found
            )
    summary = parsed["summary"]
    assert sum(summary["dispositions"].values()) == len(parsed["findings"])
    assert sum(summary["open_by_severity"].values()) == summary["dispositions"]["open"]
    assert summary["incomplete_tables"] == ["sentry_key"]


def test_gaps_and_coverage() -> None:
    parsed = report(golden_run())
    table = parsed["inventory"]["tables"]["sentry_key"]
    assert table["coverage"] == "partial"
    assert table["gaps"][0]["project"] == "payments"
    assert "gaps" not in parsed["inventory"]["tables"]["sentry_project"]
    unseen = [f for f in parsed["findings"] if not f["resource"]["id"]]
    assert {f["outcome"] for f in unseen} == {"unknown"}
    assert all(f["evidence"] == {} and f["resource"]["name"] is None for f in unseen)


@pytest.mark.parametrize("state", CoverageState)
def test_every_coverage_is_valid(state: CoverageState) -> None:
    report(run_of(RULES, [], coverage=TableCoverage(state, "why")))


@pytest.mark.parametrize(
    "run", [empty_run(), clean_run(), triaged_run()], ids=["empty", "clean", "triaged"]
)
def test_other_runs_are_valid(run: Run) -> None:
    report(run)


def test_names_are_as_their_owners_wrote_them() -> None:
    run = run_of(
        RULES,
        [finding(RULES[0], f"{n:032x}", name=text) for n, text in enumerate(HOSTILE.values())],
    )
    assert [f["resource"]["name"] for f in report(run)["findings"]] == list(HOSTILE.values())


def test_triage_is_told() -> None:
    parsed = report(triaged_run())
    waived = [f for f in parsed["findings"] if f["disposition"] == "waived"]
    assert [f["waiver"] for f in waived] == ["legacy-app"]
    assert waived[0]["first_seen"] == "2026-01-05T12:00:00Z"
    assert all("waiver" not in f for f in parsed["findings"] if f not in waived)
    assert parsed["summary"]["fixed"] == 1
    assert [w["state"] for w in parsed["summary"]["waivers"]] == [
        "active",
        "expiring",
        "lapsed",
        "pending",
    ]


def test_evidence_is_passed_through() -> None:
    run = run_of(RULES, [finding(RULES[0], "1" * 32, evidence={"a": None, "b": 1.5, "c": [1]})])
    assert report(run)["findings"][0]["evidence"] == {"a": None, "b": 1.5, "c": [1]}


def test_a_finding_is_a_line() -> None:
    run = large_run(500)
    lines = render("json", run).decode().splitlines()
    assert sum(line.startswith('{"rule_id":') for line in lines) == 500
    report(run)


def test_it_is_written_in_one_pass_over_the_findings() -> None:
    run = large_run(10)
    render("json", run)
    assert run.findings.iterations == 1  # type: ignore[attr-defined]


def test_two_runs_over_the_same_facts_differ_in_run_only() -> None:
    one, other = (json.loads(render("json", r)) for r in (golden_run(), another_time(golden_run())))
    assert one != other
    assert one["run"].pop("as_of") == other["run"].pop("as_of")
    one["run"] = other["run"] = None
    assert one == other


def test_times_are_in_utc_with_a_z() -> None:
    run = golden_run()
    info = msgspec.structs.replace(run.info, as_of=datetime(2026, 3, 1, 4, 5, 6, 789, tzinfo=UTC))
    parsed = report(msgspec.structs.replace(run, info=info))
    assert parsed["run"]["as_of"] == "2026-03-01T04:05:06.000789Z"
