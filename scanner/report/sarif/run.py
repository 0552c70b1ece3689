"""What a SARIF run says of itself: tool, rules, circumstances, and what is missing from it."""

from typing import Any, Final

import msgspec

from scanner import __version__
from scanner.base.text import clean, plural, timestamp
from scanner.catalogue import SUBJECT
from scanner.model.rule import Policy
from scanner.model.run import GateResult, RuleResult, Run
from scanner.report.parts.effect import gate_words, loosened, unexplained
from scanner.report.parts.subject import place
from scanner.report.sarif.rules import descriptor

# Where the distribution of this name is published; the format asks for a page about the tool.
_INFORMATION_URI: Final = "https://keypolicy.example/"


class Cut(msgspec.Struct, frozen=True):
    """What had to be left out: results above the limit, and whole policies."""

    found: int
    kept: int
    policies: tuple[str, ...]


def head(run: Run, policy: Policy | None, results: list[RuleResult], cut: Cut) -> dict[str, Any]:
    """Return every member of a SARIF run but its results.

    Without a policy (a scan that ran none) it is a run without rules.
    """
    name = "keypolicy/" if policy is None else f"keypolicy/{policy.name}/"
    return {
        "tool": {"driver": _driver(results)},
        "automationDetails": {
            "id": name,
            "description": {"text": clean(policy.title) if policy else "No policy was run."},
        },
        "invocations": [_invocation(run, cut)],
        "columnKind": "unicodeCodePoints",
        "properties": _properties(run, policy),
    }


def _driver(results: list[RuleResult]) -> dict[str, Any]:
    return {
        "name": "keypolicy",
        "version": __version__,
        "informationUri": _INFORMATION_URI,
        "semanticVersion": __version__,
        "shortDescription": {"text": f"Policy-as-code compliance scanner for {SUBJECT}."},
        "rules": [descriptor(result.rule) for result in results],
    }


def _properties(run: Run, policy: Policy | None) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "runId": run.info.id,
        "asOf": timestamp(run.info.as_of),
        "inventoryDigest": run.inventory.digest,
        "gate": {
            "result": run.verdict.result,
            "reasons": run.verdict.reasons,
            "settings": gate_words(run),
            "loosened": loosened(run),
        },
    }
    if policy is not None:
        properties["policyVersion"] = policy.version
        properties["policyDigest"] = policy.digest
    return properties


def _invocation(run: Run, cut: Cut) -> dict[str, Any]:
    return {
        "executionSuccessful": run.verdict.result is not GateResult.INCOMPLETE,
        "startTimeUtc": timestamp(run.info.started_at),
        "endTimeUtc": timestamp(run.info.finished_at),
        "exitCode": run.verdict.exit_code,
        "exitCodeDescription": clean("; ".join(run.verdict.reasons)) or run.verdict.result,
        "toolExecutionNotifications": _notifications(run, cut),
    }


def _notifications(run: Run, cut: Cut) -> list[dict[str, Any]]:
    notes = []
    for table, coverage in run.inventory.incomplete.items():
        text = f"The table {table} is {coverage.state}: {coverage.reason or 'no reason is known'}"
        notes.append(_notification("inventory-incomplete", text))
        for gap in coverage.gaps:
            text = f"{place(gap.organization, gap.project)}: {gap.reason}"
            notes.append(_notification("inventory-incomplete", text))
    if cut.kept < cut.found:
        text = (
            f"{plural(cut.found, 'result')} were found; the {cut.kept:,} worst are in this file, "
            "the most that code scanning takes. The JSON report has all of them."
        )
        notes.append(_notification("results-cut", text))
    if cut.policies:
        text = (
            f"Left out, since code scanning takes no more runs a file: {', '.join(cut.policies)}."
            " The JSON report has them."
        )
        notes.append(_notification("results-cut", text))
    if why := unexplained(run):
        notes.append(_notification("gate-not-passed", f"The gate did not pass. {why}"))
    notes.extend(_notification("scan-warning", warning) for warning in run.warnings)
    return notes


def _notification(kind: str, text: str) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": clean(text)},
        "descriptor": {"id": kind},
    }
