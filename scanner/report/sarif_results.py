"""SARIF's results: one for each finding."""

from typing import Any, Final

from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.report.sarif_rules import LEVELS, rule_uri
from scanner.report.text import clean

_MAX_MESSAGE: Final = 1_000  # characters
# Code scanning shows nothing whose `kind` is not "fail", so what could not be judged keeps that
# kind and says so in words. It is never more than a warning.
_PREFIXES: Final = {
    Outcome.UNKNOWN: "Unknown: ",
    Outcome.ERROR: "Error: ",
}
_SUPPRESSIONS: Final = {
    Disposition.WAIVED: "Waived: an approved exception that expires.",
    Disposition.BASELINED: "Known before: part of the baseline.",
}


class Results:
    """Makes the results of one SARIF run; `rules` are those of its policy, in their order."""

    def __init__(self, rules: list[Rule]) -> None:
        self._index = {(rule.policy, rule.id): index for index, rule in enumerate(rules)}
        self._rules = rules
        self._places = [_physical(rule) for rule in rules]

    def has(self, finding: Finding) -> bool:
        """Whether the finding is about one of the rules."""
        return (finding.policy, finding.rule_id) in self._index

    def result(self, finding: Finding) -> dict[str, Any]:
        """Return the SARIF result of a finding about one of the rules."""
        index = self._index[finding.policy, finding.rule_id]
        level = LEVELS[finding.severity]
        if finding.outcome in _PREFIXES and level == "error":
            level = "warning"
        properties: dict[str, Any] = {
            "outcome": finding.outcome,
            "disposition": finding.disposition,
            "severity": finding.severity,
            "evidence": finding.evidence,
        }
        if finding.resource.url:
            properties["resourceUrl"] = finding.resource.url
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
        if finding.disposition in _SUPPRESSIONS:
            result["suppressions"] = [
                {
                    "kind": "external",
                    "status": "accepted",
                    "justification": _SUPPRESSIONS[finding.disposition],
                }
            ]
        result["properties"] = properties
        return result


def _physical(rule: Rule) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": rule_uri(rule)},
        "region": {"startLine": max(rule.location.line, 1)},
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
    text = clean(text).replace("](", "] (")
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 3] + "..."


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
