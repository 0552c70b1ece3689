"""The flow of a scan: source, inventory, evaluation, triage, verdict. Parses no arguments."""

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scanner.engine.database import Connection, connect, seal
from scanner.engine.evaluate import Evaluated, evaluate
from scanner.engine.export import to_parquet
from scanner.engine.findings import Findings
from scanner.engine.load import Loaded, load
from scanner.engine.prepare import heavy_columns, prepare
from scanner.engine.reader import BadInputError, read_envelope
from scanner.gate import Thresholds, judge
from scanner.inventory.sources.interface import Source
from scanner.inventory.spool import copy_inventory
from scanner.inventory.tables import TABLES
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Scope
from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import InventorySummary, RuleResult, Run, RunInfo, TableSummary
from scanner.policy.load import load_policies
from scanner.triage.fingerprint import fingerprint


class ScanRequest(msgspec.Struct, frozen=True):
    """All that a scan depends on. `policies` are names, files or directories."""

    source: Source
    scope: Scope
    policies: tuple[str, ...]
    params: Mapping[str, str]
    as_of: datetime
    thresholds: Thresholds


@contextmanager
def scan(request: ScanRequest) -> Iterator[Run]:
    """Scan, and give the result while its database is open: findings stream out of it.

    Raises PolicyError before anything is fetched, FetchError where nothing could be seen, and
    InventoryFileError for a bad file.
    """
    started = datetime.now(UTC)
    policies = load_policies(request.policies, request.params)
    rules = [rule for policy in policies for rule in policy.rules]
    with connect() as connection:
        prepared = prepare(connection, rules)
        needed = frozenset(rule.resource for rule in rules)
        loaded = _fill(
            connection,
            request.source,
            request.scope,
            request.as_of,
            needed,
            heavy_columns(prepared),
        )
        seal(connection)
        evaluated = evaluate(connection, prepared, request.as_of)
        gaps = {name: _gaps(loaded.coverage[name]) for name in needed}
        results = tuple(_result(one, gaps) for one in evaluated)
        summary = _summary(loaded, needed)
        yield Run(
            info=RunInfo(uuid.uuid4().hex, request.as_of, started, datetime.now(UTC)),
            inventory=summary,
            policies=policies,
            results=results,
            findings=Findings(connection, evaluated, gaps, fingerprint),
            verdict=judge(summary, results, request.thresholds),
            warnings=loaded.warnings,
        )


def fetch(
    source: Source, scope: Scope, tables: frozenset[str], workspace: Path, output: Path
) -> dict[str, TableCoverage]:
    """Collect an inventory and save it under `output`; returns the coverage of its tables.

    The suffix chooses the form: .jsonl, .json or .parquet. Raises FetchError where nothing could
    be seen, UsageError where the file cannot be written.
    """
    inventory = source.collect(scope, tables, workspace)
    (raw,) = inventory.inputs
    with connect() as connection:
        _, ending = read_envelope(connection, raw)
    if output.suffix == ".parquet":
        to_parquet(raw, output)
    else:
        copy_inventory(raw.path, output)
    return ending.coverage


@contextmanager
def open_inventory(source: Source, scope: Scope, as_of: datetime) -> Iterator[Connection]:
    """Load every table with all of its columns, for queries; the database is sealed."""
    heavy = {
        name: frozenset(c for c, spec in table.columns.items() if spec.heavy)
        for name, table in TABLES.items()
    }
    with connect() as connection:
        _fill(connection, source, scope, as_of, frozenset(TABLES), heavy)
        seal(connection)
        yield connection


def _fill(  # noqa: PLR0913, PLR0917 - the one place where a source meets the database
    connection: Connection,
    source: Source,
    scope: Scope,
    as_of: datetime,
    needed: frozenset[str],
    heavy: Mapping[str, frozenset[str]],
) -> Loaded:
    with tempfile.TemporaryDirectory(prefix="keypolicy-") as workspace:
        inventory = source.collect(scope, needed, Path(workspace))
        try:
            return load(connection, inventory, scope, as_of, heavy)
        except BadInputError as error:
            # Imported here: only needed to say what is wrong with a file.
            from scanner.inventory.diagnose import diagnose_inputs  # noqa: PLC0415

            raise diagnose_inputs(error.inputs, error.message) from error


def _gaps(coverage: TableCoverage) -> tuple[Gap, ...]:
    """Return what was not seen; a table that lacks as a whole is one gap."""
    if coverage.state is CoverageState.COMPLETE:
        return ()
    return tuple(dict.fromkeys(coverage.gaps)) or (Gap(coverage.reason),)


def _result(one: Evaluated, gaps: Mapping[str, tuple[Gap, ...]]) -> RuleResult:
    unseen = len(gaps[one.prepared.rule.resource])
    tally = {
        (outcome, Disposition.OPEN): one.counts.get(outcome, 0) + extra
        for outcome, extra in ((Outcome.FAIL, 0), (Outcome.UNKNOWN, unseen), (Outcome.ERROR, 0))
    }
    return RuleResult(
        rule=one.prepared.rule,
        passed=one.counts.get(Outcome.PASS, 0),
        not_applicable=one.counts.get(Outcome.NOT_APPLICABLE, 0),
        unseen=unseen,
        tally=tally,
    )


def _summary(loaded: Loaded, needed: frozenset[str]) -> InventorySummary:
    tables = {
        name: TableSummary(loaded.rows[name], loaded.coverage[name], name in needed)
        for name in TABLES
    }
    return InventorySummary(loaded.sources, tables, loaded.digest)
