"""Markdown for a pull request's comment and for `$GITHUB_STEP_SUMMARY`.

A comment may have 65,536 characters and a step's summary 1 MiB (docs.github.com). One bounded
page serves both: it is measured in bytes, of which there are never fewer than characters, and
says what was cut from it. Two reports of the same facts differ in nothing, unless the moment
that they are judged at was not given.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO, Final

from scanner.base.text import clock, first_sentence, paragraph, plural
from scanner.model.finding import Finding
from scanner.model.outcome import WORST_FIRST, Disposition, Outcome
from scanner.model.run import RuleResult, Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.effect import (
    gate_words,
    given,
    loosened,
    open_findings,
    parts,
    rows_read,
    scanned,
    shares,
)
from scanner.report.parts.first import Examples, first_open
from scanner.report.parts.markup import escaped, link
from scanner.report.parts.subject import heading, name_of, place, shortened, web_url

MAX_BYTES: Final = 65_000
MAX_ROWS: Final = 20
"""Findings that are listed of one rule."""

_RESERVE: Final = 600  # bytes kept free for the end: what was cut, and the digests
_MAX_LISTED: Final = 10  # reasons, gaps, warnings
_MAX_RULES: Final = 40  # rows of the table of rules
_MAX_TEXT: Final = 200  # characters of a message
_MAX_NAME: Final = 80


class _Page:
    """Text that never grows beyond its room."""

    def __init__(self, room: int) -> None:
        self._parts: list[str] = []
        self._room = room

    def add(self, text: str, *, closing: str = "") -> bool:
        """Add a block if there is room for it and for what has to close it later."""
        size = len(text.encode())
        if size + len(closing) > self._room:
            return False
        self._parts.append(text)
        self._room -= size
        return True

    def text(self) -> str:
        """Return all that was added."""
        return "".join(self._parts)


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the Markdown report; see scanner.report.interface.Format."""
    page = _Page(MAX_BYTES - _RESERVE)
    lacking = sum(not page.add(block) for block in _head(run))
    rows = yield from first_open(MAX_ROWS, partial(_row, with_owner=bool(run.owners)))
    cut = _details(run, rows, page)
    out.write(page.text().encode())
    if lacking:
        out.write(b"\nParts of the summary did not fit here; the JSON report has all of it.\n")
    if cut:
        note = f"\n{plural(cut, 'open finding')} did not fit here; the JSON report has all.\n"
        out.write(note.encode())


def _head(run: Run) -> Iterator[str]:
    yield f"## keypolicy: {run.verdict.result}\n\n"
    yield f"**{open_findings(run)}**\n\n"
    yield _bullets([*run.verdict.reasons, *(f"loosened: {one}" for one in loosened(run))])
    yield from _scope(run)
    unseen = list(_unseen(run))
    if unseen:
        yield f"### Not seen\n\n{_bullets(unseen)}"
    if run.warnings:
        yield f"### Warnings\n\n{_bullets(run.warnings)}"
    if run.organizations:
        yield from _parts(run)
    if run.owners:
        yield from _owners(run)
    if run.results:
        yield from _rules(run)


def _scope(run: Run) -> Iterator[str]:
    policies = ", ".join(f"{policy.name} {policy.version}" for policy in run.policies)
    tables = ", ".join(rows_read(run))
    outcomes = ", ".join(f"{run.total(o):,} {o.replace('_', ' ')}" for o in Outcome)
    rows = {
        "Scanned": scanned(run.inventory.sources),
        "As of": clock(run.info.as_of),
        "Policy": policies or "none",
        "Resources": tables or "none",
        "Checks": outcomes,
    }
    if run.gate:
        rows["Gate"] = "; ".join(gate_words(run))
    if set_elsewhere := given(run):
        rows["Set"] = "; ".join(set_elsewhere)
    if run.fixed:
        rows["Fixed"] = f"{plural(len(run.fixed), 'finding')} of the baseline"
    lines = "".join(
        f"| {label} | {escaped(shortened(text, 2 * _MAX_TEXT))} |\n" for label, text in rows.items()
    )
    yield f"| | |\n| --- | --- |\n{lines}\n"


def _unseen(run: Run) -> Iterator[str]:
    for name, coverage in run.inventory.incomplete.items():
        yield f"{name} is {coverage.state}: {coverage.reason or 'no reason is known'}"
        for gap in coverage.gaps:
            yield f"{place(gap.organization, gap.project)}: {gap.reason}"


def _bullets(texts: Iterable[str]) -> str:
    listed = list(texts)
    lines = [f"- {escaped(shortened(text, _MAX_TEXT))}\n" for text in listed[:_MAX_LISTED]]
    if len(listed) > _MAX_LISTED:
        lines.append(f"- ... and {len(listed) - _MAX_LISTED:,} more\n")
    return "".join(lines) + "\n" if lines else ""


def _owners(run: Run) -> Iterator[str]:
    yield "### Owners\n\n| Owner | Contact | Open |\n| --- | --- | ---: |\n"
    found = shares(run)
    for name, contact, number in found[:_MAX_RULES]:
        cells = (escaped(shortened(text, _MAX_NAME)) for text in (name, contact))
        yield f"| {' | '.join(cells)} | {number:,} |\n"
    if rest := found[_MAX_RULES:]:
        findings = sum(number for _, _, number in rest)
        yield f"| ... and {plural(len(rest), 'other owner')} | | {findings:,} |\n"
    yield "\n"


def _parts(run: Run) -> Iterator[str]:
    titles = " | ".join(str(one).capitalize() for one in WORST_FIRST)
    yield f"### Organizations\n\n| Organization | {titles} | Passed | Not seen |\n"
    yield f"| --- |{' ---: |' * (len(WORST_FIRST) + 2)}\n"
    found = parts(run)
    for one in found[:_MAX_RULES]:
        numbers = " | ".join(f"{number:,}" for number in one.open_by_severity.values())
        name = escaped(shortened(one.name, _MAX_NAME))
        yield f"| {name} | {numbers} | {one.rate} | {one.share.gaps:,} |\n"
    if rest := found[_MAX_RULES:]:
        more, clear = plural(len(rest), "more organization"), sum(not one.open for one in rest)
        yield f"\n... and {more}, {clear:,} without an open finding\n"
    yield "\n"


def _ranked(run: Run) -> list[RuleResult]:
    return sorted(run.results, key=lambda result: -result.rule.severity.rank)


def _rules(run: Run) -> Iterator[str]:
    yield "### Rules\n\n| Severity | Rule | Open | Waived | Baselined | Passed |\n"
    yield "| --- | --- | ---: | ---: | ---: | ---: |\n"
    ranked = _ranked(run)
    for result in ranked[:_MAX_RULES]:
        rule = result.rule
        yield (
            f"| {rule.severity} | {_title(result)} | {result.open_findings:,} "
            f"| {result.disposed(Disposition.WAIVED):,} "
            f"| {result.disposed(Disposition.BASELINED):,} | {result.passed:,} |\n"
        )
    rest = ranked[_MAX_RULES:]
    if rest:
        findings = sum(result.open_findings for result in rest)
        yield f"| | ... and {plural(len(rest), 'other rule')} | {findings:,} | | | |\n"
    yield "\n"


def _title(result: RuleResult) -> str:
    rule = result.rule
    return escaped(shortened(heading(rule), _MAX_TEXT))


def _details(run: Run, rows: Examples, page: _Page) -> int:
    """Add the findings of each rule while there is room; return how many open ones are left out."""
    results = {result.rule.key: result for result in run.results}
    left_out = sum(run.open_shown(result) for result in run.results)
    for key, of_rule in rows.items():
        left_out -= _rule(run, results[key], of_rule, page)
    return left_out


def _rule(run: Run, result: RuleResult, rows: list[str], page: _Page) -> int:
    """Add one collapsible block; return how many findings it lists."""
    rule = result.rule
    closing = "\n</details>\n\n"
    total = run.open_shown(result)
    count = plural(total, "open finding")
    # GitHub renders Markdown in a block of HTML only behind an empty line.
    head = f"<details><summary><b>{rule.severity}</b> {_title(result)}: {count}</summary>\n\n"
    head += f"{escaped(rule.policy)} / {escaped(rule.id)}\n\n"
    if rule.remediation:
        fix = shortened(first_sentence(rule.remediation), _MAX_TEXT)
        head += f"Fix: {escaped(fix)}\n\n"
    owner = (" Owner |", " --- |") if run.owners else ("", "")
    head += f"| Where | Key | Outcome | What |{owner[0]}\n| --- | --- | --- | --- |{owner[1]}\n"
    if not page.add(head + rows[0], closing=closing + " " * _RESERVE):
        return 0
    added = 1
    for text in rows[1:]:
        if not page.add(text, closing=closing + " " * _RESERVE):
            break
        added += 1
    if added < total:
        page.add(f"\n... and {total - added:,} more\n")
    page.add(closing)
    return added


def _row(finding: Finding, *, with_owner: bool) -> str:
    resource = finding.resource
    name, url = shortened(name_of(resource), _MAX_NAME), web_url(resource)
    cells = [
        escaped(shortened(place(resource.organization, resource.project), 2 * _MAX_NAME)),
        link(name, url) if url else escaped(name),
        finding.outcome.replace("_", " "),
        escaped(shortened(paragraph(finding.message), _MAX_TEXT)),
    ]
    if with_owner:
        cells.append(escaped(shortened(finding.owner or "nobody", _MAX_NAME)))
    return f"| {' | '.join(cells)} |\n"
