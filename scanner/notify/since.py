"""What changed since the time before: by a history, else an earlier report, else a baseline.

Two runs of a history, and two JSON reports, are compared as `keypolicy history diff` compares them:
a gap or another policy never looks like a change of the keys.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from scanner.base.errors import KeypolicyError
from scanner.base.scratch import scratch
from scanner.history.compare.diff import diff
from scanner.history.compare.snapshot import Snapshot, of_report, of_run
from scanner.history.folder import History
from scanner.model.history import TrackedFinding, late_by
from scanner.model.outcome import Disposition
from scanner.model.run import Run
from scanner.notify.digest import ScanChanges
from scanner.report import to_file, write_reports


class Known(msgspec.Struct, frozen=True):
    """What a scan can be compared with: a history's folder, earlier JSON reports, a baseline."""

    history: Path | None = None
    earlier: tuple[Path, ...] = ()
    has_baseline: bool = False


def changes_since(run: Run, known: Known) -> ScanChanges | None:
    """Return what changed; None where there is nothing to compare with, or it cannot be read."""
    try:
        if known.history is not None:
            return _in_history(run, History(known.history))
        # A report of some owners' findings, as a narrowed run writes it, lacks those of others.
        if known.earlier and run.narrowing is None:
            return _since_report(run, known.earlier)
    except (KeypolicyError, OSError):
        return None  # the history has told of it already; to tell people once too often is safe
    return _since_baseline(run) if known.has_baseline else None


def _in_history(run: Run, history: History) -> ScanChanges | None:
    before = run.progress.before if run.progress else None
    name = next((one for one in history.names() if one.endswith(run.info.id[:12])), None)
    if before is None or name is None:
        return None
    first, second = of_run(history.run(before.folder)), of_run(history.run(name))
    owners = run.narrowing.owners if run.narrowing else None
    return _between(_owned(first, owners), _owned(second, owners), "the run")


def _owned(snapshot: Snapshot, owners: Sequence[str] | None) -> Snapshot:
    """Return what is these owners' of a snapshot."""
    if owners is None:
        return snapshot
    findings = {name: one for name, one in snapshot.findings.items() if one.owner in owners}
    return msgspec.structs.replace(snapshot, findings=findings)


def _since_report(run: Run, earlier: Sequence[Path]) -> ScanChanges:
    first = max(map(of_report, earlier), key=lambda one: one.point.as_of)
    with scratch() as folder:
        now = folder / "now.json"
        write_reports(run, [to_file(run, now)])
        return _between(first, of_report(now), "the report")


def _between(first: Snapshot, second: Snapshot, against: str) -> ScanChanges:
    found = diff(first, second)
    then, now = first.point.as_of, second.point.as_of
    late = late_by([*first.findings.values(), *first.absent.values()], then)
    return ScanChanges(
        against=against,
        since=then,
        was=first.point.result,
        new=_open(found.new),
        reopened=_open(found.reopened),
        fixed=_open(found.fixed),
        overdue=sum(
            one.is_overdue(now) and (one.rule, one.id) not in late
            for one in second.findings.values()
        ),
        demanded=_open(found.demanded),
        released=_open(found.released),
        uncovered=_open(found.uncovered),
        lapsed=_open(found.lapsed),
        worse=_open(found.worse),
        is_seen_otherwise=_unseen(first) != _unseen(second),
    )


def _open(findings: Iterable[TrackedFinding]) -> int:
    return sum(one.disposition is Disposition.OPEN for one in findings)


def _unseen(snapshot: Snapshot) -> set[tuple[str, str | None, str | None]]:
    """Return what of which table could not be seen; why may be told otherwise each time."""
    parts = {
        (table, gap.organization, gap.project)
        for table, gaps in snapshot.gaps.items()
        for gap in gaps
    }
    return parts | {(table, "", "") for table in snapshot.point.incomplete or ()}


def _since_baseline(run: Run) -> ScanChanges:
    """Hold the scan against what was known: all that is open is new, whenever it came."""
    seen = sum(result.open_findings - result.unseen for result in run.results)
    return ScanChanges(
        against="the baseline", new=seen, fixed=len(run.fixed), is_seen_otherwise=_is_partial(run)
    )


def _is_partial(run: Run) -> bool:
    return any(result.unseen for result in run.results)
