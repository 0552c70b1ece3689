"""What the page says outside the table of findings, counted and put into words."""

from collections.abc import Sequence
from typing import Any, Final

from scanner.base.text import clock, paragraph, plural, timestamp
from scanner.model.finding import Finding
from scanner.model.outcome import WORST_FIRST, Disposition, Outcome
from scanner.model.rule import Rule
from scanner.model.run import GateResult, RuleResult, Run
from scanner.report.html.scope import (
    MAX_FIXED,
    fixed,
    known,
    organizations,
    table,
    unseen,
    waivers,
)
from scanner.report.html.story.story import story
from scanner.report.html.trend import trend
from scanner.report.parts.effect import (
    STATES,
    gate_words,
    given,
    loosened,
    meaning,
    parts,
    rate_of,
    scanned,
)
from scanner.report.parts.frameworks import name_of_framework, title_of
from scanner.report.parts.subject import heading, name_of, place

NOSCRIPT_ROWS: Final = 100
"""Findings that the page shows where no script runs."""

_JUDGED: Final = (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)


def view(run: Run, first: Sequence[Finding]) -> dict[str, Any]:
    """Return the template's variables, inlined files and all but the first findings excepted."""
    by_severity = run.open_by_severity()
    open_total = sum(by_severity.values())
    totals = _Counts(run.results)
    found = sum(sum(result.tally.values()) for result in run.results)
    return {
        "result": run.verdict.result.value,
        "verdict": STATES[run.verdict.result],
        "headline": _headline(run, open_total, totals),
        "reasons": run.verdict.reasons,
        "loosened": loosened(run),
        "gate": gate_words(run),
        "given": given(run),
        "exit_code": run.verdict.exit_code,
        "exit_meaning": meaning(run),
        "run_id": run.info.id,
        "times": {
            name: {"iso": timestamp(moment), "text": clock(moment)}
            for name, moment in (
                ("as_of", run.info.as_of),
                ("started", run.info.started_at),
                ("finished", run.info.finished_at),
            )
        },
        "sources": scanned(run.inventory.sources),
        "digest": run.inventory.digest,
        "policies": run.policies,
        "organizations": organizations(run),
        "parts": parts(run),
        "knows_all_places": run.clear is not None,
        "tables": [table(name, summary) for name, summary in run.inventory.tables.items()],
        "incomplete": sorted(run.inventory.incomplete),
        "unseen": unseen(run),
        "warnings": run.warnings,
        "narrowed": run.narrowing.told if run.narrowing else "",
        "waivers": waivers(run),
        "known": known(run),
        "fixed": [fixed(one) for one in run.fixed[:MAX_FIXED]],
        "fixed_total": len(run.fixed),
        "severities": [{"name": s.value, "open": by_severity[s]} for s in WORST_FIRST],
        "open_total": open_total,
        "trend": trend(run),
        **story(run),
        "found": found,
        "totals": totals,
        "rules": [_rule(result) for result in _ranked(run.results)],
        "frameworks": _frameworks(run.results),
        "first": _first(run, first),
    }


def _headline(run: Run, open_total: int, totals: "_Counts") -> str:
    if open_total:
        # Beside "Passed", the number alone would read as what passed.
        told = plural(open_total, "open finding")
        return f"with {told}" if run.verdict.result is GateResult.PASSED else told
    return "No open finding" if totals.judged else "Nothing was checked"


class _Counts:
    """Counts over some rules. Those a rule is not about, and waivers, stay out of the rate."""

    def __init__(self, results: Sequence[RuleResult]) -> None:
        self.by = {o.value: sum(r.count(o) for r in results) for o in Outcome}
        self.judged = sum(self.by[o] for o in _JUDGED)
        self.open = sum(r.open_findings for r in results)
        self.waived = sum(r.disposed(Disposition.WAIVED) for r in results)
        self.baselined = sum(r.disposed(Disposition.BASELINED) for r in results)

    @property
    def rate(self) -> str:
        """The share that passed, never rounded up to a hundred."""
        return rate_of(self.by[Outcome.PASS], self.judged)

    @property
    def bars(self) -> list[dict[str, str]]:
        """The parts of a bar that is 100 wide, as start and width."""
        start = 0.0
        parts = []
        for outcome in _JUDGED:
            if self.by[outcome]:
                width = 100 * self.by[outcome] / self.judged
                parts.append({"kind": outcome.value, "x": f"{start:.3f}", "width": f"{width:.3f}"})
                start += width
        return parts


def _ranked(results: tuple[RuleResult, ...]) -> list[RuleResult]:
    """Worst severity first, and within it the rules with the most open findings."""
    return sorted(results, key=lambda r: (-r.rule.severity.rank, -r.open_findings))


def _rule(result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    return {
        "id": rule.id,
        "policy": rule.policy,
        "title": heading(rule),
        "severity": rule.severity.value,
        "resource": rule.resource,
        "counts": _Counts([result]),
    }


def _frameworks(results: tuple[RuleResult, ...]) -> list[dict[str, Any]]:
    """Return every framework with its requirements and the rules that support each."""
    supported: dict[str, dict[str, list[RuleResult]]] = {}
    for result in results:
        for framework, requirements in result.rule.controls.items():
            for requirement in dict.fromkeys(requirements):
                by_requirement = supported.setdefault(framework, {})
                by_requirement.setdefault(requirement, []).append(result)
    return [
        {
            "id": framework,
            "name": name_of_framework(framework),
            # A rule counts once, however many of the requirements it supports.
            "counts": _Counts([r for r in results if framework in r.rule.controls]),
            "controls": [
                {
                    "id": requirement,
                    "title": title_of(framework, requirement),
                    "rules": [_title(result.rule) for result in found],
                    "counts": _Counts(found),
                }
                for requirement, found in sorted(by_requirement.items())
            ],
        }
        for framework, by_requirement in sorted(supported.items())
    ]


def _title(rule: Rule) -> dict[str, str]:
    return {"id": rule.id, "policy": rule.policy, "title": heading(rule)}


def _first(run: Run, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the rows of the table that is shown where no script runs."""
    titles = {r.rule.key: paragraph(r.rule.title) for r in run.results}
    return [
        {
            "severity": finding.severity.value,
            "title": titles[finding.policy, finding.rule_id],
            "message": finding.message,
            "name": name_of(finding.resource),
            "id": finding.resource.id,
            "place": place(finding.resource.organization, finding.resource.project),
            "outcome": finding.outcome.value,
            "disposition": finding.disposition.value,
        }
        for finding in findings
    ]
