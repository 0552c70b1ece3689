import json
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest

from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import Run
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    gap,
    golden_run,
    rule,
    run_of,
)
from tests.unit.report.rendering import another_time, draft7, full_run, text

AGE = RULES[0]


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **optional},
    }


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "minItems": 1, "items": _TEXT}
_TIME = {"type": "integer", "minimum": 1_000_000_000_000}
# The attributes that we write, as OCSF 1.3.0 defines them: github.com/ocsf/ocsf-schema,
# events/findings/{compliance_finding,finding}.json, objects/{compliance,finding_info,analytic,
# resource_details,group,remediation,metadata,product}.json, and dictionary.json for their types.
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "array",
    "items": _object(
        {
            "activity_id": {"enum": [1, 3]},
            "activity_name": {"enum": ["Create", "Close"]},
            "category_uid": {"const": 2},
            "category_name": {"const": "Findings"},
            "class_uid": {"const": 2003},
            "class_name": {"const": "Compliance Finding"},
            "type_uid": {"enum": [200301, 200303]},
            "type_name": {"pattern": "^Compliance Finding: (Create|Close)$"},
            "time": _TIME,
            "severity_id": {"enum": [2, 3, 4, 5]},
            "severity": {"enum": ["Low", "Medium", "High", "Critical"]},
            "status_id": {"enum": [1, 3, 4]},
            "status": {"enum": ["New", "Suppressed", "Resolved"]},
            "metadata": _object(
                {
                    "version": {"const": "1.3.0"},
                    "product": _object({"vendor_name": _TEXT, "name": _TEXT, "version": _TEXT}),
                },
                correlation_uid=_TEXT,
                event_code=_TEXT,
            ),
            "message": _TEXT,
            "finding_info": _object(
                {"uid": _TEXT, "title": _TEXT},
                desc={"type": "string"},
                types=_TEXTS,
                first_seen_time=_TIME,
                src_url={"type": "string", "pattern": "^https?://"},
                analytic=_object({"type_id": {"const": 1}, "name": _TEXT, "uid": _TEXT}),
            ),
            "compliance": _object(
                {"standards": _TEXTS},
                control=_TEXT,
                requirements=_TEXTS,
                status={"enum": ["Fail", "Warning", "Error", "Unknown"]},
                status_id={"enum": [0, 2, 3, 99]},
                status_code=_TEXT,
                status_detail={"type": "string"},
            ),
            "resources": {
                "type": "array",
                "minItems": 1,
                "items": _object(
                    {"type": _TEXT, "name": _TEXT},
                    uid=_TEXT,
                    data={"type": "object"},
                    group=_object({"name": _TEXT}),
                    labels=_TEXTS,
                ),
            },
        },
        remediation=_object({"desc": _TEXT}),
        unmapped={"type": "object"},
    ),
}


def events(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text("ocsf", run))
    return found


@pytest.mark.parametrize("make", [golden_run, full_run, clean_run, empty_run])
def test_it_is_of_the_schema(make: Any) -> None:
    assert list(draft7(SCHEMA).iter_errors(events(make()))) == []


def test_the_models_of_another_scanner_read_it() -> None:
    """py-ocsf-models, which Prowler writes its own OCSF reports with."""
    models: Any = pytest.importorskip(
        "py_ocsf_models.events.findings.compliance_finding", reason="pip install py-ocsf-models"
    )
    for event in events(full_run()):
        read = models.ComplianceFinding.model_validate(event)
        assert read.type_uid == read.class_uid * 100 + read.activity_id


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.FAIL, 3), (Outcome.UNKNOWN, 2), (Outcome.ERROR, 99)],
)
def test_what_was_not_judged_is_no_pass(outcome: Outcome, status: int) -> None:
    (event,) = events(run_of(RULES, [finding(AGE, "1" * 32, outcome=outcome)]))
    assert event["compliance"]["status_id"] == status


@pytest.mark.parametrize(
    ("disposition", "status"),
    [(Disposition.OPEN, "New"), (Disposition.WAIVED, "Suppressed")],
)
def test_what_is_accepted_is_suppressed(disposition: Disposition, status: str) -> None:
    (event,) = events(run_of(RULES, [finding(AGE, "1" * 32, disposition=disposition)]))
    assert event["status"] == status
    assert event["unmapped"]["disposition"] == disposition


@pytest.mark.parametrize("severity", Severity)
def test_severities(severity: Severity) -> None:
    of = rule("some-rule", severity)
    (event,) = events(run_of([of], [finding(of, "1" * 32)]))
    assert event["severity"] == severity.capitalize()
    assert event["severity_id"] == severity.rank + 2


def test_controls_are_standards_and_requirements() -> None:
    (event,) = events(run_of(RULES, [finding(AGE, "1" * 32)]))
    assert event["compliance"]["standards"] == ["nist-800-53-r5", "pci-dss-4.0.1", "soc-2"]
    assert "nist-800-53-r5:IA-5" in event["compliance"]["requirements"]
    plain = rule("plain", Severity.LOW)
    (event,) = events(run_of([plain], [finding(plain, "1" * 32)]))
    assert event["compliance"]["standards"] == ["sentry-baseline"]
    assert "requirements" not in event["compliance"]


def test_a_gap_has_no_uid() -> None:
    (event,) = events(run_of(RULES, [gap(AGE, "acme", None, "HTTP 403")]))
    assert "uid" not in event["resources"][0]
    assert event["resources"][0]["labels"] == ["organization:acme"]


def test_a_fixed_finding_is_closed() -> None:
    event = events(full_run())[-1]
    assert (event["activity_name"], event["status"]) == ("Close", "Resolved")
    assert event["compliance"]["status"] == "Unknown"


def test_first_seen_and_waiver() -> None:
    assert "first_seen_time" in events(full_run())[0]["finding_info"]
    waived = finding(AGE, "1" * 32, disposition=Disposition.WAIVED)
    (event,) = events(run_of(RULES, [msgspec.structs.replace(waived, waiver="w-1")]))
    assert event["unmapped"] == {"disposition": "waived", "waiver": "w-1", "gate": ANY}


def test_names_are_harmless() -> None:
    found = [finding(AGE, f"{i:032x}", name=n, message=n) for i, n in enumerate(HOSTILE.values())]
    shown = "".join(e["message"] + e["resources"][0]["name"] for e in events(run_of(RULES, found)))
    assert not {"\x00", "\x1b", "\u202e", "\r", "\n"} & set(shown)


def test_only_the_id_of_the_run_differs() -> None:
    run = full_run()
    first, second = text("ocsf", run), text("ocsf", another_time(run))
    assert first.replace(run.info.id, "another-run") == second
