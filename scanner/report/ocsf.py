"""OCSF Compliance Finding (class 2003), as SIEMs and security data lakes take it.

OCSF 1.3.0: github.com/ocsf/ocsf-schema, events/findings/compliance_finding.json with finding.json
and objects/compliance.json, finding_info.json, resource_details.json. A JSON array with one event
a line: every finding, every finding of the baseline that is gone as a closed one, and the gate
where it did not pass over an open finding. An undecided outcome is never a pass: unknown is OCSF's
"Warning" (no result for lack of information), an error is "Other". A rule supports the requirements
it names; alone it satisfies none. Two reports of the same facts differ in
`metadata.correlation_uid`, the run's id, and in `time` unless the moment that they are judged at
was given.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final, NamedTuple

from scanner import __version__
from scanner.base.text import clean, paragraph
from scanner.model.finding import Finding, KnownFinding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Rule
from scanner.model.run import GateResult, Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import gate_words, loosened, unexplained
from scanner.report.parts.json_array import JsonArray
from scanner.report.parts.subject import EVERYTHING, heading, name_of, place, web_url

OCSF_VERSION: Final = "1.3.0"
_CLASS: Final = 2003


class _Value(NamedTuple):
    """A normalized value: its number and its caption."""

    id: int
    caption: str


_SEVERITIES: Final = {
    Severity.LOW: _Value(2, "Low"),
    Severity.MEDIUM: _Value(3, "Medium"),
    Severity.HIGH: _Value(4, "High"),
    Severity.CRITICAL: _Value(5, "Critical"),
}
_CREATE: Final = _Value(1, "Create")
_CLOSE: Final = _Value(3, "Close")
_NEW: Final = _Value(1, "New")
_SUPPRESSED: Final = _Value(3, "Suppressed")
_RESOLVED: Final = _Value(4, "Resolved")
_VERDICTS: Final = {
    Outcome.FAIL: _Value(3, "Fail"),
    Outcome.UNKNOWN: _Value(2, "Warning"),
    Outcome.ERROR: _Value(99, "Error"),  # 99 is "Other", whose caption is the source's
}
# Whether a gone finding was mended or its key deleted is not known.
_GONE: Final = _Value(0, "Unknown")


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the OCSF report; see scanner.report.interface.Format."""
    rules = {one.rule.key: _words(one.rule) for one in run.results}
    gate = _verdict(run)
    events = JsonArray(out)
    while found := (yield):
        events.add(_found(run, one, rules[one.policy, one.rule_id], gate) for one in found)
    events.add(_gone(run, known) for known in run.fixed)
    if why := unexplained(run):
        events.add([_gate(run, why)])
    events.end()
    out.write(b"\n")


class _Words(NamedTuple):
    """What every event about a rule says, so that it is put together once."""

    rule: Rule
    title: str
    standards: list[str]
    requirements: list[str]
    remediation: str


def _words(rule: Rule) -> _Words:
    return _Words(
        rule,
        clean(heading(rule)),
        # At least one is required: a rule of no framework is held by its policy alone.
        [clean(framework) for framework in rule.controls] or [rule.policy],
        [
            clean(f"{framework}:{requirement}")
            for framework, listed in rule.controls.items()
            for requirement in listed
        ],
        paragraph(rule.remediation),
    )


def _found(run: Run, finding: Finding, words: _Words, gate: Mapping[str, Any]) -> dict[str, Any]:
    rule, message = words.rule, clean(finding.message)
    status = _NEW if finding.disposition is Disposition.OPEN else _SUPPRESSED
    event = _event(run, _CREATE, status, finding.severity)
    info: dict[str, Any] = {
        "uid": finding.fingerprint,
        "title": words.title,
        "desc": message,
        "types": [rule.policy],
        "analytic": {"name": rule.id, "uid": f"{rule.policy}/{rule.id}", "type_id": 1},
        **_first_seen(finding.first_seen),
    }
    url = web_url(finding.resource)
    if url:
        info["src_url"] = url
    event["metadata"]["event_code"] = rule.id
    event["message"] = message or words.title
    event["finding_info"] = info
    event["compliance"] = _compliance(finding, words, message)
    event["resources"] = [_resource(finding)]
    if rule.remediation:
        event["remediation"] = {"desc": words.remediation}
    unmapped = {"disposition": finding.disposition, "waiver": finding.waiver, "gate": gate}
    event["unmapped"] = {key: value for key, value in unmapped.items() if value}
    return event


def _gate(run: Run, why: str) -> dict[str, Any]:
    """Return the event of a gate that did not pass over an open finding."""
    is_blind = run.verdict.result is GateResult.INCOMPLETE
    verdict = _VERDICTS[Outcome.UNKNOWN if is_blind else Outcome.FAIL]
    event = _event(run, _CREATE, _NEW, Severity.HIGH)
    event["metadata"]["event_code"] = "gate"
    event["message"] = f"The gate did not pass. {why}"
    event["finding_info"] = {
        "uid": hashlib.sha256(b"gate").hexdigest()[:32],
        "title": "The gate did not pass",
        "desc": why,
    }
    event["compliance"] = {
        "control": "keypolicy/gate",
        "standards": [policy.name for policy in run.policies] or ["keypolicy"],
        "status": verdict.caption,
        "status_id": verdict.id,
        "status_code": run.verdict.result,
        "status_detail": why,
    }
    event["resources"] = [{"type": "inventory", "name": EVERYTHING}]
    event["unmapped"] = {"gate": _verdict(run)}
    return event


def _verdict(run: Run) -> dict[str, Any]:
    """Return the verdict of the whole scan, which an event has no field of its own for."""
    return {
        "result": run.verdict.result,
        "reasons": list(map(clean, run.verdict.reasons)),
        "settings": gate_words(run),
        "loosened": loosened(run),
    }


def _gone(run: Run, known: KnownFinding) -> dict[str, Any]:
    event = _event(run, _CLOSE, _RESOLVED, known.severity)
    event["metadata"]["event_code"] = known.rule
    event["message"] = f"{known.rule}: the finding is there no more"
    event["finding_info"] = {
        "uid": known.fingerprint,
        "title": known.rule,
        **_first_seen(known.first_seen),
    }
    event["compliance"] = {
        "standards": [known.rule],
        "status": _GONE.caption,
        "status_id": _GONE.id,
    }
    resource: dict[str, Any] = {"type": known.type, "uid": clean(known.id)}
    resource["name"] = clean(known.name or known.id)
    resource.update(_where(known.organization, known.project))
    event["resources"] = [resource]
    return event


def _event(run: Run, activity: _Value, status: _Value, severity: Severity) -> dict[str, Any]:
    """Return what every event has: what it is, when, and what reported it."""
    level = _SEVERITIES[severity]
    return {
        "activity_id": activity.id,
        "activity_name": activity.caption,
        "category_uid": _CLASS // 1000,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + activity.id,
        "type_name": f"Compliance Finding: {activity.caption}",
        "time": _milliseconds(run.info.as_of),
        "severity_id": level.id,
        "severity": level.caption,
        "status_id": status.id,
        "status": status.caption,
        "metadata": {
            "version": OCSF_VERSION,
            "correlation_uid": run.info.id,
            "product": {
                "name": "keypolicy",
                "vendor_name": "keypolicy",
                "version": __version__,
            },
        },
    }


def _compliance(finding: Finding, words: _Words, message: str) -> dict[str, Any]:
    verdict, rule = _VERDICTS[finding.outcome], words.rule
    compliance: dict[str, Any] = {
        "control": f"{rule.policy}/{rule.id}",
        "standards": words.standards,
        "status": verdict.caption,
        "status_id": verdict.id,
        "status_code": finding.outcome,
        "status_detail": message,
    }
    if words.requirements:
        compliance["requirements"] = words.requirements
    return compliance


def _resource(finding: Finding) -> dict[str, Any]:
    resource = finding.resource
    shown: dict[str, Any] = {"type": resource.type, "name": name_of(resource)}
    if resource.id:
        shown["uid"] = clean(resource.id)
    if finding.owner:
        shown["owner"] = {"name": clean(finding.owner)}
    shown["data"] = finding.evidence
    shown.update(_where(resource.organization, resource.project))
    return shown


def _where(organization: str | None, project: str | None) -> dict[str, Any]:
    found = place(organization, project)
    if found == EVERYTHING:
        return {}
    labels = (("organization", organization), ("project", project))
    return {
        "group": {"name": found},
        "labels": [f"{kind}:{clean(slug)}" for kind, slug in labels if slug],
    }


def _first_seen(moment: datetime | None) -> dict[str, int]:
    return {"first_seen_time": _milliseconds(moment)} if moment else {}


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
