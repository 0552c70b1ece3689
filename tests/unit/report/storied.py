"""The owned run with a history and a forecast: something of every kind that its story tells."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from scanner.model.finding import Due, DueReason, Forecast, Lapse
from scanner.model.history import Fate, GroupTally, HistoryProgress, RunName, TrackedFinding
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Rule
from scanner.model.run import Run, TrendPoint
from tests.unit.report.factory import AS_OF, HOSTILE, RULES, finding
from tests.unit.report.owned import OWNERS, owned_run

DAY = timedelta(days=1)
BEFORE = AS_OF - 7 * DAY

AGE, LIMIT, INACTIVE, NAME, _ = RULES


def tracked(rule: Rule, key: str, fate: Fate = Fate.STILL, **more: Any) -> TrackedFinding:
    """Return a finding as a history carries it; open for thirty days unless it is new."""
    opened = AS_OF if fate in {Fate.NEW, Fate.REOPENED} else AS_OF - 30 * DAY
    project = more.get("project", "web")
    values: dict[str, Any] = {
        "rule": rule.id,
        "severity": rule.severity,
        "outcome": Outcome.FAIL,
        "type": rule.resource,
        "organization": "acme",
        "project": project,
        "project_id": None,
        "id": key * 32,
        "name": f"key-{key}",
        "fingerprint": f"{rule.id}-{key}",
        "first_seen": AS_OF - 30 * DAY,
        "fate": fate,
        "opened": opened,
        "last_seen": AS_OF,
        "owner": OWNERS.get(project),
        "fixed_at": AS_OF if fate is Fate.FIXED else None,
    }
    return TrackedFinding(**{**values, **more})


def progress(*findings: TrackedFinding, before: datetime | None = BEFORE) -> HistoryProgress:
    name = RunName("0" * 32, "folder", before) if before else None
    return HistoryProgress(name, findings)


def due(rule: Rule, key: str, day: int, **more: Any) -> Due:
    """Return what a rule comes to for a key on a day."""
    project = more.pop("project", "web")
    found = finding(rule, key * 32, name=f"key-{key}", project=project)
    return Due(
        day=day,
        at=AS_OF + day * DAY,
        reason=more.pop("reason", DueReason.BREAKS),
        finding=msgspec.structs.replace(found, owner=OWNERS.get(project), **more),
        before=Outcome.PASS,
        was_open=None,
    )


def forecast(run: Run, *dues: Due, days: int = 90, reopens: int = 2) -> Forecast:
    """Return a forecast with the waivers of the run that end within its days."""
    lapses = tuple(
        Lapse(use.waiver, use.days_left + 1, AS_OF + (use.days_left + 1) * DAY, reopens)
        for use in run.waivers
        if 0 <= use.days_left < days
    )
    return Forecast(AS_OF, days, tuple(sorted(dues, key=lambda one: one.day)), lapses, 5, 2)


def point(run: Run, days: int, passed: int, **more: Any) -> TrendPoint:
    """Return a run of so many days ago, in which so many of 64 checks of each control passed."""
    now = run.point
    controls = {
        framework: {one: GroupTally(passed, 64 - passed) for one in requirements}
        for framework, requirements in now.controls.items()
    }
    changes = {"incomplete": frozenset(), "controls": controls, **more}
    return msgspec.structs.replace(now, as_of=AS_OF - days * DAY, **changes)


def storied_run(*shown: str) -> Run:
    """Return the run; with names, only those owners' findings are shown."""
    run = owned_run(*shown)
    late = AS_OF - 2 * DAY
    kept = progress(
        tracked(LIMIT, "1", Fate.NEW, due=AS_OF + 3 * DAY),
        tracked(LIMIT, "2", Fate.NEW, project="mobile", name="iOS", due=AS_OF + 3 * DAY),
        tracked(AGE, "1", due=late),
        tracked(AGE, "4", name="legacy", disposition=Disposition.WAIVED, waiver="legacy-app"),
        tracked(AGE, "6", Fate.REOPENED, reopened=2, outcome=Outcome.UNKNOWN, due=AS_OF + 14 * DAY),
        tracked(INACTIVE, "8", project="retired", organization="globex", due=AS_OF + 60 * DAY),
        tracked(NAME, "a", name=HOSTILE["markup"], project=HOSTILE["bidi"]),
        tracked(AGE, "9", Fate.FIXED, name=HOSTILE["emoji"], is_removed=True),
        tracked(LIMIT, "3", Fate.FIXED, project="mobile"),
        tracked(INACTIVE, "b", Fate.FIXED),
        tracked(NAME, "c", Fate.DEMANDED),
        tracked(NAME, "d", Fate.RELEASED),
        tracked(AGE, "e", Fate.UNSEEN, project="payments"),
    )
    foreseen = forecast(
        run,
        due(AGE, "2", 2, project="mobile"),
        due(AGE, "3", 2),
        due(AGE, "7", 45),
        due(INACTIVE, "5", 80, reason=DueReason.UNCOVERED, waiver="spring"),
    )
    policies = dict.fromkeys(run.point.policies or {}, ("0.9.0", "other"))
    earlier = (
        point(run, 28, 50, found={Severity.HIGH: 9}, open={Severity.HIGH: 9}, policies=policies),
        point(run, 14, 60, found={Severity.HIGH: 8}, open={Severity.HIGH: 5}),
        point(run, 7, 62, found={Severity.HIGH: 7}, open={Severity.HIGH: 5}),
    )
    return msgspec.structs.replace(run, progress=kept, forecast=foreseen, earlier=earlier)
