"""The flow of a scan: what is told first, what is fetched at all, and what becomes of gaps."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from scanner.base.errors import FetchError, InventoryFileError, PolicyError
from scanner.catalogue import BASIC
from scanner.engine.intake.export import fetch
from scanner.gate import Thresholds
from scanner.inventory.file import FileSource
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Inventory, Layout, Needs, RawInput, Scope
from scanner.model.outcome import Disposition, Outcome
from scanner.pipeline import ScanRequest, check_waivers, new_baseline, open_inventory, scan
from scanner.triage.baseline import render
from scanner.triage.interface import TriageRequest

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = [
    {"id": "a", "name": "old", "isActive": True, "dateCreated": "2020-01-01T00:00:00Z"},
    {"id": "b", "name": "new", "isActive": True, "dateCreated": "2026-05-01T00:00:00Z"},
    {"id": "c", "name": "none", "isActive": True},
]
POLICY = """
policy: mine
version: 1.0.0
title: T
rules:
  - {id: age, title: A, resource: sentry_key, severity: high, check: {max_age: 90d}}
"""


class Recorded:
    """A source that notes what it was asked for, and delivers keys, a gap, or an error."""

    def __init__(self, gaps: Sequence[Gap] = (), error: Exception | None = None) -> None:
        self.asked: list[tuple[Scope, Needs]] = []
        self._gaps = tuple(gaps)
        self._error = error

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        self.asked.append((scope, needs))
        if self._error:
            raise self._error
        path = workspace / "inventory.jsonl"
        state = CoverageState.PARTIAL if self._gaps else CoverageState.COMPLETE
        reason = self._gaps[0].reason if self._gaps else ""
        with Spool(path, sources=("here",), server=None, scope=scope) as spool:
            for key in KEYS:
                spool.add("sentry_key", dict(key), organization="acme", project="web")
            spool.finish({"sentry_key": TableCoverage(state, reason, self._gaps, rows=len(KEYS))})
        return Inventory((RawInput(path, Layout.INVENTORY_LINES, label="here"),), ("here",))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(POLICY)
    return path


def request(source: object, policy: Path, **more: object) -> ScanRequest:
    return ScanRequest(
        source=source,  # type: ignore[arg-type]  # what it delivers is the test's
        scope=Scope(),
        policies=(str(policy),),
        params={},
        as_of=AS_OF,
        thresholds=Thresholds(),
        **more,  # type: ignore[arg-type]  # the test's
    )


def test_outcomes_counts_and_verdict_come_together(policy: Path) -> None:
    with scan(request(Recorded(), policy)) as run:
        found = {(one.resource.id, one.outcome) for one in run.findings}
        assert found == {("a", Outcome.FAIL), ("c", Outcome.UNKNOWN)}
        (result,) = run.results
        assert (result.passed, result.open_findings, run.verdict.exit_code) == (1, 2, 1)
        assert run.inventory.tables["sentry_key"].rows == len(KEYS)


def test_only_what_the_rules_read_is_asked_for(policy: Path) -> None:
    source = Recorded()
    with scan(request(source, policy)):
        pass
    ((_, needs),) = source.asked
    assert "sentry_key" in needs.columns
    assert "sentry_token" not in needs.columns


@pytest.mark.parametrize(
    "broken",
    ["require: nme = 'x'", "check: {max_aeg: 90d}", "require: (select 1) = 1", "check: 7"],
)
def test_nothing_is_fetched_for_a_broken_policy(policy: Path, broken: str) -> None:
    policy.write_text(POLICY.replace("check: {max_age: 90d}", broken))
    source = Recorded()
    with pytest.raises(PolicyError), scan(request(source, policy)):
        pass
    assert source.asked == []


def test_nothing_is_fetched_for_broken_waivers(policy: Path, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("waivers: [{id: w, rule: no-such-rule}]")
    source = Recorded()
    asked = request(source, policy, triage=TriageRequest(waivers=waivers))
    with pytest.raises(PolicyError), scan(asked):
        pass
    assert source.asked == []
    with pytest.raises(PolicyError):
        check_waivers(TriageRequest(waivers=waivers), [str(policy)], {})


def test_the_error_of_a_source_is_passed_on(policy: Path) -> None:
    source = Recorded(error=FetchError("nothing to see", where="there", remedy="Look again."))
    with pytest.raises(FetchError, match="nothing to see"), scan(request(source, policy)):
        pass


def test_a_gap_is_a_finding_that_no_threshold_hides(policy: Path) -> None:
    gap = Gap("no right to read app", "acme", "app")
    with scan(request(Recorded([gap]), policy)) as run:
        unseen = [one for one in run.findings if not one.resource.id]
        assert [(one.outcome, one.resource.project) for one in unseen] == [(Outcome.UNKNOWN, "app")]
        assert run.verdict.exit_code == 3


def test_two_reasons_of_one_place_are_one_finding(policy: Path) -> None:
    gaps = [Gap("first", "acme", "app"), Gap("second", "acme", "app")]
    with scan(request(Recorded(gaps), policy)) as run:
        (result,) = run.results
        assert result.unseen == 1


def test_the_database_is_sealed(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with open_inventory(Recorded(), Scope(), AS_OF) as opened:
        for statement in (f"FROM '{tmp_path}/secret.csv'", "SET threads = 1"):
            with pytest.raises(duckdb.Error):
                opened.connection.execute(statement)


def test_a_query_loads_all_columns_of_all_tables() -> None:
    source = Recorded()
    with open_inventory(source, Scope(), AS_OF) as opened:
        rows = opened.connection.execute("SELECT id, dsn FROM sentry_key ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["a", "b", "c"]
    assert source.asked[0][1].columns.keys() == set(BASIC)


def test_a_wrong_record_is_diagnosed(policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps([{**KEYS[0], "public": "x", "isActive": "yes"}]))
    source = FileSource([path], ("acme",), ("web",), None)
    with pytest.raises(InventoryFileError, match="isActive"), scan(request(source, policy)):
        pass


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
def test_what_is_fetched_can_be_scanned(policy: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"saved.{suffix}"
    work = tmp_path / "work"
    work.mkdir()
    coverage, _ = fetch(Recorded(), Scope(), Needs.of(BASIC), work, output)
    assert coverage["sentry_key"].state is CoverageState.COMPLETE
    with scan(request(FileSource([output], (), (), None), policy)) as run:
        assert sum(1 for _ in run.findings) == 2


def test_a_baseline_holds_what_is_open_and_takes_it_out(policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    change = new_baseline(request(Recorded(), policy), path, grow=True, prune=False)
    assert (len(change.known), change.added, change.removed) == (2, 2, 0)
    path.write_bytes(b"".join(render(change.known)))
    with scan(request(Recorded(), policy, triage=TriageRequest(baseline=path))) as run:
        assert run.verdict.exit_code == 0
        assert {one.disposition for one in run.findings} == {Disposition.BASELINED}


def test_there_is_a_table_only_where_a_folder_is_given_for_it(policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    change = new_baseline(request(Recorded(), policy), path, grow=True, prune=False)
    path.write_bytes(b"".join(render(change.known)))
    folder = tmp_path / "table"
    folder.mkdir()
    triage = TriageRequest(baseline=path)
    with scan(request(Recorded(), policy, triage=triage)) as run:
        assert run.table is None
    with scan(request(Recorded(), policy, triage=triage, folder=folder)) as run:
        assert run.table is not None
        (file,) = run.table()
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT resource_id, disposition FROM '{file}'").fetchall()
        assert rows == [(one.resource.id, one.disposition) for one in run.findings]
        assert {disposition for _, disposition in rows} == {"baselined"}
