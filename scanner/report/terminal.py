"""The summary that a person reads first: verdict, trouble, the worst findings, what to do."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, Final

from scanner.base.text import clean, clock, first_sentence, fit, plural, wrap
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Rule
from scanner.model.run import GateResult, RuleResult, Run
from scanner.report.interface import ReportOptions
from scanner.report.parts.effect import (
    gate_words,
    given,
    loosened,
    meaning,
    open_findings,
    parts,
    rows_read,
    scanned,
    shares,
    tolerated,
)
from scanner.report.parts.subject import heading, place

MAX_RULES: Final = 8
MAX_EXAMPLES: Final = 3
# Examples of a rule come from its first findings alone: the time to the summary must not grow
# with the number of findings.
_LOOK_AT: Final = 1_000
_MAX_GAPS: Final = 5
_MIN_WIDTH: Final = 40
_NAME_WIDTH: Final = 32
_OWNERS: Final = 10
_ORGANIZATIONS: Final = 5  # named in the summary; the others are counted
_INDENT: Final = 10

_RESET: Final = "\x1b[0m"
_SEVERITY_STYLE: Final = {
    Severity.CRITICAL: "\x1b[1;31m",
    Severity.HIGH: "\x1b[31m",
    Severity.MEDIUM: "\x1b[33m",
    Severity.LOW: "\x1b[36m",
}
_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_VERDICTS: Final = {
    GateResult.PASSED: ("PASSED", "\x1b[1;32m"),
    GateResult.FAILED: ("FAILED", "\x1b[1;31m"),
    GateResult.INCOMPLETE: ("INCOMPLETE", "\x1b[1;33m"),
}


def write(run: Run, out: BinaryIO, options: ReportOptions) -> None:
    """Write the summary; see scanner.report.interface.Format."""
    out.writelines(line.rstrip().encode() + b"\n" for line in _Summary(run, options).lines())


class _Summary:
    """The lines of one summary; `options.width` bounds them, escapes for colour not counted."""

    def __init__(self, run: Run, options: ReportOptions) -> None:
        self._run = run
        self._options = options
        self._width = max(options.width, _MIN_WIDTH)

    def lines(self) -> Iterator[str]:
        """Yield the summary from the verdict to the exit code."""
        yield from self._verdict()
        if not self._options.quiet:
            blocks = self._scope(), self._trouble(), self._parts(), self._worst(), self._passing()
            for block in blocks:
                lines = list(block)
                if lines:
                    yield ""
                    yield from lines
        yield ""
        yield from self._end()

    def _paint(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._options.color and text else text

    def _wrap(self, text: str, indent: str = "", hanging: str | None = None) -> list[str]:
        return wrap(text, self._width, indent, hanging=hanging)

    def _labelled(self, label: str, text: str) -> list[str]:
        return wrap(text, self._width, f"{label:<{_INDENT}}", hanging=" " * _INDENT)

    def _verdict(self) -> Iterator[str]:
        run = self._run
        word, style = _VERDICTS[run.verdict.result]
        text = f"{word}: {open_findings(run)}"
        first, *rest = self._wrap(text, hanging="  ")
        yield self._paint(style, word) + first[len(word) :]
        yield from rest
        for reason in run.verdict.reasons:
            yield from self._wrap(clean(reason), "  - ", "    ")
        for setting in loosened(run):
            yield from self._wrap(f"loosened: {setting}", "  - ", "    ")

    def _scope(self) -> Iterator[str]:
        run = self._run
        policies = ", ".join(f"{clean(p.name)} {clean(p.version)}" for p in run.policies)
        tables = " and ".join(rows_read(run))
        rows = [
            ("Scanned", clean(scanned(run.inventory.sources))),
            *self._organizations(),
            ("As of", clock(run.info.as_of)),
            ("Policy", policies or "none"),
            ("Resources", tables or "none"),
            ("Checks", self._checks()),
            *([("Owners", self._owners())] if run.owners else []),
            *([("Gate", "; ".join(gate_words(run)))] if run.gate else []),
            *(("Set", setting) for setting in given(run)),
        ]
        for label, text in rows:
            yield from self._labelled(label, text)

    def _organizations(self) -> list[tuple[str, str]]:
        found = self._run.inventory.organizations
        named = [
            f"{clean(slug)} ({plural(projects, 'project') if projects else 'no project seen'})"
            for slug, projects in islice(found.items(), _ORGANIZATIONS)
        ]
        more = [f"{len(found) - len(named):,} more"] if len(found) > len(named) else []
        return [("Covers", ", ".join([*named, *more]))] if named else []

    def _owners(self) -> str:
        """Say who has how many open findings."""
        found = [f"{name} {number:,}" for name, _, number in shares(self._run) if number]
        more = [f"{plural(len(found) - _OWNERS, 'more owner')}"] if len(found) > _OWNERS else []
        return ", ".join([*found[:_OWNERS], *more]) or "none has an open finding"

    def _checks(self) -> str:
        run = self._run
        words = {
            Outcome.PASS: "passed",
            Outcome.FAIL: "failed",
            Outcome.UNKNOWN: "unknown",
            Outcome.ERROR: "in error",
            Outcome.NOT_APPLICABLE: "not applicable",
        }
        counts = [
            f"{run.total(outcome):,} {word}"
            for outcome, word in words.items()
            if run.total(outcome) or outcome in {Outcome.PASS, Outcome.FAIL}
        ]
        counts += tolerated(run)
        if run.fixed:
            counts.append(f"{len(run.fixed):,} of the baseline fixed")
        return ", ".join(counts)

    def _trouble(self) -> Iterator[str]:
        for name, coverage in self._run.inventory.incomplete.items():
            text = f"{name} is {coverage.state}: {clean(coverage.reason)}"
            yield from self._labelled("Coverage", text)
            for gap in coverage.gaps[:_MAX_GAPS]:
                told = clean(f"{place(gap.organization, gap.project)}: {gap.reason}")
                yield from self._wrap(told, " " * _INDENT, " " * (_INDENT + 2))
            if len(coverage.gaps) > _MAX_GAPS:
                yield f"{'':{_INDENT}}... and {plural(len(coverage.gaps) - _MAX_GAPS, 'more gap')}"
        for warning in self._run.warnings:
            yield from self._labelled("Warning", clean(warning))

    def _parts(self) -> Iterator[str]:
        """Tell how each of several organizations fares, worst first; in a verbose summary, all."""
        found = parts(self._run)
        if found:
            yield self._paint(_BOLD, "Organizations")
        shown = found if self._options.verbose else found[:_OWNERS]
        for one in shown:
            yield from self._wrap(one.told, f"{fit(one.name, _NAME_WIDTH)}: ", " " * _INDENT)
        if hidden := found[len(shown) :]:
            clear = sum(not one.open for one in hidden)
            more = plural(len(hidden), "more organization")
            yield f"... and {more}, {clear or 'none'} of them without an open finding"

    def _worst(self) -> Iterator[str]:
        ranked = sorted(
            (result for result in self._run.results if self._run.open_shown(result)),
            key=lambda result: -result.rule.severity.rank,
        )
        examples = _examples(self._run, [result.rule for result in ranked[:MAX_RULES]])
        for number, result in enumerate(ranked[:MAX_RULES]):
            if number:
                yield ""
            yield from self._rule(result, examples.get(result.rule.key, []))
        rest = ranked[MAX_RULES:]
        if rest:
            findings = plural(sum(map(self._run.open_shown, rest)), "open finding")
            yield ""
            yield f"... and {findings} of {plural(len(rest), 'other rule')}"

    def _rule(self, result: RuleResult, examples: list[Finding]) -> Iterator[str]:
        rule, number = result.rule, self._run.open_shown(result)
        label = f"{rule.severity:<{_INDENT}}"
        text = f"{heading(rule)}: {plural(number, 'finding')}"
        first, *rest = self._wrap(text, label, " " * _INDENT)
        style = _SEVERITY_STYLE[rule.severity]
        yield self._paint(style, str(rule.severity)) + first[len(rule.severity) :]
        yield from rest
        yield self._paint(_DIM, fit(f"{'':{_INDENT}}{rule.policy} / {rule.id}", self._width))
        for finding in examples:
            yield self._example(finding)
            if self._options.verbose:
                # An id is not cut: it is there to be copied.
                yield self._paint(_DIM, f"{'':{_INDENT}}  id {clean(finding.resource.id or '-')}")
        if examples and number > len(examples):
            yield f"{'':{_INDENT}}... and {number - len(examples):,} more"
        if rule.remediation:
            yield from self._wrap(
                f"Fix: {first_sentence(rule.remediation)}",
                " " * _INDENT,
                " " * (_INDENT + len("Fix: ")),
            )

    def _example(self, finding: Finding) -> str:
        resource = finding.resource
        # Where all is of one organization, its name would only take room from the message.
        parts_of = (resource.organization, resource.project)
        known = resource.project and len(self._run.inventory.organizations) == 1
        where = "/".join(filter(None, parts_of[1:] if known else parts_of)) or "-"
        name, message = resource.name or resource.id, clean(finding.message)
        parts = [f"{'':{_INDENT}}{fit(clean(where), _NAME_WIDTH)} "]
        if finding.outcome is not Outcome.FAIL:
            parts.append(f"[{finding.outcome}]")
        if name and clean(name) not in message:
            parts.append(f"{fit(clean(name), _NAME_WIDTH)}:")
        return fit(" ".join([*parts, message]), self._width)

    def _passing(self) -> Iterator[str]:
        passing = sum(not result.open_findings for result in self._run.results)
        if passing:
            yield f"{plural(passing, 'rule')} without an open finding."

    def _end(self) -> Iterator[str]:
        for number, report in enumerate(self._options.reports):
            # A path is not broken: it is there to be copied.
            yield f"{'' if number else 'Reports':<{_INDENT}}{clean(report)}"
        code = self._run.verdict.exit_code
        yield from self._wrap(f"Exit code {code}: {meaning(self._run)}.", hanging=" " * _INDENT)


def _examples(run: Run, rules: Sequence[Rule]) -> dict[tuple[str, str], list[Finding]]:
    """Return the first few open findings of each of the rules."""
    examples: dict[tuple[str, str], list[Finding]] = {}
    streams = (
        [islice(run.findings, _LOOK_AT)]
        if run.sample is None
        else [run.sample(r, _LOOK_AT) for r in rules]
    )
    for findings in streams:
        for finding in findings:
            of_rule = examples.setdefault((finding.policy, finding.rule_id), [])
            if finding.disposition is Disposition.OPEN and len(of_rule) < MAX_EXAMPLES:
                of_rule.append(finding)
            if run.sample is not None and len(of_rule) == MAX_EXAMPLES:
                break
    return examples
