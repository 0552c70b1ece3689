"""`keypolicy history list` and `show`: the runs that are kept, and one of them."""

import argparse

from scanner.cli.history.output import folder_of, form_of, opened, tell, warn_of, write
from scanner.history.choose import choose
from scanner.history.folder import REPORT, History, StoredRun
from scanner.history.tell.runs import how_many, tell_run, tell_runs
from scanner.report.sheet.sheet import Sheet


def run(namespace: argparse.Namespace) -> int:
    """List or show."""
    form_of(namespace)
    history = opened(folder_of(namespace))
    if namespace.action == "show":
        _show(namespace, history)
        return 0
    runs, damage = history.runs()
    warn_of(damage)

    def put(sheet: Sheet, most: int) -> None:
        del most  # all runs are shown
        manifests = [run.manifest for run in runs]
        sheet.heading(how_many(manifests))
        tell_runs(sheet, manifests)

    tell(namespace, put, lambda: [_summary(run) for run in runs])
    return 0


def _show(namespace: argparse.Namespace, history: History) -> None:
    chosen = choose(history, namespace.run)
    if form_of(namespace) == "json":
        write(namespace, chosen.unpacked(REPORT), is_json=True)
        return
    tell(namespace, lambda sheet, most: tell_run(sheet, chosen, most), lambda: None)


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
