"""GitLab Code Quality: the open findings in a merge request, at the rule that they break.

Fields and severities are those of docs.gitlab.com, "Code Quality", "Code Quality report format";
GitLab itself checks them with app/validators/json_schemas/codeclimate.json. It keeps one of
several entries with the same fingerprint, so the policy is part of it: one rule id may stand in
two policies. Two reports of the same facts are byte-identical; nothing of the run is in them.
"""

import hashlib
from typing import Any, BinaryIO, Final
from urllib.parse import unquote

from scanner.base.text import clean
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import unexplained
from scanner.report.parts.json_array import JsonArray
from scanner.report.parts.subject import name_of, place, shortened, told, treated
from scanner.report.sarif.rules import rule_uri

_SEVERITIES: Final = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}
# What could not be judged is no proven violation: it never ranks above this.
_UNDECIDED: Final = {Severity.CRITICAL: "major", Severity.HIGH: "major"}
_NOWHERE: Final = {"path": "keypolicy.yaml", "lines": {"begin": 1}}  # where there is no rule
_MAX_DESCRIPTION: Final = 1_000  # characters: the merge request shows one line


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the Code Quality report; see scanner.report.interface.Format."""
    locations = {
        result.rule.key: {
            "path": unquote(rule_uri(result.rule)),
            "lines": {"begin": max(result.rule.written.line, 1)},
        }
        for result in run.results
    }
    issues = JsonArray(out)
    while found := (yield):
        issues.add(
            {
                "description": _description(finding),
                "check_name": f"{finding.policy}/{finding.rule_id}",
                "fingerprint": _fingerprint(finding),
                "severity": _severity(finding),
                "location": locations[finding.policy, finding.rule_id],
            }
            for finding in found
            if finding.disposition is Disposition.OPEN
        )
    if why := unexplained(run):
        issues.add([_gate(why, next(iter(locations.values()), _NOWHERE))])
    issues.end()
    out.write(b"\n")


def _gate(why: str, location: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a gate that did not pass over an open finding, at the first rule."""
    return {
        "description": shortened(f"The gate did not pass. {why}", _MAX_DESCRIPTION),
        "check_name": "keypolicy/gate",
        "fingerprint": hashlib.sha256(b"gate").hexdigest()[:32],
        "severity": "major",
        "location": location,
    }


def _description(finding: Finding) -> str:
    resource = finding.resource
    where = place(resource.organization, resource.project)
    owner = f", owned by {clean(finding.owner)}" if finding.owner else ""
    lapsed = f", {how}" if (how := treated(finding)) else ""
    text = f"{told(finding)} ({name_of(resource)} in {where}{owner}{lapsed})"
    return shortened(text, _MAX_DESCRIPTION)


def _severity(finding: Finding) -> str:
    severity = _SEVERITIES[finding.severity]
    return (
        severity if finding.outcome is Outcome.FAIL else _UNDECIDED.get(finding.severity, severity)
    )


def _fingerprint(finding: Finding) -> str:
    parts = [finding.policy, finding.fingerprint]
    if not finding.resource.id:
        parts.append(finding.message)  # one place may lack for several reasons
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
