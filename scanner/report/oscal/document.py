"""OSCAL assessment results, for systems of governance, risk and compliance.

NIST OSCAL 1.1.3 (pages.nist.gov/OSCAL, "Assessment Results Model"): an observation counts what
each rule came to, another one is there for every finding, and a rule with open findings makes an
OSCAL finding about each control that it supports, which points to the rule's observation. Where
nothing is open there is no such finding: that would call a control satisfied, and a rule
supports controls, it does not satisfy them. There is no assessment plan to import; a resource in
the back matter names the policies in its place.

All identifiers are version 5 UUIDs. Those of observations and findings depend on policy, rule
and fingerprint alone, so they stay the same from run to run; those of the document and of its
result depend on the run's id. Two reports of the same facts differ in these two, in
`metadata.last-modified` and `version`, in `start` and `end`, and in `collected` unless the moment
that they are judged at was given.
"""

import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final

import msgspec

from scanner import __version__
from scanner.base.text import timestamp
from scanner.catalogue import OWN, SUBJECT
from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.oscal import parts
from scanner.report.parts.effect import gate_words, loosened
from scanner.report.parts.json_array import JsonArray
from scanner.report.parts.markup import escaped

OSCAL_VERSION: Final = "1.1.3"
_IN_MEMORY: Final = 1 << 20  # bytes of observations that are not put on disk


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the OSCAL report; see scanner.report.interface.Format."""
    encode = msgspec.json.encode
    plan = _plan(run)
    # What stands before the observations names the organizations of all of them.
    with SpooledTemporaryFile(_IN_MEMORY) as observations:
        organizations = yield from _observations(run, JsonArray(observations))
        out.write(b'{"assessment-results":')
        out.write(_open(_document(run, plan["uuid"])))
        out.write(b',\n"results":[\n' + _open(_result(run, organizations)))
        if run.results:  # the schema forbids empty lists
            out.write(b',\n"observations":')
            observations.seek(0)
            shutil.copyfileobj(observations, out)
    findings = list(_findings(run))
    if findings:
        out.write(b',\n"findings":')
        array = JsonArray(out)
        array.add(findings)
        array.end()
    out.write(b'}],\n"back-matter":' + encode({"resources": [plan]}) + b"}}\n")


def _open(members: dict[str, Any]) -> bytes:
    """Return a JSON object without its closing brace: other members follow."""
    return msgspec.json.encode(members)[:-1]


def _document(run: Run, plan: str) -> dict[str, Any]:
    return {
        "uuid": parts.identifier("document", run.info.id),
        "metadata": {
            "title": f"keypolicy assessment of {SUBJECT}",
            "last-modified": timestamp(run.info.finished_at),
            "version": run.info.id,
            "oscal-version": OSCAL_VERSION,
            "props": parts.properties({"tool": f"keypolicy {__version__}"}),
            "remarks": parts.SUPPORTS,
        },
        "import-ap": {"href": f"#{plan}"},
    }


def _plan(run: Run) -> dict[str, Any]:
    """Return the resource that stands for the plan: the policies that were run."""
    named = "; ".join(f"{p.name} {p.version}, SHA-256 {p.digest}" for p in run.policies)
    return {
        "uuid": parts.identifier("plan", *(f"{p.name} {p.digest}" for p in run.policies)),
        "title": "Policies",
        "description": escaped(f"The scan follows no OSCAL plan but policies: {named or 'none'}."),
    }


def _result(run: Run, organizations: Mapping[str | None, str]) -> dict[str, Any]:
    verdict = run.verdict
    reasons = "; ".join(verdict.reasons)
    coverage = {
        f"coverage-{name.replace('_', '-')}": table.coverage.state.value
        for name, table in run.inventory.tables.items()
        if table.needed
    }
    return {
        "uuid": parts.identifier("result", run.info.id),
        "title": f"Scan, gate {verdict.result}",
        "description": escaped(f"Gate {verdict.result}: {reasons or 'no reason'}"),
        "start": timestamp(run.info.started_at),
        "end": timestamp(run.info.finished_at),
        "props": parts.properties(
            {
                "as-of": timestamp(run.info.as_of),
                "gate": verdict.result,
                "exit-code": str(verdict.exit_code),
                "gate-settings": "; ".join(gate_words(run)),
                "gate-loosened": "; ".join(loosened(run)),
                "inventory-digest": run.inventory.digest,
                "inventory-sources": ", ".join(run.inventory.sources),
                "narrowed": run.narrowing.told if run.narrowing else "",
                **coverage,
            }
        ),
        "local-definitions": {"components": parts.components(organizations)},
        "reviewed-controls": parts.reviewed_controls(run),
    }


def _observations(
    run: Run, observations: JsonArray
) -> Generator[None, Sequence[Finding], Mapping[str | None, str]]:
    """Put aside what each rule and each finding is; return organizations, and whose they are."""
    observations.add(parts.rule_observation(result, run) for result in run.results)
    rules = {result.rule.key: result.rule for result in run.results}
    organizations: dict[str | None, str] = {}
    while found := (yield):
        for one in found:
            organizations.setdefault(one.resource.organization, OWN[one.resource.type].title)
        observations.add(
            parts.observation(one, rules[one.policy, one.rule_id], run) for one in found
        )
    observations.end()
    return organizations


def _findings(run: Run) -> Iterable[dict[str, Any]]:
    """Yield a finding for each control of each rule with open ones."""
    for result in run.results:
        if result.open_findings:
            for framework, control in parts.controls(result.rule):
                yield parts.finding_about(result, framework, control)
