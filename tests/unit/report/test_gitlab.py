import json
from typing import Any

import msgspec
import pytest

from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import Run
from tests.unit.report.factory import (
    RULES,
    clean_run,
    empty_run,
    finding,
    gap,
    golden_run,
    large_run,
    rule,
    run_of,
)
from tests.unit.report.rendering import another_time, draft7, full_run, text

AGE = RULES[0]

# Our own words for what docs.gitlab.com, "Code Quality report format", and the parser of GitLab
# (app/validators/json_schemas/codeclimate.json) ask for; stricter, since we write all of it.
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/|[a-z]+:)."},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text("gitlab", run))
    return found


@pytest.mark.parametrize("make", [golden_run, full_run, clean_run, empty_run])
def test_it_is_what_gitlab_asks_for(make: Any) -> None:
    assert list(draft7(SCHEMA).iter_errors(issues(make()))) == []


def test_a_run_without_findings_is_an_empty_list() -> None:
    assert text("gitlab", clean_run()) == "[]\n"


def test_only_open_findings_are_there() -> None:
    found = [finding(AGE, f"{i}" * 32, disposition=d) for i, d in enumerate(Disposition)]
    assert len(issues(run_of(RULES, found))) == 1


@pytest.mark.parametrize(
    ("severity", "outcome", "expected"),
    [
        ("critical", Outcome.FAIL, "blocker"),
        ("high", Outcome.FAIL, "critical"),
        ("medium", Outcome.FAIL, "major"),
        ("low", Outcome.FAIL, "minor"),
        ("critical", Outcome.UNKNOWN, "major"),
        ("high", Outcome.ERROR, "major"),
        ("low", Outcome.UNKNOWN, "minor"),
    ],
)
def test_severities(severity: str, outcome: Outcome, expected: str) -> None:
    of = rule("some-rule", Severity(severity))
    assert issues(run_of([of], [finding(of, "1" * 32, outcome=outcome)]))[0]["severity"] == expected


def test_fingerprints_are_unique() -> None:
    other = msgspec.structs.replace(AGE, policy="sentry-strict")
    found = [finding(AGE, "1" * 32), finding(other, "1" * 32)]
    same = [msgspec.structs.replace(one, fingerprint="same") for one in found]
    gaps = [gap(AGE, "acme", "web", reason) for reason in ("HTTP 403", "HTTP 500")]
    prints = [issue["fingerprint"] for issue in issues(run_of([AGE, other], [*same, *gaps]))]
    assert len(set(prints)) == len(prints) == 4
    large = [issue["fingerprint"] for issue in issues(large_run(3_000))]
    assert len(set(large)) == 3_000


def test_a_fingerprint_does_not_depend_on_words() -> None:
    first, second = (
        issues(run_of(RULES, [finding(AGE, "1" * 32, name=name)]))[0] for name in ("a", "b")
    )
    assert first["fingerprint"] == second["fingerprint"]
    assert first["description"] != second["description"]


def test_two_runs_over_the_same_facts_are_equal() -> None:
    assert text("gitlab", full_run()) == text("gitlab", another_time(full_run()))
