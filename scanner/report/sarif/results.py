"""SARIF's results: one for each finding."""

from typing import Any, Final

from scanner.base.text import clean, paragraph, timestamp
from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.model.waiver import Waiver
from scanner.report.parts.subject import shortened
from scanner.report.sarif.rules import LEVELS, rule_uri

_MAX_MESSAGE: Final = 1_000  # characters
# Code scanning shows nothing whose `kind` is not "fail", so what could not be judged keeps that
# kind and says so in words. It is never more than a warning.
_PREFIXES: Final = {
    Outcome.UNKNOWN: "Unknown: ",
    Outcome.ERROR: "Error: ",
}


class Results:
    """Makes the results of one SARIF run.

    `rules` are those of its policy, in their order; `waivers` are the scan's, by id.
    """

    def __init__(self, rules: list[Rule], waivers: dict[str, Waiver]) -> None:
        self._waivers = waivers
        self._index = {rule.key: index for index, rule in enumerate(rules)}
        self._rules = rules
        self._places = [_physical(rule) for rule in rules]

    def result(self, finding: Finding) -> dict[str, Any]:
        """Return the SARIF result of a finding about one of the rules."""
        index = self._index[finding.policy, finding.rule_id]
        level = LEVELS[finding.severity]
        if finding.outcome in _PREFIXES and level == "error":
            level = "warning"
        result: dict[str, Any] = {
            "ruleId": finding.rule_id,
            "ruleIndex": index,
            "level": level,
            "message": {"text": _message(finding, self._rules[index])},
            "locations": [
                {
                    "physicalLocation": self._places[index],
                    "logicalLocations": _logical(finding.resource),
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": finding.fingerprint},
        }
        if finding.disposition is not Disposition.OPEN:
            result["suppressions"] = [self._suppression(finding)]
        result["properties"] = _properties(finding)
        return result

    def _suppression(self, finding: Finding) -> dict[str, str]:
        if finding.disposition is Disposition.BASELINED:
            since = f", first seen {timestamp(finding.first_seen)}" if finding.first_seen else ""
            why = f"Part of the baseline{since}."
        else:
            why = "Waived."
            waiver = self._waivers.get(finding.waiver or "")
            if waiver is not None:
                why = (
                    f"Waiver {waiver.id}, approved by {waiver.approved_by} until "
                    f"{waiver.expires.isoformat()}: {paragraph(waiver.reason)}"
                )
        return {"kind": "external", "status": "accepted", "justification": clean(why)}


def _properties(finding: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "outcome": finding.outcome,
        "disposition": finding.disposition,
        "severity": finding.severity,
        "evidence": finding.evidence,
    }
    if finding.resource.url:
        properties["resourceUrl"] = finding.resource.url
    if finding.waiver:
        properties["waiver"] = finding.waiver
    if finding.owner:
        properties["owner"] = finding.owner
    if finding.first_seen:
        properties["firstSeen"] = timestamp(finding.first_seen)
    return properties


def _physical(rule: Rule) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": rule_uri(rule)},
        "region": {"startLine": max(rule.written.line, 1)},
    }


def _message(finding: Finding, rule: Rule) -> str:
    resource = finding.resource
    said = finding.message or rule.title
    if resource.id:
        subject = f'{resource.type} "{resource.name or resource.id}"'
    else:
        subject = f"an unseen part of {resource.type}"
    place = " in ".join(
        f"{kind} {slug}"
        for kind, slug in (("project", resource.project), ("organization", resource.organization))
        if slug
    )
    text = f"{_PREFIXES.get(finding.outcome, '')}{said} ({subject}{', ' if place else ''}{place})"
    # SARIF reads [text](target) as a link, even in plain text; a name must not make one.
    return shortened(clean(text).replace("](", "] ("), _MAX_MESSAGE)


def _logical(resource: Resource) -> list[dict[str, str]]:
    """Return organization, project and key, each with its path from the organization down."""
    places = []
    path: list[str] = []
    for kind, part, name in (
        ("namespace", resource.organization, resource.organization),
        ("module", resource.project, resource.project),
        ("resource", resource.id, resource.name or resource.id),
    ):
        if part:
            path.append(clean(part))
            places.append(
                {
                    "name": clean(name or part),
                    "kind": kind,
                    "fullyQualifiedName": "/".join(path),
                }
            )
    return places or [{"name": resource.type, "kind": "type", "fullyQualifiedName": resource.type}]
