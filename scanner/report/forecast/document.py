"""The forecast as JSON: `Run.forecast` goes in, the document and its JSON Schema come out."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from scanner import __version__
from scanner.model.finding import Due, DueReason, Forecast, Lapse, Resource
from scanner.model.moment import utc_day
from scanner.model.outcome import Outcome, Severity
from scanner.model.run import Run

SCHEMA_VERSION: Final = "1"
KIND: Final = "keypolicy-forecast"


class ForecastPolicy(msgspec.Struct, frozen=True):
    """A policy that the forecast is about."""

    name: str
    version: str
    digest: str


class ForecastWeek(msgspec.Struct, frozen=True):
    """What falls due in a week, which `starts` on a Monday."""

    starts: date
    due: int
    waivers: int


class ForecastProject(msgspec.Struct, frozen=True):
    """What falls due in a project, the first of it on `next`."""

    organization: str | None
    project: str | None
    due: int
    next: date


class ForecastDue(msgspec.Struct, frozen=True, kw_only=True):
    """A finding and the first day on which it is open and worse than before; times are in UTC.

    `before` is the outcome at as-of. With the reason `uncovered` the rule is broken already, and
    what tolerated that, such as `waiver`, ends. `evidence` and `message` are those of the day.
    """

    uid: str
    day: int
    date: date
    at: datetime
    reason: DueReason
    rule_id: str
    policy: str
    severity: Severity
    outcome: Outcome
    before: Outcome
    message: str
    resource: Resource
    evidence: dict[str, Any]
    fingerprint: str
    waiver: str | None
    owner: str | None


class ForecastWaiver(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver that ends: `date` is the first day without it, `reopens` findings come back."""

    uid: str
    id: str
    owner: str
    day: int
    date: date
    reopens: int


class ForecastDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What falls due in so many days, if nothing changes but the time; soonest first.

    `incomplete` says what the inventory lacks; nothing is foretold of that. `moving_rules` of the
    `rules` depend on the time at all.
    """

    tool_version: str
    as_of: datetime
    until: datetime
    days: int
    sources: tuple[str, ...]
    policies: tuple[ForecastPolicy, ...]
    incomplete: tuple[str, ...]
    rules: int
    moving_rules: int
    by_severity: dict[Severity, int]
    by_week: tuple[ForecastWeek, ...]
    by_project: tuple[ForecastProject, ...]
    due: tuple[ForecastDue, ...]
    waivers: tuple[ForecastWaiver, ...]


def due_uid(due: Due) -> str:
    """Return what a due finding is called in calendars: the same from one forecast to the next."""
    return f"{due.finding.fingerprint}-{due.finding.outcome}@keypolicy"


def lapse_uid(lapse: Lapse) -> str:
    """Return what the end of a waiver is called in calendars; ids of waivers are plain letters."""
    return f"waiver-{lapse.waiver.id}@keypolicy"


def incomplete(run: Run) -> tuple[str, ...]:
    """Say of each table that was not seen whole what is missing; nothing is foretold of that."""
    return tuple(
        f"{name} is {coverage.state.value}: {coverage.reason}"
        for name, coverage in run.inventory.incomplete.items()
    )


def weeks(forecast: Forecast) -> tuple[ForecastWeek, ...]:
    """Count what falls due by week."""
    dues = Counter(monday(one.at) for one in forecast.dues)
    lapses = Counter(monday(one.at) for one in forecast.lapses)
    return tuple(ForecastWeek(day, dues[day], lapses[day]) for day in sorted({*dues, *lapses}))


def projects(dues: Iterable[Due]) -> tuple[ForecastProject, ...]:
    """Count what falls due by project, that with the most first."""
    first: dict[tuple[str | None, str | None], date] = {}
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for one in dues:
        place = one.finding.resource.organization, one.finding.resource.project
        counts[place] += 1
        first.setdefault(place, utc_day(one.at))
    return tuple(
        ForecastProject(*place, number, first[place])
        for place, number in sorted(
            counts.items(), key=lambda one: (-one[1], one[0][0] or "", one[0][1] or "")
        )
    )


def monday(moment: datetime) -> date:
    """Return the first day, in UTC, of the week that a time is in."""
    day = utc_day(moment)
    return day - timedelta(days=day.weekday())


def document(run: Run, forecast: Forecast) -> bytes:
    """Return the forecast of a run as JSON."""
    severities = Counter(one.finding.severity for one in forecast.dues)
    made = ForecastDocument(
        tool_version=__version__,
        as_of=forecast.as_of.astimezone(UTC),
        until=(forecast.as_of + timedelta(days=forecast.days)).astimezone(UTC),
        days=forecast.days,
        sources=run.inventory.sources,
        policies=tuple(ForecastPolicy(one.name, one.version, one.digest) for one in run.policies),
        incomplete=incomplete(run),
        rules=forecast.rules,
        moving_rules=forecast.moving_rules,
        by_severity={severity: severities[severity] for severity in Severity},
        by_week=weeks(forecast),
        by_project=projects(forecast.dues),
        due=tuple(map(_due, forecast.dues)),
        waivers=tuple(map(_waiver, forecast.lapses)),
    )
    head = {"schema_version": SCHEMA_VERSION, "kind": KIND}
    return json.dumps(head | msgspec.to_builtins(made), indent=2).encode() + b"\n"


def _due(one: Due) -> ForecastDue:
    finding = one.finding
    return ForecastDue(
        uid=due_uid(one),
        day=one.day,
        date=utc_day(one.at),
        at=one.at.astimezone(UTC),
        reason=one.reason,
        rule_id=finding.rule_id,
        policy=finding.policy,
        severity=finding.severity,
        outcome=finding.outcome,
        before=one.before,
        message=finding.message,
        resource=finding.resource,
        evidence=msgspec.json.decode(finding.evidence),
        fingerprint=finding.fingerprint,
        waiver=finding.waiver,
        owner=finding.owner,
    )


def _waiver(one: Lapse) -> ForecastWaiver:
    return ForecastWaiver(
        uid=lapse_uid(one),
        id=one.waiver.id,
        owner=one.waiver.owner,
        day=one.day,
        date=utc_day(one.at),
        reopens=one.reopens,
    )


def forecast_schema() -> str:
    """Return the JSON Schema of the document, as it ships in scanner/schemas."""
    schema: dict[str, Any] = msgspec.json.schema(ForecastDocument)
    for definition in schema["$defs"].values():
        definition.pop("title", None)
    made = schema["$defs"]["ForecastDocument"]
    made["properties"] |= {"schema_version": {"const": SCHEMA_VERSION}, "kind": {"const": KIND}}
    made["required"] = sorted(made["properties"])
    # Members may come to be; what is there stays as it is as long as the version does.
    title = {"title": "keypolicy forecast"}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", **title}
    return json.dumps(head | schema, indent=2) + "\n"
