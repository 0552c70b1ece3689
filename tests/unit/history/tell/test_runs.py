from datetime import timedelta
from pathlib import Path

import msgspec

from scanner.history.folder import History, StoredRun
from scanner.history.manifest import Manifest, PreviousRun
from scanner.history.prune import prune
from scanner.history.tell.runs import how_many, tell_run, tell_runs
from scanner.model.history import Fate
from scanner.model.outcome import Severity
from scanner.model.run import GateResult
from scanner.report.sheet.lines import terminal
from scanner.report.sheet.sheet import Sheet, SheetTable
from tests.unit.history.factory import DAY, manifest, stored, tracked


def table(manifests: list[Manifest], *, linked: bool = False) -> SheetTable:
    sheet = Sheet()
    sheet.heading("Runs")
    links = (lambda one: (f"runs/{one.run.id}.html", "changes.html")) if linked else None
    tell_runs(sheet, manifests, links)
    (found,) = sheet.sections[0].blocks
    assert isinstance(found, SheetTable)
    return found


def test_a_run_is_a_row_with_its_figures() -> None:
    made = manifest()
    figures = msgspec.structs.replace(
        made.figures,
        overdue={Severity.HIGH: 2},
        changes={"new": {Severity.HIGH: 1_000}, "fixed": {Severity.LOW: 3, Severity.HIGH: 4}},
    )
    found = table([msgspec.structs.replace(made, figures=figures)])
    told = dict(zip(found.head, found.rows[0], strict=True))
    assert {name: cell.text for name, cell in told.items()} == {
        "run": made.run.id[:12],
        "as of": "2026-06-01 00:00",
        "line": made.line,
        "result": "failed",
        "critical": "0",
        "high": "1",
        "medium": "0",
        "low": "0",
        "new": "1,000",
        "fixed": "7",
        "overdue": "2",
        "seen": "whole",
    }
    assert told["result"].look == "failed"
    assert "as of" not in {found.head[at] for at in found.minor}


def test_a_site_leads_to_reports_and_changes() -> None:
    found = table([manifest()], linked=True)
    told = dict(zip(found.head, found.rows[0], strict=True))
    assert told["as of"].href.startswith("runs/")
    assert (told["changes"].text, told["changes"].href) == ("changes", "changes.html")


def test_runs_stay_in_the_order_that_they_are_given_in() -> None:
    several = [manifest(number, DAY + timedelta(days=number)) for number in (3, 1, 2)]
    assert [row[1].text[:10] for row in table(several).rows] == [
        *("2026-06-04", "2026-06-02", "2026-06-03"),
    ]
    assert how_many(several) == "3 runs"
    assert how_many(several[:1]) == "1 run"


def test_no_run_is_no_table() -> None:
    sheet = Sheet()
    tell_runs(sheet, [])
    assert not sheet.sections


def kept(folder: Path, previous: PreviousRun | None = None) -> StoredRun:
    """Return a run with one finding of each fate."""
    findings = [tracked(fate.value, fate=fate) for fate in Fate]
    path = stored(folder / "past", manifest(2, previous=previous), findings)
    return History(path.parent).run(path.name)


def told(run: StoredRun) -> list[str]:
    sheet = Sheet()
    tell_run(sheet, run)
    assert sheet.result is GateResult.FAILED
    return list(terminal(sheet))


def test_the_first_run_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    lines = told(kept(tmp_path))
    assert lines[0] == f"Run {manifest(2).run.id}"
    assert "  gate failed, exit code 1" in lines
    assert "  sentry_key: 10 rows, complete" in lines
    assert "  0 waived, 0 in the baseline; 0 waivers lapsed" in lines
    assert "The first run of its line" in lines


def test_what_changed_is_told_by_fate_and_of_a_pruned_run_by_number(tmp_path: Path) -> None:
    before = PreviousRun(manifest(1).name, "d")
    run = kept(tmp_path, previous=before)
    lines = told(run)
    counts = "1 new, 1 reopened, 1 came with a rule, 1 fixed, 1 went with a rule, 1 not looked at"
    assert f"  {counts}, 1 still there" in lines
    assert "Not looked at (1)" in lines
    assert "Still there (1)" not in lines
    stored(tmp_path / "past", manifest(3, DAY + timedelta(days=1)))  # the last one stays whole
    prune(History(tmp_path / "past"), DAY + timedelta(days=900), inventory_only=False)
    lines = told(History(tmp_path / "past").run(run.path.name))
    assert "  1 new" in lines
    assert "  0 fixed" in lines
