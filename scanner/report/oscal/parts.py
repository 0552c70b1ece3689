"""The parts of an OSCAL assessment result: identifiers, controls, observations, findings."""

import re
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from scanner.base.text import clean, clean_lines, timestamp
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.model.run import RuleResult, Run
from scanner.report.parts.markup import escaped, safe_url
from scanner.report.parts.subject import heading, name_of, place, shortened, told, web_url

SUPPORTS: Final = (
    "A rule supports the controls that it names; it does not satisfy them. A control is satisfied"
    " only by an assessor's judgement of everything that it asks for."
)
NAMESPACE: Final = "https://keypolicy.example/ns/oscal"
"""The namespace of our properties, and the seed of every identifier."""

_SEED: Final = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
_MAX_TITLE: Final = 200
# AC-2(3) and AC-2(3)(a) are both about the enhancement ac-2.3.
_NIST: Final = re.compile(r"([A-Za-z]{2})-0*([0-9]+)(?:\s*\(0*([0-9]+)\))?")


def identifier(*parts: str) -> str:
    """Return the version 5 UUID of these parts: the same for the same parts, on every machine."""
    return str(uuid.uuid5(_SEED, "\0".join(parts)))


TOOL: Final = identifier("tool")
"""The component that every observation originates from."""


@lru_cache(maxsize=1_000)  # every observation asks for one of a few
def service(organization: str | None) -> str:
    """Return the identifier of the component that stands for an organization."""
    return identifier("organization", organization or "")


def control_id(framework: str, requirement: str) -> str:
    """Return a requirement in the form of OSCAL's control ids.

    Of NIST SP 800-53 these are the ids of NIST's own catalogue: `ia-5`, `ac-2.3`. No catalogue is
    agreed on for the others, so their ids carry the framework: `pci-dss-4.0.1_8.6.3`.
    """
    match = _NIST.match(requirement) if framework.startswith("nist-800-53") else None
    if match is None:
        return _token(f"{framework}_{requirement}")
    family, number, enhancement = match.groups()
    return f"{family.lower()}-{number}" + (f".{enhancement}" if enhancement else "")


def controls(rule: Rule) -> list[tuple[str, str]]:
    """Return (framework, control id) of all that a rule supports.

    A rule of no framework stands for itself: it is a requirement of its policy.
    """
    named = [
        (framework, control_id(framework, requirement))
        for framework, requirements in rule.controls.items()
        for requirement in requirements
    ]
    return list(dict.fromkeys(named)) or [(rule.policy, _token(rule.id))]


def reviewed_controls(run: Run) -> dict[str, Any]:
    """Return `reviewed-controls`: one selection a framework."""
    by_framework: dict[str, dict[str, None]] = {}
    for result in run.results:
        for framework, control in controls(result.rule):
            by_framework.setdefault(framework, {})[control] = None
    selections = [
        {
            "description": escaped(framework),
            "include-controls": [{"control-id": control} for control in sorted(selected)],
        }
        for framework, selected in by_framework.items()
    ]
    # The schema wants one: without a rule it is a control that no catalogue has.
    nothing = [{"description": "No rule was run.", "include-controls": [{"control-id": "none"}]}]
    return {"description": SUPPORTS, "control-selections": selections or nothing}


def rule_observation(result: RuleResult, run: Run) -> dict[str, Any]:
    """Return the observation that counts what a rule came to, passes included."""
    rule = result.rule
    counts = {outcome.value: result.count(outcome) for outcome in Outcome}
    for disposition in Disposition:
        counts[disposition.value] = result.disposed(disposition)
    return {
        "uuid": _of_rule(rule),
        "title": _title(rule),
        "description": clean_lines(rule.rationale) or _title(rule),
        "props": properties(
            {
                "policy": rule.policy,
                "rule": rule.id,
                "severity": rule.severity,
                **{f"count-{name.replace('_', '-')}": str(n) for name, n in counts.items()},
            }
        ),
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": _ORIGINS,
        "collected": timestamp(run.info.as_of),
    }


def observation(finding: Finding, rule: Rule, run: Run) -> dict[str, Any]:
    """Return the observation of one finding, open or not."""
    resource = finding.resource
    # One place may lack for several reasons, so the reason identifies a gap.
    gap = () if resource.id else (finding.message,)
    found: dict[str, Any] = {
        "uuid": identifier("observation", finding.policy, finding.fingerprint, *gap),
        "title": escaped(shortened(f"{rule.id}: {name_of(resource)}", _MAX_TITLE)),
        "description": escaped(told(finding)) or "-",
        "props": properties(
            {
                "policy": finding.policy,
                "rule": finding.rule_id,
                "severity": finding.severity,
                "outcome": finding.outcome,
                "disposition": finding.disposition,
                "fingerprint": finding.fingerprint,
                "owner": finding.owner or "",
                "waiver": finding.waiver or "",
                "first-seen": timestamp(finding.first_seen) if finding.first_seen else "",
            }
        ),
        "methods": ["TEST"],
        "types": ["finding"],
        "origins": _ORIGINS,
        "subjects": [_subject(finding)],
        "collected": timestamp(run.info.as_of),
    }
    evidence = _evidence(finding)
    if evidence:
        found["relevant-evidence"] = [evidence]
    return found


def finding_about(result: RuleResult, framework: str, control: str) -> dict[str, Any]:
    """Return the finding that a rule with open findings makes about a control."""
    rule = result.rule
    counts = ", ".join(f"{result.open(o):,} {o}" for o in Outcome if result.open(o))
    is_nist = framework.startswith("nist-800-53")
    return {
        "uuid": identifier("finding", rule.policy, rule.id, framework, control),
        "title": _title(rule),
        "description": f"Open findings of the rule: {counts}.",
        "props": properties({"policy": rule.policy, "rule": rule.id, "framework": framework}),
        "target": {
            "type": "statement-id" if is_nist else "objective-id",
            "target-id": f"{control}_smt" if is_nist else control,
            "status": {
                "state": "not-satisfied",
                # Nothing is proven where all that is open could not be judged.
                "reason": "fail" if result.open(Outcome.FAIL) else "other",
            },
        },
        "related-observations": [{"observation-uuid": _of_rule(rule)}],
        "remarks": clean_lines(rule.remediation) or SUPPORTS,
    }


def properties(values: dict[str, str]) -> list[dict[str, str]]:
    """Return properties in our namespace; empty ones are left out, as the schema asks."""
    cleaned = ((name, clean(value).strip()) for name, value in values.items())
    return [{"name": name, "ns": NAMESPACE, "value": value} for name, value in cleaned if value]


def components(organizations: Mapping[str | None, str]) -> list[dict[str, Any]]:
    """Return the components that observations refer to: the tool, and each organization.

    An organization comes with what the service is called that it is one of.
    """
    return [
        _component(TOOL, "software", "keypolicy", "The scanner that made the observations."),
        *(
            _component(
                service(organization),
                "service",
                f"{title} organization {escaped(organization)}" if organization else title,
                "What was scanned.",
            )
            for organization, title in organizations.items()
        ),
    ]


_ORIGINS: Final = [{"actors": [{"type": "tool", "actor-uuid": TOOL}]}]


def _component(uuid_: str, kind: str, title: str, description: str) -> dict[str, Any]:
    return {
        "uuid": uuid_,
        "type": kind,
        "title": title,
        "description": description,
        "status": {"state": "operational"},
    }


def _of_rule(rule: Rule) -> str:
    return identifier("rule", rule.policy, rule.id)


def _title(rule: Rule) -> str:
    return escaped(shortened(heading(rule), _MAX_TITLE))


def _subject(finding: Finding) -> dict[str, Any]:
    resource = finding.resource
    where = place(resource.organization, resource.project)
    return {
        "subject-uuid": service(resource.organization),
        "type": "component",
        "title": escaped(shortened(f"{where}: {name_of(resource)}", _MAX_TITLE)),
        "props": properties(
            {
                "resource-type": resource.type,
                "resource-id": resource.id,
                "organization": resource.organization or "",
                "project": resource.project or "",
            }
        ),
    }


def _evidence(finding: Finding) -> dict[str, Any]:
    url, facts = web_url(finding.resource), bytes(finding.evidence).decode()
    if facts == "{}" and not url:
        return {}
    evidence = {"description": f"The columns that the rule read: {escaped(facts)}"}
    return {"href": safe_url(url), **evidence} if url else evidence


def _token(text: str) -> str:
    """Return `text` as an OSCAL token: letters, digits, `.`, `-` and `_`, no digit in front."""
    token = re.sub(r"[^0-9A-Za-z._-]+", "-", text)
    return token if re.match(r"[A-Za-z_]", token) else f"_{token}"
