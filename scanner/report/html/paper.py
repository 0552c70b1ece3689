"""What the page says on paper alone: a cover to sign, running titles, and the findings by rule."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from scanner.base.text import clean, clock, day, plural
from scanner.model.finding import Finding
from scanner.model.outcome import WORST_FIRST, Disposition, Severity
from scanner.model.rule import Rule
from scanner.model.run import Run
from scanner.report.html.passages import passages
from scanner.report.parts.frameworks import name_of_framework
from scanner.report.parts.subject import heading, name_of, place, shortened, web_url

MOST: Final = 1_000
"""Findings that are printed; all of them are counted. print.js has the same number."""

# The cover is one sheet whatever a scan is about: of all that is listed there are so many.
_LISTED: Final = 3
_POLICIES: Final = 5
_WORDS: Final = 60  # characters of a name
_RUNNING: Final = 70  # characters of the scope above each page
_FACTS: Final = 30  # facts of a finding that are printed
_FACT: Final = 200  # characters of one
_PLAIN: Final = re.compile(r"[^A-Za-z0-9 .,_-]")


def cover(run: Run) -> dict[str, Any]:
    """Return what the cover shows beside what the page says anyway: scope, digests, signatures."""
    projects = sum(run.inventory.organizations.values())
    return {
        "servers": _few(run.inventory.servers),
        "sources": _few(run.inventory.sources),
        "organizations": _few(run.inventory.organizations),
        "projects": f"{projects:,}" + ("" if run.clear is not None else " with findings"),
        "narrowed": [
            shortened(clean(f"{one.name}: {one.value}"), _WORDS)
            for one in run.gate
            if one.name in {"organizations", "projects"}
        ],
        "reasons": _few(run.verdict.reasons),
        "policies": run.policies[:_POLICIES],
        "more_policies": len(run.policies[_POLICIES:]),
        "signatures": ("Prepared by", "Reviewed by", "Approved by"),
    }


def _few(texts: Sequence[str] | dict[str, int]) -> list[str]:
    shown = [shortened(clean(text), _WORDS) for text in list(texts)[:_LISTED]]
    more = len(texts) - _LISTED
    return [*shown, f"and {more:,} more"] if more > 0 else shown


def running(run: Run) -> str:
    """Return the style of what stands above and below each page: scope, as-of, page numbers."""
    organizations = list(run.inventory.organizations)
    scope = ", ".join(organizations or run.inventory.sources) or "no inventory"
    as_of = f"As of {clock(run.info.as_of)}"
    return (
        f"@page {{ @top-right {{ content: {_css(shortened(clean(scope), _RUNNING))} }}"
        f" @bottom-left {{ content: {_css(as_of)} }} }}\n"
    )


def _css(text: str) -> str:
    """Return `text` as a string of CSS, in which nothing can end it or the style element."""
    return '"' + _PLAIN.sub(lambda found: f"\\{ord(found[0]):x} ", text) + '"'


def printed(run: Run, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return these findings, which are in the order of `Run.findings`, rule by rule."""
    rules = {result.rule.key: result.rule for result in run.results}
    totals = {result.rule.key: sum(result.tally.values()) for result in run.results}
    groups = [
        _group(rules[key], totals[key], list(found))
        for key, found in groupby(findings, key=lambda one: (one.policy, one.rule_id))
    ]
    return {"told": _told(run, findings), "groups": groups}


def _told(run: Run, findings: Sequence[Finding]) -> str:
    """Say how many there are, and how many of which severity are left out."""
    by_severity = run.found_by_severity()
    total = run.narrowing.shown if run.narrowing else sum(by_severity.values())
    left = total - len(findings)
    if left <= 0:
        return f"{plural(total, 'finding')}, the worst first."
    told = f"The first {len(findings):,} of {plural(total, 'finding')}, the worst first."
    if run.narrowing:
        return f"{told} {left:,} are not printed; the JSON report has all."
    for one in findings:
        by_severity[one.severity] -= 1
    parts = ", ".join(f"{by_severity[s]:,} {s}" for s in WORST_FIRST if by_severity[s])
    return f"{told} {left:,} are not printed ({parts}); the JSON report has all."


def _group(rule: Rule, total: int, findings: list[Finding]) -> dict[str, Any]:
    counts = {one: sum(f.disposition is one for f in findings) for one in Disposition}
    told = [f"{number:,} {one}" for one, number in counts.items() if number]
    return {
        "id": rule.id,
        "policy": rule.policy,
        "title": heading(rule),
        "severity": Severity(rule.severity).value,
        "told": ", ".join(told),
        "left": max(total - len(findings), 0),
        "rationale": passages(rule.rationale),
        "remediation": passages(rule.remediation),
        "controls": [
            f"{name_of_framework(name)}: {', '.join(dict.fromkeys(ids))}"
            for name, ids in rule.controls.items()
        ],
        "rows": [_row(one) for one in findings],
    }


def _row(finding: Finding) -> dict[str, Any]:
    resource = finding.resource
    tolerated = finding.disposition is not Disposition.OPEN
    return {
        "name": name_of(resource),
        "id": resource.id,
        "url": web_url(resource),
        "place": place(resource.organization, resource.project),
        "message": finding.message,
        "facts": " · ".join(_facts(finding)),
        "outcome": finding.outcome.value,
        "disposition": finding.disposition.value if tolerated else "",
    }


def _facts(finding: Finding) -> Iterator[str]:
    """Yield evidence and the rest in words; texts are quoted, so that none passes for another."""
    evidence = msgspec.json.decode(finding.evidence) if bytes(finding.evidence) else {}
    for name, value in list(evidence.items())[:_FACTS]:
        told = "not set" if value is None else msgspec.json.encode(value).decode()
        yield shortened(clean(f"{name} {told}"), _FACT)
    if len(evidence) > _FACTS:
        yield f"and {len(evidence) - _FACTS} more, see the JSON report"
    for word, text in (
        ("owner", finding.owner),
        ("waiver", finding.waiver),
        ("first seen", finding.first_seen and day(finding.first_seen)),
        ("due", finding.due and day(finding.due)),
        ("fingerprint", finding.fingerprint),
    ):
        if text:
            yield clean(f"{word} {text}")
