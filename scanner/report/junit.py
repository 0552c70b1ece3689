"""JUnit XML, as the test reports of GitLab and Jenkins read it.

A suite is a policy, a case is a rule in a project. An open violation fails its case. Where a rule
could not judge (outcome unknown or error, or a project that could not be read) the case is an
error: nothing is proven wrong, and yet it must not be green. A case whose findings are all waived
or part of the baseline, or whose rule is about nothing in the project, is skipped.

Servers such as Jenkins mark a build by the failures in here, whatever the command's exit code. So
where the gate passed, nothing is a failure or an error: a case with open findings is skipped, as
`tolerated`, and lists them. Where it did not, something is: at the least, a case of the gate.

The shape is that of Jenkins' schema (xunit plugin, junit-10.xsd), the strictest that is public.
Two reports of the same facts differ in `timestamp`, and in `as_of` unless it was given.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from datetime import UTC
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final, NamedTuple
from xml.sax.saxutils import escape

from scanner.base.text import timestamp
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Policy
from scanner.model.run import Clear, GateResult, RuleResult, Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import gate_words, loosened, unexplained
from scanner.report.parts.subject import line, place, shortened
from scanner.report.parts.xmltext import attributes, legal, often, quoted

_MAX_LINES: Final = 100  # keys that a case lists: a test report is read by people
_MAX_LINE: Final = 500  # characters
_MAX_MESSAGE: Final = 300
_IN_MEMORY: Final = 1 << 20  # bytes of a suite that are not put on disk
_AT_ONCE: Final = 1_000  # cases that are written at a time
_WORDS: Final = {"fail": "failed", "error": "in error"}
_NO_POLICY: Final = "keypolicy"
_Rules = AbstractSet[tuple[str, str]]  # policies and ids


class _Case(NamedTuple):
    """One test case. `kind` is the element in it, empty for a pass."""

    policy: str
    rule_id: str
    name: str
    kind: str = ""
    type: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the JUnit report; see scanner.report.interface.Format."""
    with ExitStack() as stack:
        # A suite tells its counts before its cases, and cases of several policies come mixed.
        suites = defaultdict[str, _Suite](
            lambda: _Suite(Counter(), stack.enter_context(SpooledTemporaryFile(_IN_MEMORY)), [])
        )
        yield from _spool(run, suites)
        policies: dict[str, Policy | None] = {p.name: p for p in run.policies} or {_NO_POLICY: None}
        if why := unexplained(run):
            at, result = next(iter(policies)), run.verdict.result
            kind = "error" if result is GateResult.INCOMPLETE else "failure"
            suites[at].add(_Case(at, "scan", "the gate", kind, result.value, why))
        total = sum((suite.counts for suite in suites.values()), Counter[str]())
        out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
        out.write(f"<testsuites{attributes(name='keypolicy', **_counts(total))}>\n".encode())
        for name, policy in policies.items():
            suite = suites[name]
            _open_suite(run, name, suite.counts, _properties(run, policy), out)
            suite.flush()
            suite.cases.seek(0)
            shutil.copyfileobj(suite.cases, out)
            out.write(b"</testsuite>\n")
        out.write(b"</testsuites>\n")


class _Suite(NamedTuple):
    """The cases of a policy as they are written, and how many there are of each kind."""

    counts: Counter[str]
    cases: IO[bytes]
    waiting: list[str]

    def add(self, case: _Case) -> None:
        """Put one case aside."""
        self.counts[case.kind] += 1
        self.waiting.append(f"<testcase name={quoted(case.name)}{_after_name(case)}")
        if len(self.waiting) > _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write the cases that wait."""
        self.cases.write("".join(self.waiting).encode())
        self.waiting.clear()


def _spool(run: Run, suites: Mapping[str, _Suite]) -> Writing:
    """Put every case aside: what was found, what is clear, then rules that came to nothing."""
    found: set[tuple[str, str]] = set()
    is_passed = run.verdict.result is GateResult.PASSED
    last: _Found | None = None
    while findings := (yield):
        for key, of_place in groupby(findings, _key):
            if last is None or last.key != key:
                if last is not None:
                    suites[last.key[0]].add(last.case(is_passed))
                last = _Found(key)
                found.add(key[:2])
            last.add(of_place)
    if last is not None:
        suites[last.key[0]].add(last.case(is_passed))
    for case in _others(run, found, found | _spool_clear(run.clear or (), suites)):
        suites[case.policy].add(case)


def _spool_clear(clear: Iterable[Clear], suites: Mapping[str, _Suite]) -> _Rules:
    """Put aside what is clear: nearly all of a large report. Return of which rules something is."""
    seen = set()
    for rule, places in groupby(clear, attrgetter("policy", "rule_id")):
        seen.add(rule)
        suite, passed = suites[rule[0]], _after_name(_Case(*rule, ""))
        skipped = _after_name(_not_applicable(*rule, ""))
        while some := list(islice(places, _AT_ONCE)):
            for one in some:
                name = _named(one.organization, one.project)
                end = passed if one.passed else skipped
                suite.waiting.append(f"<testcase name={name}{end}")
            suite.counts[""] += (passes := sum(bool(one.passed) for one in some))
            suite.counts["skipped"] += len(some) - passes
            suite.flush()
    return seen


@lru_cache(maxsize=1 << 15)  # rule after rule, it is the same places
def _named(organization: str | None, project: str | None) -> str:
    return quoted(place(organization, project))


def _others(run: Run, found: _Rules, seen: _Rules) -> Iterator[_Case]:
    """Yield rules that came to nothing; of some there were findings, of others what is clear."""
    for result in run.results:
        rule = result.rule.key
        if hidden := _hidden(run, result, is_shown=rule in found):
            yield hidden
        elif run.clear is None or rule not in seen:
            yield from _rest(result, seen)


def _hidden(run: Run, result: RuleResult, *, is_shown: bool) -> _Case | None:
    """Return the case of what --owner hides: it must neither look passed nor save the build."""
    if run.narrowing is None:
        return None
    is_open = result.open_findings > run.open_shown(result)
    if not is_open and (is_shown or not any(result.tally.values())):
        return None
    fails = is_open and run.verdict.result is not GateResult.PASSED
    kind = "failure" if fails else "skipped"
    rule, told = result.rule, run.narrowing.told
    return _Case(rule.policy, rule.id, "findings of other owners", kind, "hidden", told)


_Key = tuple[str, str, str | None, str | None, bool]


def _key(finding: Finding) -> _Key:
    resource = finding.resource
    return (
        finding.policy,
        finding.rule_id,
        resource.organization,
        resource.project,
        bool(resource.id),
    )


class _Found:
    """What a rule found in one place, so far."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self._counts: Counter[str] = Counter()
        self._lines: list[str] = []

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings, and list the first ones."""
        for finding in findings:
            is_open = finding.disposition is Disposition.OPEN
            self._counts[finding.outcome if is_open else finding.disposition] += 1
            if len(self._lines) < _MAX_LINES:
                self._lines.append(shortened(line(finding), _MAX_LINE))

    def case(self, is_passed: bool) -> _Case:  # noqa: FBT001 - the verdict
        """Return the case that they come to; none fails where the gate passed."""
        policy, rule_id, organization, project, is_seen = self.key
        counts, lines = self._counts, self._lines
        number = counts.total()
        kind, type_ = _verdict(counts)
        if is_passed and kind != "skipped":
            kind, type_ = "skipped", "tolerated"
        listed = ", ".join(f"{of:,} {_WORDS.get(word, word)}" for word, of in counts.items())
        left_out = [f"... and {number - len(lines):,} more"] if number > len(lines) else []
        name = place(organization, project)
        return _Case(
            policy,
            rule_id,
            name if is_seen else f"{name} (not seen)",
            kind,
            type_,
            listed if number > 1 else shortened(lines[0], _MAX_MESSAGE),
            (*lines, *left_out),
        )


def _verdict(counts: Counter[str]) -> tuple[str, str]:
    """Return the element and its type; a violation outweighs what could not be judged."""
    for outcome, kind in ((Outcome.FAIL, "failure"), (Outcome.ERROR, "error")):
        if counts[outcome]:
            return kind, outcome
    if counts[Outcome.UNKNOWN]:
        return "error", Outcome.UNKNOWN
    return "skipped", Disposition.WAIVED if counts[Disposition.WAIVED] else Disposition.BASELINED


def _rest(result: RuleResult, seen: _Rules) -> Iterator[_Case]:
    """Yield one case for what is known of a rule by number only."""
    rule = policy, rule_id = result.rule.key
    name = "every other resource" if rule in seen else "every resource"
    if result.passed:
        yield _Case(policy, rule_id, name)
    elif result.not_applicable:
        yield _not_applicable(policy, rule_id, name)
    elif rule not in seen:
        message = f"there is no {result.rule.resource} to check"
        yield _Case(policy, rule_id, name, "skipped", "nothing", message)


def _not_applicable(policy: str, rule_id: str, name: str) -> _Case:
    said = "the rule is about none of the resources"
    return _Case(policy, rule_id, name, "skipped", Outcome.NOT_APPLICABLE, said)


def _counts(counts: Counter[str]) -> dict[str, str]:
    return {
        "tests": str(sum(counts.values())),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
    }


def _open_suite(
    run: Run, name: str, counts: Counter[str], properties: dict[str, str], out: BinaryIO
) -> None:
    # Without a zone, as the schemas of most readers want it; it is UTC.
    started = f"{run.info.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    shown = attributes(
        name=name, **_counts(counts), skipped=str(counts["skipped"]), timestamp=started
    )
    out.write(f"<testsuite{shown}>\n<properties>\n".encode())
    out.writelines(
        f"<property{attributes(name=key, value=value)}/>\n".encode()
        for key, value in properties.items()
    )
    out.write(b"</properties>\n")


def _properties(run: Run, policy: Policy | None) -> dict[str, str]:
    properties = {"as_of": timestamp(run.info.as_of), "gate": run.verdict.result.value}
    properties["gate.reasons"] = "; ".join(run.verdict.reasons)
    properties["gate.settings"] = "; ".join(gate_words(run))
    properties["gate.loosened"] = "; ".join(loosened(run))
    properties["inventory.sources"] = ", ".join(run.inventory.sources)
    properties["inventory.digest"] = run.inventory.digest
    if run.narrowing is not None:
        properties["narrowed"] = run.narrowing.told
    for name, table in run.inventory.tables.items():
        if table.needed:
            properties[f"coverage.{name}"] = table.coverage.state.value
    if policy is not None:
        properties["policy.version"] = policy.version
        properties["policy.digest"] = policy.digest
    return properties


def _after_name(case: _Case) -> str:
    head = f" classname={often(f'{case.policy}.{case.rule_id}')}"
    if not case.kind:
        return f"{head}/>\n"
    body = escape("\n".join(map(legal, case.lines)))
    inner = f"{case.kind}{attributes(message=case.message, type=case.type)}"
    return f"{head}><{inner}>{body}</{case.kind}></testcase>\n"
