"""The flow of a scan: source, inventory, evaluation, triage, verdict. Parses no arguments."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from scanner.base.errors import Location, PolicyError
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import BASIC, TABLES
from scanner.engine.database import Connection, connect, seal
from scanner.engine.intake.export import to_parquet
from scanner.engine.intake.load import Loaded, load
from scanner.engine.intake.owners import assign, with_teams
from scanner.engine.intake.owners import problems as owner_problems
from scanner.engine.intake.reader import BadInputError, read_envelope
from scanner.engine.judge.clear import ClearPlaces
from scanner.engine.judge.evaluate import Evaluated, evaluate
from scanner.engine.judge.facts import EvaluatedFacts
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.places import Unseen, unseen_of
from scanner.engine.judge.prepare import Prepared, heavy_columns, needs, prepare
from scanner.engine.judge.table import save
from scanner.engine.memory import memory_told
from scanner.gate import Thresholds, judge, remarks, strangers
from scanner.inventory.source import Source
from scanner.inventory.spool import copy_inventory
from scanner.model.coverage import Gap, TableCoverage
from scanner.model.inventory import Needs, Scope
from scanner.model.outcome import Disposition, Outcome
from scanner.model.owner import Owners
from scanner.model.rule import Policy, Rule
from scanner.model.run import (
    GateSetting,
    InventorySummary,
    Narrowing,
    RuleResult,
    Run,
    RunInfo,
    TableSummary,
)
from scanner.model.waiver import Waiver
from scanner.policy.load import load_policies
from scanner.triage.baseline import BaselineChange, read_baseline, update
from scanner.triage.interface import Sight, TriageRequest
from scanner.triage.owners import check_names, read_owners
from scanner.triage.triage import Triage, Triaged


class ScanRequest(msgspec.Struct, frozen=True):
    """All that a scan depends on. `policies` are names, files or directories.

    `gate` is what reports say of the settings that decide; nothing here depends on it. `shown`
    are the owners whose findings reports show: all, where none is named. `policies_place` is the
    line of a file of settings that names the policies. `folder` is an empty one for `Run.table`,
    where that is wanted: the database may write there. `ahead` is for how many days after as-of
    to look, 0 for none.
    """

    source: Source
    scope: Scope
    policies: tuple[str, ...]
    params: Mapping[str, str]
    as_of: datetime
    thresholds: Thresholds
    triage: TriageRequest = TriageRequest()
    gate: tuple[GateSetting, ...] = ()
    shown: tuple[str, ...] = ()
    policies_place: Location | None = None
    folder: Path | None = None
    ahead: int = 0

    @property
    def until(self) -> datetime | None:
        """The last moment that is looked at, None where that is as-of."""
        return self.as_of + timedelta(days=self.ahead) if self.ahead else None


@contextmanager
def scan(request: ScanRequest) -> Iterator[Run]:
    """Scan, and give the result while its database is open: findings stream out of it.

    Raises PolicyError before anything is fetched (also for waivers and a baseline), FetchError
    where nothing could be seen, and InventoryFileError for a bad file.
    """
    started = datetime.now(UTC)
    policies = load_policies(request.policies, request.params, request.policies_place)
    rules = [rule for policy in policies for rule in policy.rules]
    triage = Triage(request.triage, policies)
    check_names(request.shown, triage.owners)
    with connect() as connection, memory_told():
        prepared = _prepare(connection, rules, triage)
        loaded = _fill(
            connection,
            request.source,
            request.scope,
            request.as_of,
            needs(prepared),
            heavy_columns(prepared),
            triage.owners,
            request.until,
        )
        seal(connection, request.folder)
        opened = Opened(connection, loaded, unseen_of(loaded, request.scope))
        yield _judged(request, started, policies, triage, opened, prepared)


def _judged(  # noqa: PLR0913, PLR0917 - what the steps before have come to
    request: ScanRequest,
    started: datetime,
    policies: tuple[Policy, ...],
    triage: Triage,
    opened: "Opened",
    prepared: Sequence[Prepared],
) -> Run:
    """Evaluate, decide about what was found, and put the result together."""
    folder = request.folder
    connection, loaded, unseen = opened.connection, opened.loaded, opened.unseen
    rules = [rule for policy in policies for rule in policy.rules]
    needed = frozenset(rule.resource for rule in rules)
    gaps = {name: unseen.gaps[name] for name in needed}
    evaluated = evaluate(connection, prepared, request.as_of, unseen)
    # Waivers' predicates come after the rules.
    judged, predicates = evaluated[: len(rules)], evaluated[len(rules) :]
    triaged = triage.decide(
        EvaluatedFacts(connection, judged, predicates),
        Sight(request.scope, gaps, loaded.reaches),
        request.as_of,
    )
    results = tuple(_result(one, gaps, triaged) for one in judged)
    forecast = None
    if request.ahead:
        from scanner.engine.forecast.ahead import look_ahead  # noqa: PLC0415 - few scans ask for it

        forecast = look_ahead(
            connection, judged, predicates, triage, request.as_of, request.ahead
        )
    summary = _summary(loaded, needed)
    findings = Findings(connection, judged, gaps, request.shown)
    narrowing = Narrowing.to(request.shown, results, triaged.owners)
    return Run(
        info=RunInfo(uuid.uuid4().hex, request.as_of, started, datetime.now(UTC)),
        inventory=summary,
        policies=policies,
        results=results,
        findings=triaged.dispose(findings),
        verdict=judge(summary, results, request.thresholds, triaged.refusals, forecast),
        warnings=(
            *([narrowing.told] if narrowing else []),
            *loaded.warnings,
            *triaged.warnings,
            *remarks(results, request.thresholds),
            *strangers(request.thresholds, [policy.name for policy in policies]),
        ),
        waivers=triaged.waivers,
        fixed=triaged.fixed,
        clear=ClearPlaces(connection, judged),
        gate=request.gate,
        sample=lambda rule, most: triaged.dispose(findings.first(rule, most)),
        owners=triaged.owners,
        narrowing=narrowing,
        table=partial(save, findings, triaged.decisions, folder) if folder else None,
        forecast=forecast,
    )


def check_waivers(
    request: TriageRequest,
    policies: Sequence[str],
    params: Mapping[str, str],
    draft: YamlFile | None = None,
) -> tuple[Waiver, ...]:
    """Return the waivers of a file, or of `draft`, held against policies without an inventory.

    Raises PolicyError with every problem in it.
    """
    loaded = load_policies(policies, params)
    triage = Triage(request, loaded, draft)
    with connect() as connection:
        _prepare(connection, [rule for policy in loaded for rule in policy.rules], triage)
    return triage.waivers


def new_baseline(request: ScanRequest, path: Path, *, grow: bool, prune: bool) -> BaselineChange:
    """Scan, and return what the baseline at `path`, which may not exist yet, is to hold.

    Raises as `scan` does. For `grow` and `prune` see triage.baseline.update.
    """
    before = read_baseline(path) if os.path.lexists(path) else {}
    triage = msgspec.structs.replace(request.triage, baseline=path if before else None)
    with scan(msgspec.structs.replace(request, triage=triage)) as run:
        return update(before, run, grow=grow, prune=prune)


def fetch(
    source: Source, scope: Scope, wanted: Needs, workspace: Path, output: Path
) -> tuple[dict[str, TableCoverage], tuple[str, ...]]:
    """Collect an inventory and save it under `output`; returns its coverage and warnings.

    The suffix chooses the form: .jsonl, .json or .parquet. Raises FetchError where nothing could
    be seen, UsageError where the file cannot be written.
    """
    inventory = source.collect(scope, wanted, workspace)
    (raw,) = inventory.inputs
    with connect() as connection:
        ending = read_envelope(connection, raw).ending
    if output.suffix == ".parquet":
        to_parquet(raw, output)
    else:
        copy_inventory(raw.path, output)
    return ending.coverage, inventory.warnings


class Opened(msgspec.Struct, frozen=True):
    """An inventory in its database, what is in it, and what its tables may lack."""

    connection: Connection
    loaded: Loaded
    unseen: Unseen


@contextmanager
def open_inventory(
    source: Source,
    scope: Scope,
    as_of: datetime,
    wanted: Needs | None = None,
    owners: Path | None = None,
) -> Iterator[Opened]:
    """Load every table with all of its columns, for queries; the database is sealed.

    `wanted` tells a live source what to ask for; without it, the basic tables. `owners` is the
    file that says who owns what; raises PolicyError for what is wrong with it.
    """
    who = None if owners is None else read_owners(owners).owners
    heavy = {
        name: frozenset(c for c, spec in table.columns.items() if spec.heavy)
        for name, table in TABLES.items()
    }
    with connect() as connection, memory_told():
        loaded = _fill(connection, source, scope, as_of, wanted or Needs.of(BASIC), heavy, who)
        seal(connection)
        yield Opened(connection, loaded, unseen_of(loaded, scope))


def _fill(  # noqa: PLR0913, PLR0917 - the one place where a source meets the database
    connection: Connection,
    source: Source,
    scope: Scope,
    as_of: datetime,
    wanted: Needs,
    heavy: Mapping[str, frozenset[str]],
    owners: Owners | None,
    until: datetime | None = None,
) -> Loaded:
    with TemporaryDirectory(prefix="keypolicy-") as workspace:
        inventory = source.collect(scope, with_teams(wanted, owners), Path(workspace))
        try:
            loaded = load(connection, inventory, scope, as_of, heavy, until)
        except BadInputError as error:
            # Imported here: only needed to say what is wrong with a file.
            from scanner.inventory.diagnose import diagnose_inputs  # noqa: PLC0415

            raise diagnose_inputs(error.inputs, error.message) from error
    if owners is None:
        return loaded
    warnings = (*loaded.warnings, *assign(connection, owners))
    return msgspec.structs.replace(loaded, warnings=warnings)


def _prepare(connection: Connection, rules: Sequence[Rule], triage: Triage) -> tuple[Prepared, ...]:
    """Prepare the rules and then the waivers' predicates; all problems are told at once."""
    problems = list(triage.problems)
    prepared: tuple[Prepared, ...] = ()
    try:
        prepared = prepare(connection, [*rules, *triage.predicates])
    except PolicyError as error:
        problems += error.problems
    if triage.owners is None:
        problems += owner_problems(prepared)
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.location))
    return prepared


def _result(one: Evaluated, gaps: Mapping[str, tuple[Gap, ...]], triaged: Triaged) -> RuleResult:
    rule = one.prepared.rule
    unseen = len(gaps[rule.resource])
    tally = {
        (outcome, Disposition.OPEN): one.counts.get(outcome, 0)
        for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)
    }
    if rule.id in triaged.tallies:
        tally = dict.fromkeys(tally, 0) | dict(triaged.tallies[rule.id])
    # What was not seen is neither waived nor known: it is always open.
    tally[Outcome.UNKNOWN, Disposition.OPEN] += unseen
    return RuleResult(
        rule=rule,
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
    return InventorySummary(loaded.sources, tables, loaded.digest, loaded.organizations)
