"""GitHub Actions workflow commands: annotations in the log and beside the policy's rules.

GitHub shows 10 errors, 10 warnings and 10 notices of a step (docs.github.com, "Workflow
commands"; actions/toolkit, docs/problem-matchers.md, "Limitations"), so there is one annotation
a rule with its worst examples, and the last one tells what did not fit. Two reports of the same
facts are byte-identical; nothing of the run is in them.
"""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import unquote

from scanner.base.foreign import workflow_command
from scanner.base.text import clean, plural
from scanner.model.finding import Finding
from scanner.model.outcome import Outcome, Severity
from scanner.model.run import GateResult, RuleResult, Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import loosened, open_findings, unexplained
from scanner.report.parts.first import Examples, first_open
from scanner.report.parts.subject import heading, place, shortened, told
from scanner.report.sarif.rules import rule_uri

MAX_SHOWN: Final = 10
"""Annotations of one level that GitHub shows for a step."""

MAX_EXAMPLES: Final = 3
_MAX_LINE: Final = 300  # characters of an example
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}


class _Annotation(NamedTuple):
    """One workflow command; `file` is empty where it is about no rule."""

    level: str
    title: str
    message: str
    file: str = ""
    line: int = 1


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the workflow commands; see scanner.report.interface.Format."""
    out.write(f"{clean(_verdict(run))}\n".encode())
    out.writelines(f"  - {clean(reason)}\n".encode() for reason in run.verdict.reasons)
    out.writelines(f"  - loosened: {clean(one)}\n".encode() for one in loosened(run))
    examples = yield from first_open(MAX_EXAMPLES, _example)
    commands = map(_command, _within_limits(_annotations(run, examples)))
    out.writelines(f"{command}\n".encode() for command in commands)


def _verdict(run: Run) -> str:
    return f"keypolicy: {run.verdict.result}, {open_findings(run)}"


def _annotations(run: Run, examples: Examples) -> Iterator[_Annotation]:
    level = "error" if run.verdict.result is GateResult.INCOMPLETE else "warning"
    for name, coverage in run.inventory.incomplete.items():
        message = f"{name} is {coverage.state}: {coverage.reason or 'no reason is known'}"
        yield _Annotation(level, "keypolicy: the inventory is incomplete", message)
    if (why := unexplained(run)) and not run.inventory.incomplete:
        yield _Annotation("error", "keypolicy: the gate did not pass", why)
    for warning in run.warnings:
        yield _Annotation("warning", "keypolicy", warning)
    ranked = sorted(run.results, key=lambda result: -result.rule.severity.rank)
    for result in ranked:
        if number := run.open_shown(result):
            shown = examples.get(result.rule.key, [])
            yield _about_rule(result, shown, number)


def _example(finding: Finding) -> str:
    resource = finding.resource
    where = place(resource.organization, resource.project)
    owner = f" [{clean(finding.owner)}]" if finding.owner else ""
    return shortened(f"{where}{owner}: {told(finding)}", _MAX_LINE)


def _about_rule(result: RuleResult, examples: list[str], number: int) -> _Annotation:
    rule = result.rule
    level = _LEVELS[rule.severity]
    if level == "error" and not result.open(Outcome.FAIL):
        level = "warning"  # nothing is proven: it could not be judged
    lines = list(examples)
    if number > len(examples):
        lines.append(f"... and {number - len(examples):,} more")
    title = f"{rule.severity}: {heading(rule)}"
    return _Annotation(
        level,
        f"{title} ({plural(number, 'finding')})",
        "\n".join([*lines, f"Rule {rule.id} of {rule.policy}"]),
        unquote(rule_uri(rule)),
        max(rule.written.line, 1),
    )


def _within_limits(annotations: Iterator[_Annotation]) -> Iterator[_Annotation]:
    """Yield as many of each level as GitHub shows; the last tells how many others there are."""
    shown: Counter[str] = Counter()
    held: dict[str, list[_Annotation]] = {}
    for annotation in annotations:
        shown[annotation.level] += 1
        if shown[annotation.level] < MAX_SHOWN:
            yield annotation
        else:
            held.setdefault(annotation.level, []).append(annotation)
    for level, rest in held.items():
        if len(rest) == 1:
            yield rest[0]
        else:
            titles = "\n".join(annotation.title for annotation in rest)
            yield _Annotation(level, f"keypolicy: {len(rest)} more", titles)


def _command(annotation: _Annotation) -> str:
    properties = {"title": annotation.title}
    if annotation.file:
        properties = {"file": annotation.file, "line": str(annotation.line), **properties}
    # Line breaks are those between lines of ours; every line itself is made harmless.
    message = "\n".join(clean(line) for line in annotation.message.split("\n"))
    harmless = {name: clean(value) for name, value in properties.items()}
    return workflow_command(annotation.level, harmless, message)
