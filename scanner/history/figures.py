"""The figures of a run: in come its findings as they were tracked, out comes what a trend needs."""

from collections import Counter
from collections.abc import Mapping, Sequence

from scanner.engine.judge.groups import Groups
from scanner.history.manifest import Figures
from scanner.model.history import Fate, TrackedFinding, unseen_by_severity
from scanner.model.outcome import Disposition, Severity
from scanner.model.run import Run
from scanner.model.waiver import WaiverState
from scanner.report.parts.effect import disposed


def figures(run: Run, findings: Sequence[TrackedFinding], groups: Groups) -> Figures:
    """Return the figures of a run."""
    as_of, rules = run.info.as_of, {result.rule.id for result in run.results}
    changes: dict[str, Counter[Severity]] = {}
    days: dict[Severity, Counter[int]] = {}
    overdue: Counter[Severity] = Counter()
    for one in findings:
        changes.setdefault(one.fate.value, Counter())[one.severity] += 1
        if one.fate is Fate.FIXED and one.days_to_fix is not None:
            days.setdefault(one.severity, Counter())[int(one.days_to_fix)] += 1
        overdue[one.severity] += one.is_overdue(as_of)
    return Figures(
        found=run.found_by_severity(),
        open=run.open_by_severity(),
        waived=disposed(run, Disposition.WAIVED),
        baselined=disposed(run, Disposition.BASELINED),
        lapsed_waivers=sum(use.state is WaiverState.LAPSED for use in run.waivers),
        overdue=_plain(overdue),
        changes={name: _plain(counted) for name, counted in sorted(changes.items())},
        days_to_fix={severity: dict(sorted(some.items())) for severity, some in days.items()},
        organizations=groups.organizations,
        teams=groups.teams,
        unseen=unseen_by_severity(findings, rules),
        unseen_overdue=unseen_by_severity(findings, rules, as_of),
    )


def _plain(counts: Mapping[Severity, int]) -> dict[Severity, int]:
    return {severity: counts[severity] for severity in Severity if counts.get(severity)}
