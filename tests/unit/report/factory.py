"""Runs to render: a fixed one for the goldens, and large, empty and gap-ridden ones."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from scanner.base.errors import Location
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.finding import Finding, KnownFinding, Resource
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Policy, Predicate, Rule
from scanner.model.run import (
    GateResult,
    InventorySummary,
    RuleResult,
    Run,
    RunInfo,
    TableSummary,
    Verdict,
)

COMPLETE = TableCoverage(CoverageState.COMPLETE, "")
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)

# What a person with the right to name a key may try on those who read the report.
HOSTILE = {
    "markup": "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
    "ansi": "\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "bidi": "abc\u202egnp.exe\u2066hidden\u2069",
    "lines": "first\r\nsecond\u2028third\u2029fourth\x85fifth",
    "link": "[click](https://evil.example/) `code` | pipe | **bold**",
    "template": "{{ 7 * 7 }} ${7*7} {0} %s {name}",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 caf\u00e9 \u65e5\u672c\u8a9e",
    "hebrew": "\u05e9\u05dc\u05d5\u05dd",
    "null": "a\x00b\x7fc\x9bd\ufeffe",
    "quotes": "\"'`&amp;<!--]]>",
    "long": "n" * 300,
}


class Findings(Sequence[Finding]):
    """Findings that can be iterated again and again, as those of a database can."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self.iterations = 0

    def __iter__(self) -> Iterator[Finding]:
        self.iterations += 1
        return iter(self._findings)

    def __len__(self) -> int:
        return len(self._findings)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return self._findings[index]


def rule(
    rule_id: str,
    severity: Severity,
    *,
    policy: str = "sentry-baseline",
    title: str = "",
    file: str = "policies/sentry-baseline.yaml",
    line: int = 10,
    controls: dict[str, list[str]] | None = None,
) -> Rule:
    location = Location(file, line, 5)
    return Rule(
        id=rule_id,
        policy=policy,
        title=title or f"Keys respect {rule_id}",
        severity=severity,
        resource="sentry_key",
        requirement=Predicate("is_active", {}, location),
        location=location,
        message="{name} is wrong",
        rationale="A key that nobody rotates stays useful to whoever copied it. It never expires.",
        remediation="Create a new key, deploy it, then disable this one. Delete it a week later.",
        controls=controls or {},
    )


def finding(
    of: Rule,
    key: str,
    *,
    name: str | None = "Default",
    organization: str | None = "acme",
    project: str | None = "web",
    outcome: Outcome = Outcome.FAIL,
    disposition: Disposition = Disposition.OPEN,
    message: str | None = None,
    evidence: dict[str, object] | None = None,
    url: str | None = "",
) -> Finding:
    if url == "":
        url = f"https://sentry.io/settings/{organization}/projects/{project}/keys/{key}/"
    if evidence is None:
        evidence = {"is_active": True, "age_days": 412}
    text = "\0".join((of.policy, of.id, organization or "", project or "", key))
    return Finding(
        rule_id=of.id,
        policy=of.policy,
        severity=of.severity,
        outcome=outcome,
        disposition=disposition,
        message=f"{name} is 412 days old" if message is None else message,
        resource=Resource(of.resource, key, name, organization, project, url),
        evidence=msgspec.Raw(json.dumps(evidence).encode()),
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def gap(of: Rule, organization: str | None, project: str | None, reason: str) -> Finding:
    """Return the finding that stands for a part of the table that could not be read."""
    return finding(
        of,
        "",
        name=None,
        organization=organization,
        project=project,
        outcome=Outcome.UNKNOWN,
        message=reason,
        evidence={},
        url=None,
    )


FIRST_SEEN = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fixed_finding(name: str) -> KnownFinding:
    """Return what a baseline knew of a key that is gone."""
    return KnownFinding(
        rule="key-max-age",
        severity=Severity.HIGH,
        outcome=Outcome.FAIL,
        type="sentry_key",
        organization="acme",
        project="web",
        project_id=None,
        id="9" * 32,
        name=name,
        fingerprint="f" * 32,
        first_seen=FIRST_SEEN,
    )


def run_of(
    rules: Sequence[Rule],
    findings: Sequence[Finding],
    *,
    passed: int = 40,
    not_applicable: int = 3,
    coverage: TableCoverage = COMPLETE,
    rows: int = 64,
    verdict: Verdict | None = None,
    warnings: tuple[str, ...] = (),
) -> Run:
    """Return a run whose counts agree with its findings."""
    tallies: dict[tuple[str, str], Counter[tuple[Outcome, Disposition]]] = {}
    unseen: Counter[tuple[str, str]] = Counter()
    for item in findings:
        key = (item.policy, item.rule_id)
        tallies.setdefault(key, Counter())[(item.outcome, item.disposition)] += 1
        unseen[key] += not item.resource.id
    order = {(r.policy, r.id): (-r.severity.rank, index) for index, r in enumerate(rules)}
    ordered = sorted(
        findings,
        key=lambda f: (
            order[f.policy, f.rule_id],
            f.resource.organization or "",
            f.resource.project or "",
            f.resource.id,
        ),
    )
    policies = tuple(
        Policy(
            name=name,
            version="1.0.0",
            title=f"Policy {name}",
            digest=hashlib.sha256(name.encode()).hexdigest(),
            rules=tuple(r for r in rules if r.policy == name),
            location=Location(f"policies/{name}.yaml", 1, 1),
        )
        for name in dict.fromkeys(r.policy for r in rules)
    )
    is_open = any(one.disposition is Disposition.OPEN for one in findings)
    failed = Verdict(GateResult.FAILED, 1, (f"{len(findings)} open findings at or above low",))
    passed_verdict = Verdict(GateResult.PASSED, 0, ("no open finding at or above low",))
    return Run(
        info=RunInfo(
            "01jq0000000000000000000000",
            AS_OF,
            datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC),
            datetime(2026, 3, 1, 8, 0, 1, 250000, tzinfo=UTC),
        ),
        inventory=InventorySummary(
            ("https://sentry.io (acme)",),
            {
                "sentry_key": TableSummary(rows, coverage, needed=True),
                "sentry_project": TableSummary(4, COMPLETE, needed=False),
            },
            hashlib.sha256(b"inventory").hexdigest(),
            {"acme": 5, "globex": 1, "initech": 1},
        ),
        policies=policies,
        results=tuple(
            RuleResult(
                r,
                passed,
                not_applicable,
                unseen[r.policy, r.id],
                dict(tallies.get((r.policy, r.id), {})),
            )
            for r in rules
        ),
        findings=Findings(ordered),
        verdict=verdict or (failed if is_open else passed_verdict),
        warnings=warnings,
    )


RULES = (
    rule(
        "key-max-age",
        Severity.HIGH,
        title="Active client keys are rotated within the allowed age",
        line=24,
        controls={"nist-800-53-r5": ["IA-5"], "pci-dss-4.0.1": ["8.6.3"], "soc-2": ["CC6.1"]},
    ),
    rule(
        "key-rate-limit-required",
        Severity.CRITICAL,
        title="Every active client key has a rate limit",
        line=40,
        controls={"nist-800-53-r5": ["SC-5"], "owasp-api-2023": ["API4"]},
    ),
    rule(
        "key-no-inactive",
        Severity.MEDIUM,
        title="Disabled keys are deleted once their grace is over",
        line=56,
        controls={"nist-800-53-r5": ["AC-2(3)", "IA-5"], "cis-v8": ["5.3"]},
    ),
    rule("key-name-has-owner", Severity.LOW, title="A key's name says whose it is", line=72),
    rule("key-loader-debug-off", Severity.LOW, title="The loader's debug bundle is off", line=80),
)


def golden_run() -> Run:
    """Return the fixed run: every severity, outcome and disposition, a gap, hostile names."""
    age, limit, inactive, name, _debug = RULES
    hostile = [
        finding(
            name,
            f"{index:032x}",
            name=text,
            project="hostile",
            message=f"the name {text} does not follow the pattern",
            evidence={"name": text},
        )
        for index, text in enumerate(HOSTILE.values(), 0xA0)
    ]
    reason = "HTTP 403: the token lacks the scope project:read"
    return run_of(
        RULES,
        [
            finding(limit, "1" * 32, message="has no rate limit", evidence={"rate_limit": None}),
            finding(limit, "2" * 32, name="iOS", project="mobile", message="has no rate limit"),
            finding(limit, "3" * 32, name=None, project="mobile", message="has no rate limit"),
            finding(age, "1" * 32),
            finding(age, "4" * 32, name="legacy", disposition=Disposition.WAIVED),
            finding(age, "5" * 32, name="old", disposition=Disposition.BASELINED),
            finding(
                age,
                "6" * 32,
                name="undated",
                outcome=Outcome.UNKNOWN,
                message="date_created is missing",
                evidence={"date_created": None, "is_active": True},
            ),
            gap(age, "acme", "payments", reason),
            gap(limit, "acme", "payments", reason),
            finding(
                inactive,
                "7" * 32,
                outcome=Outcome.ERROR,
                message="Conversion Error: 'soon' is not an interval",
            ),
            finding(inactive, "8" * 32, name="retired", organization="globex", url="javascript:x"),
            *hostile,
        ],
        coverage=TableCoverage(
            CoverageState.PARTIAL,
            "1 of 5 projects could not be read",
            (Gap(reason, "acme", "payments"),),
        ),
        verdict=Verdict(
            GateResult.INCOMPLETE,
            3,
            (
                "sentry_key is partial: 1 of 5 projects could not be read",
                "4 open findings of severity critical, 3 of high, 2 of medium and 10 of low",
            ),
        ),
        warnings=("keypolicy.yaml: the policy sentry-baseline is given twice",),
    )


def empty_run() -> Run:
    """Return a run without a rule, table or finding."""
    run = run_of((), ())
    return msgspec.structs.replace(
        run,
        inventory=InventorySummary((), {}, hashlib.sha256(b"").hexdigest()),
        verdict=Verdict(GateResult.INCOMPLETE, 3, ("no rule was run",)),
    )


def clean_run() -> Run:
    """Return a run in which every check passed."""
    return run_of(RULES, ())


def large_run(number: int, *, projects: int = 400) -> Run:
    """Return a run with `number` findings spread over five rules and many projects."""
    findings = []
    for index in range(number):
        of = RULES[index % len(RULES)]
        project = f"project-{index % projects:04d}"
        findings.append(
            finding(
                of,
                hashlib.md5(str(index).encode(), usedforsecurity=False).hexdigest(),
                name=f"service-{index % 997}-{('prod', 'staging')[index % 2]}",
                organization=("acme", "globex", "initech")[index % 3],
                project=project,
                message=f"service-{index % 997} is {index % 1400} days old, at most 90 are allowed",
                evidence={
                    "age_days": index % 1400,
                    "is_active": True,
                    "rate_limit_count": None,
                    "name": f"service-{index % 997}",
                },
            )
        )
    return run_of(RULES, findings, rows=number // 2, passed=number)
