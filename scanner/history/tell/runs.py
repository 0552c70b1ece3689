"""The runs that are kept, one a row, and one of them by itself."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from scanner.base.text import plural
from scanner.history.compare.diff import ordered
from scanner.history.folder import StoredRun
from scanner.history.manifest import Manifest
from scanner.history.tell.words import MOST, by_severity, coverage, day, findings
from scanner.model.history import Fate
from scanner.model.outcome import WORST_FIRST
from scanner.report.sheet.sheet import Cells, Sheet, SheetCell

_HEAD: Final = (
    *("run", "as of", "line", "result", *map(str, WORST_FIRST), "new", "fixed", "overdue"),
    "seen",
)
_MINOR: Final = ("run", "line", *map(str, WORST_FIRST), "overdue", "seen")
_TOLD: Final = (
    (Fate.NEW, "new"),
    (Fate.REOPENED, "reopened"),
    (Fate.DEMANDED, "came with a rule"),
    (Fate.FIXED, "fixed"),
    (Fate.RELEASED, "went with a rule"),
    (Fate.UNSEEN, "not looked at"),
    (Fate.STILL, "still there"),
)

Links = Callable[[Manifest], tuple[str, str]]
"""Gives the addresses of a run's report and of what changed in it; empty where there is none."""


def tell_runs(sheet: Sheet, manifests: Sequence[Manifest], links: Links | None = None) -> None:
    """Add the table of runs in the order that they are given in."""
    if not manifests:
        return
    head, minor = (_HEAD, _MINOR) if links is None else ((*_HEAD, "changes"), _MINOR)
    sheet.table(head, [_row(manifest, links) for manifest in manifests], minor)


def _row(manifest: Manifest, links: Links | None) -> Cells:
    figures, result = manifest.figures, manifest.result.value
    counts = figures.fates
    when = day(manifest.run.as_of)
    report, changes = links(manifest) if links else ("", "")
    told: Cells = (
        manifest.run.id[:12],
        SheetCell(when, href=report, label=f"Report of {when}"),
        manifest.line,
        SheetCell(result, result),
        *by_severity(lambda severity: figures.open.get(severity, 0)),
        f"{counts.get('new', 0):,}",
        f"{counts.get('fixed', 0):,}",
        f"{sum(figures.overdue.values()):,}",
        coverage(manifest),
    )
    if links is None:
        return told
    text = "changes" if changes else ""
    return (*told, SheetCell(text, href=changes, label=f"Changes of {when}" if changes else ""))


def tell_run(sheet: Sheet, run: StoredRun, most: int = MOST) -> None:
    """Add one run: what it looked at, what it came to, and what changed. Raises DamageError."""
    manifest = run.manifest
    sheet.result = manifest.result
    sheet.heading(f"Run {manifest.run.id}")
    sheet.line(f"as of {day(manifest.run.as_of)} UTC, written by {manifest.tool}, in {run.path}")
    tell_scope(sheet, manifest)
    tell_open(sheet, manifest)
    _tell_changes(sheet, run, most)


def tell_scope(sheet: Sheet, manifest: Manifest) -> None:
    """Add the verdict, the policies, and what was looked at."""
    sheet.line(f"gate {manifest.result.value}, exit code {manifest.exit_code}")
    for policy in manifest.policies:
        sheet.line(f"policy {policy.name} {policy.version}, SHA-256 {policy.digest}")
    sheet.line(f"organizations: {', '.join(manifest.looked.organizations) or 'none was told'}")
    for name, table in manifest.looked.tables.items():
        if table.needed:
            sheet.line(f"{name}: {plural(table.rows, 'row')}, {table.coverage.value}")


def tell_open(sheet: Sheet, manifest: Manifest) -> None:
    """Add how many findings are open and overdue, by severity, and how many are tolerated."""
    figures = manifest.figures
    sheet.heading("Open findings")
    sheet.table(
        ("", *map(str, WORST_FIRST)),
        [
            ("open", *by_severity(lambda severity: figures.open.get(severity, 0))),
            ("overdue", *by_severity(lambda severity: figures.overdue.get(severity, 0))),
        ],
    )
    lapsed = f"{plural(figures.lapsed_waivers, 'waiver')} lapsed"
    sheet.line(f"{figures.waived:,} waived, {figures.baselined:,} in the baseline; {lapsed}")


def _tell_changes(sheet: Sheet, run: StoredRun, most: int) -> None:
    previous = run.manifest.previous
    if previous is None:
        sheet.heading("The first run of its line")
        return
    sheet.heading(f"Since {previous.run.id[:12]}, {day(previous.run.as_of)} UTC")
    if run.is_pruned:
        for fate, told in _TOLD:
            sheet.line(f"{sum(run.manifest.figures.changes.get(fate.value, {}).values()):,} {told}")
        return
    tracked = run.tracked()
    counts = Counter(one.fate for one in tracked)
    sheet.line(", ".join(f"{counts[fate]:,} {told}" for fate, told in _TOLD))
    for fate, told in _TOLD[:-1]:
        findings(sheet, told, ordered(one for one in tracked if one.fate is fate), most)


def how_many(manifests: Sequence[Manifest]) -> str:
    """Say how many runs there are."""
    return plural(len(manifests), "run")
