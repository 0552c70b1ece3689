"""The flow of a scan: source, inventory, evaluation, triage, verdict. Parses no arguments."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import Location, PolicyError
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import BASIC, TABLES
from scanner.engine.database import Connection, connect, seal
from scanner.engine.forecast import look_ahead
from scanner.engine.intake.fill import Opened, fill, summary_of
from scanner.engine.intake.load import Loaded
from scanner.engine.intake.owners import problems as owner_problems
from scanner.engine.judge.evaluation import Evaluation, evaluated_here
from scanner.engine.judge.facts import EvaluatedFacts
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.groups import groups, organization_shares
from scanner.engine.judge.places import unseen_of
from scanner.engine.judge.prepare import Prepared, columns_read, needs, prepare
from scanner.engine.judge.table import save
from scanner.engine.memory import memory_told
from scanner.gate import Thresholds, judge, remarks, strangers
from scanner.history import keeping
from scanner.inventory.source import Source
from scanner.model.inventory import Needs, Scope
from scanner.model.rule import Policy, Rule
from scanner.model.run import GateSetting, Narrowing, RuleResult, Run, RunInfo
from scanner.model.waiver import Waiver
from scanner.policy.files.locate import unread
from scanner.policy.load import load_policies
from scanner.triage.baseline import BaselineChange, read_baseline, update
from scanner.triage.interface import Sight, TriageRequest
from scanner.triage.owners import check_names, read_owners
from scanner.triage.triage import Triage, Triaged

if TYPE_CHECKING:
    from scanner.engine.remote.interface import DataPlace
    from scanner.history.keeper import HistoryRequest, Keeper


_EVERYTHING: Final = {name: frozenset(table.columns) for name, table in TABLES.items()}


class ScanRequest(msgspec.Struct, frozen=True):
    """All that a scan depends on. `policies` are names, files or directories.

    `gate` is what reports say of the settings that decide; nothing here depends on it. `shown`
    are the owners whose findings reports show: all, where none is named. `policies_place` is the
    line of a file of settings that names the policies. `folder` is an empty one for `Run.table`,
    where that is wanted: the database may write there. `also` tells columns, by table, that are to
    be there for what the rules' remedies need to know. `ahead` is for how many days after as-of to
    look, 0 for none. `elsewhere` is a database that evaluates the rules in place of `source`.
    `digested` is whether the digest of the inventory is told, which may take a third of a scan.
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
    also: Callable[[Sequence[Rule]], Mapping[str, frozenset[str]]] | None = None
    history: "HistoryRequest | None" = None
    ahead: int = 0
    elsewhere: "DataPlace | None" = None
    digested: bool = True


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
    with connect() as connection, memory_told(), keeping(request.history) as keeper:
        prepared = _prepare(connection, rules, triage)
        if request.elsewhere is not None:
            from scanner.engine.remote.scan import evaluated_in  # noqa: PLC0415 - only there

            asked = len(rules), request.scope, request.as_of, triage.owners
            with evaluated_in(request.elsewhere, connection, prepared, *asked) as found:
                seal(connection, request.folder)
                yield _judged(request, started, policies, triage, found, None)
            return
        also = request.also(rules) if request.also else {}
        loaded = fill(
            connection,
            request.source,
            request.scope,
            request.as_of,
            needs(prepared, also),
            # Remedies ask for whole rows of keys.
            _EVERYTHING if request.also else columns_read(prepared),
            triage.owners,
            keeper.keep if keeper else None,
            request.ahead,
            digested=request.digested or keeper is not None,
        )
        seal(connection, request.folder or (keeper.scratch if keeper else None))
        unseen = unseen_of(loaded)
        found = evaluated_here(connection, loaded, unseen, prepared, len(rules), request.as_of)
        yield _judged(request, started, policies, triage, found, keeper)


def _judged(  # noqa: PLR0913, PLR0917 - what the steps before have come to
    request: ScanRequest,
    started: datetime,
    policies: tuple[Policy, ...],
    triage: Triage,
    found: Evaluation,
    keeper: "Keeper | None",
) -> Run:
    """Decide about what was found, and put the result together."""
    connection, loaded, judged = found.connection, found.loaded, found.rules
    rules = [rule for policy in policies for rule in policy.rules]
    needed = frozenset(rule.resource for rule in rules)
    gaps = {name: found.unseen.gaps[name] for name in needed}
    facts = EvaluatedFacts(connection, judged, found.predicates, found.existing)
    sight = Sight(loaded.scope, gaps, loaded.reaches, len(loaded.servers) == 1)
    summary = summary_of(loaded, needed)
    triaged = triage.decide(facts, sight, request.as_of, shared=summary.is_fleet)
    dated = keeper.date(rules, facts, sight, loaded, triaged, request.as_of) if keeper else None
    if dated is not None:
        triaged = msgspec.structs.replace(triaged, decisions=dated.decisions)
    overdue = dated.overdue if dated else None
    results = tuple(triaged.result(o.prepared.rule, o.counts, gaps, overdue) for o in judged)
    ahead = look_ahead(connection, judged, found.predicates, triage, request.as_of, request.ahead)
    findings = Findings(connection, judged, gaps, request.shown)
    narrowing = Narrowing.to(request.shown, results, triaged.owners)
    progress = dated.progress if dated else None
    run = Run(
        info=RunInfo(uuid.uuid4().hex, request.as_of, started, datetime.now(UTC)),
        inventory=summary,
        policies=policies,
        results=results,
        findings=triaged.dispose(findings),
        verdict=judge(summary, results, request.thresholds, triaged.refusals, ahead, progress),
        warnings=_told(request, policies, loaded, triaged, results, narrowing),
        waivers=triaged.waivers,
        fixed=triaged.fixed,
        clear=found.clear,
        gate=_in_slugs(request.gate, loaded.scope),
        rows=findings.rows,
        sample=lambda rule, most: triaged.dispose(findings.first(rule, most)),
        owners=triaged.owners,
        narrowing=narrowing,
        table=_table(findings, triaged, request.folder),
        progress=progress,
        forecast=ahead,
        organizations=organization_shares(
            connection, judged, gaps, triaged.shares, summary, found.counted
        ),
    )
    return _kept(keeper, request, run, triaged, Findings(connection, judged, gaps), sight, loaded)


def _in_slugs(gate: Sequence[GateSetting], scope: Scope) -> tuple[GateSetting, ...]:
    """Return the settings with the slugs that the scan took names of places for.

    Reports that are compared, and evidence, go by what was looked at: not by ids, and each once.
    """
    slugs = {"organizations": scope.organizations, "projects": scope.projects}
    return tuple(
        msgspec.structs.replace(one, value=", ".join(slugs[one.name])) if one.name in slugs else one
        for one in gate
    )


def _told(  # noqa: PLR0913, PLR0917 - whatever has something to tell
    request: ScanRequest,
    policies: Sequence[Policy],
    loaded: Loaded,
    triaged: Triaged,
    results: Sequence[RuleResult],
    narrowing: Narrowing | None,
) -> tuple[str, ...]:
    read = [name for policy in policies for name, _ in policy.sources]
    return (
        *([narrowing.told] if narrowing else []),
        *unread(request.policies, read),
        *(*loaded.warnings, *triaged.warnings),
        *remarks(results, request.thresholds),
        *strangers(request.thresholds, [policy.name for policy in policies]),
    )


def _table(
    findings: Findings, triaged: Triaged, folder: Path | None
) -> Callable[[], Sequence[Path]] | None:
    return partial(save, findings, triaged.decisions, folder) if folder else None


def _kept(  # noqa: PLR0913, PLR0917 - what a history keeps of a scan
    keeper: "Keeper | None",
    request: ScanRequest,
    run: Run,
    triaged: Triaged,
    findings: Findings,
    sight: Sight,
    loaded: Loaded,
) -> Run:
    """Seal the run with all of its `findings`, and return it with what is to be told of that."""
    if keeper is None:
        return run
    whole = msgspec.structs.replace(
        run,
        findings=triaged.dispose(findings),
        narrowing=None,
        warnings=run.warnings[run.narrowing is not None :],
        table=_table(findings, triaged, request.folder or keeper.scratch),
    )
    tallies = groups(findings.connection, findings.evaluated, sight.gaps)
    from scanner.history.seal import SealRequest  # noqa: PLC0415 - only with a history

    told = keeper.seal(SealRequest(whole, sight, loaded, tallies, request.triage, request.params))
    warnings = *run.warnings, *told
    return msgspec.structs.replace(run, warnings=warnings, earlier=keeper.earlier)


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
    with connect() as connection, memory_told():
        asked = scope, as_of, wanted or Needs.of(BASIC), _EVERYTHING, who
        loaded = fill(connection, source, *asked, digested=False)
        seal(connection)
        yield Opened(connection, loaded, unseen_of(loaded))


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
