"""`keypolicy history list` and `show`: the runs that are kept, and one of them."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from scanner.base.text import clean_json, plural
from scanner.cli.history.output import (
    Printout,
    by_severity,
    day,
    folder_of,
    opened,
    print_json,
    warn_of,
)
from scanner.history.choose import choose
from scanner.history.compare.diff import ordered
from scanner.history.folder import REPORT, StoredRun
from scanner.history.manifest import Manifest
from scanner.model.history import Fate, TrackedFinding
from scanner.model.outcome import WORST_FIRST

_HEAD: Final = ("run", "as of", "line", "result", *map(str, WORST_FIRST), "new", "fixed", "overdue")
_TOLD: Final = (
    (Fate.NEW, "new"),
    (Fate.REOPENED, "reopened"),
    (Fate.DEMANDED, "came with a rule"),
    (Fate.FIXED, "fixed"),
    (Fate.RELEASED, "went with a rule"),
    (Fate.UNSEEN, "not looked at"),
)
_MOST: Final = 20


def run(namespace: argparse.Namespace) -> int:
    """List or show."""
    history = opened(folder_of(namespace))
    if namespace.action == "show":
        _show(choose(history, namespace.run), namespace.format)
        return 0
    runs, damage = history.runs()
    warn_of(damage)
    if namespace.format == "json":
        print_json([_summary(run) for run in runs])
        return 0
    page = Printout(namespace.format)
    page.heading(plural(len(runs), "run"))
    if runs:
        page.table(_HEAD, [_row(run.manifest) for run in runs])
    page.print()
    return 0


def _row(manifest: Manifest) -> tuple[str, ...]:
    figures = manifest.figures
    counts = {name: sum(counted.values()) for name, counted in figures.changes.items()}
    return (
        manifest.run.id[:12],
        day(manifest.run.as_of),
        manifest.line,
        manifest.result.value,
        *by_severity(lambda severity: figures.open.get(severity, 0)),
        f"{counts.get('new', 0):,}",
        f"{counts.get('fixed', 0):,}",
        f"{sum(figures.overdue.values()):,}",
    )


def _summary(run: StoredRun) -> dict[str, object]:
    manifest = run.manifest
    return {
        "id": manifest.run.id,
        "folder": run.path.name,
        "as_of": manifest.run.as_of,
        "line": manifest.line,
        "previous": manifest.previous.run.id if manifest.previous else None,
        "tool": manifest.tool,
        "result": manifest.result,
        "exit_code": manifest.exit_code,
        "scope": manifest.looked.scope,
        "organizations": manifest.looked.organizations,
        "policies": [
            {"name": one.name, "version": one.version, "digest": one.digest, "terms": one.terms}
            for one in manifest.policies
        ],
        "figures": manifest.figures,
        "has_inventory": manifest.inventory is not None and not run.is_pruned,
        "pruned": run.is_pruned,
    }


def _show(run: StoredRun, form: str) -> None:
    if form == "json":
        sys.stdout.write(clean_json(run.unpacked(REPORT).decode()))
        return
    manifest = run.manifest
    page = Printout(form)
    page.heading(f"Run {manifest.run.id}")
    page.line(f"as of {day(manifest.run.as_of)} UTC, written by {manifest.tool}, in {run.path}")
    page.line(f"gate {manifest.result.value}, exit code {manifest.exit_code}")
    for policy in manifest.policies:
        page.line(f"policy {policy.name} {policy.version}, SHA-256 {policy.digest}")
    page.line(f"organizations: {', '.join(manifest.looked.organizations) or 'none was told'}")
    for name, table in manifest.looked.tables.items():
        if table.needed:
            page.line(f"{name}: {table.rows:,} rows, {table.coverage.value}")
    figures = manifest.figures
    page.heading("Open findings")
    page.table(
        ("", *map(str, WORST_FIRST)),
        [
            ("open", *by_severity(lambda severity: figures.open.get(severity, 0))),
            ("overdue", *by_severity(lambda severity: figures.overdue.get(severity, 0))),
        ],
    )
    _show_changes(run, page)
    page.print()


def _show_changes(run: StoredRun, page: Printout) -> None:
    previous = run.manifest.previous
    if previous is None:
        page.heading("The first run of its line")
        return
    page.heading(f"Since {previous.run.id[:12]}, {day(previous.run.as_of)} UTC")
    if run.is_pruned:
        for fate, told in _TOLD:
            page.line(f"{sum(run.manifest.figures.changes.get(fate.value, {}).values()):,} {told}")
        return
    tracked = run.tracked()
    counts = Counter(one.fate for one in tracked)
    page.line(", ".join(f"{counts[fate]:,} {told}" for fate, told in _TOLD))
    for fate, told in _TOLD:
        list_findings(page, told, ordered(one for one in tracked if one.fate is fate))


def list_findings(page: Printout, told: str, findings: Sequence[TrackedFinding]) -> None:
    """Add a section with the first of these findings; none where there is none."""
    if not findings:
        return
    page.heading(f"{told[0].upper()}{told[1:]} ({len(findings):,})")
    rows = [
        (
            one.severity.value,
            one.rule,
            one.organization or "",
            one.project or "",
            one.name or one.id,
            one.owner or "",
            day(one.opened)[:10],
            day(one.due)[:10] if one.due else "",
        )
        for one in findings[:_MOST]
    ]
    head = ("severity", "rule", "organization", "project", "resource", "owner", "open since", "due")
    page.table(head, rows)
    if len(findings) > _MOST:
        page.line(f"and {len(findings) - _MOST:,} more: --format json has all")
