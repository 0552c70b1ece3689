"""Inventories that may be forecast, and what scans of each day to come say of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from scanner.base.text import timestamp
from scanner.gate import Thresholds
from scanner.inventory.file import FileSource
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.finding import Finding
from scanner.model.inventory import Scope
from scanner.model.outcome import Disposition, Outcome
from scanner.pipeline import ScanRequest, new_baseline, scan
from scanner.triage.baseline import render
from scanner.triage.decide import BADNESS
from scanner.triage.interface import TriageRequest

AS_OF = datetime(2026, 2, 26, 7, 30, tzinfo=UTC)  # the end of a month is near
KEYS, PROJECTS, TOKENS = "sentry_key", "sentry_project", "sentry_org_auth_token"

Record = dict[str, Any]
Records = Mapping[str, Sequence[Record]]


class Told(NamedTuple):
    """What is held against each other: of a scan's finding, and of a forecast's."""

    day: int
    rule: str
    key: str
    outcome: str
    message: str
    evidence: str
    waiver: str | None
    first_seen: datetime | None
    before: str
    reason: str


def times(days: int) -> st.SearchStrategy[str | None]:
    """Dates around those at which rules turn, in the days to come; and such as lie after as-of."""
    turn = st.builds(
        lambda limit, day, off: timestamp(AS_OF - timedelta(days=limit - day, seconds=off)),
        st.sampled_from([0, 1, 7, 29, 30, 31, 60, 89, 90, 91, 180, 365]),
        st.integers(-1, days + 1),
        st.sampled_from([0, 0, 1, -1, 40_000, -40_000]),
    )
    return st.one_of(st.none(), turn, turn, turn)


def inventories(days: int) -> st.SearchStrategy[Records]:
    key = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["web", "api", "Default", "7", ""]),
            "isActive": st.sampled_from([True, True, False]),
            "projectId": st.sampled_from([1, 2]),
        },
        optional={
            "dateCreated": times(days),
            "rateLimit": st.sampled_from([None, {"window": 60, "count": 10}]),
            "keypolicyUsage": st.just({"accepted": 0, "dropped": 0, "filtered": 0}),
        },
    )
    token = st.fixed_dictionaries(
        {"name": st.sampled_from(["ci", "old"]), "scopes": st.sampled_from([["org:ci"], []])},
        optional={"dateCreated": times(days), "dateLastUsed": times(days)},
    )
    project = st.fixed_dictionaries({"dateCreated": times(days)})
    return st.builds(
        lambda keys, tokens, ends: {
            PROJECTS: [{"id": str(n), "slug": f"p{n}", **end} for n, end in enumerate(ends, 1)],
            KEYS: [{"id": f"k{n:03}", **one} for n, one in enumerate(keys)],
            TOKENS: [{"id": f"t{n:03}", **one} for n, one in enumerate(tokens)],
        },
        st.lists(key, min_size=1, max_size=8),
        st.lists(token, max_size=3),
        st.lists(project, min_size=2, max_size=2),
    )


def save(records: Records, path: Path, gaps: Sequence[Gap] = ()) -> FileSource:
    """Write an inventory file, as a fetch does; keys may have gaps."""
    path.unlink(missing_ok=True)
    slugs = {int(one["id"]): one["slug"] for one in records[PROJECTS]}
    with Spool(path, sources=("here",), server=None, scope=Scope()) as spool:
        for table, found in records.items():
            for record in found:
                project = slugs.get(int(record.get("projectId", 0)))
                spool.add(table, dict(record), organization="acme", project=project)
        coverage = {
            table: TableCoverage(CoverageState.COMPLETE, "", rows=len(found))
            for table, found in records.items()
        }
        if gaps:
            partial = CoverageState.PARTIAL
            rows = len(records[KEYS])
            coverage[KEYS] = TableCoverage(partial, gaps[0].reason, tuple(gaps), rows=rows)
        spool.finish(coverage)
    return FileSource([path], (), (), None)


def baseline(request: ScanRequest, path: Path, days_ago: int) -> TriageRequest:
    """Take what is found some days before into a baseline, and return the request with it."""
    then = msgspec.structs.replace(request, as_of=request.as_of - timedelta(days=days_ago))
    change = new_baseline(then, path, grow=True, prune=False)
    path.write_bytes(b"".join(render(change.known)))
    return msgspec.structs.replace(request.triage, baseline=path)


def request_of(source: FileSource, policies: Sequence[str], triage: TriageRequest) -> ScanRequest:
    return ScanRequest(source, Scope(), tuple(policies), {}, AS_OF, Thresholds(), triage)


def by_scans(request: ScanRequest, days: int) -> list[Told]:
    """Tell what falls due by a scan of each day."""
    worst: dict[tuple[str, str], int] = {}
    today: dict[tuple[str, str], str] = {}
    earlier: dict[tuple[str, str], str] = {}
    told = []
    for day in range(days + 1):
        moment = request.as_of + timedelta(days=day)
        with scan(msgspec.structs.replace(request, as_of=moment)) as run:
            found = [one for one in run.findings if one.resource.id]
        outcomes = {(one.rule_id, one.resource.id): one.outcome.value for one in found}
        today = today if day else outcomes
        for one in found:
            name = one.rule_id, one.resource.id
            if one.disposition is not Disposition.OPEN:
                continue
            if BADNESS[one.outcome] > worst.get(name, -1):
                worst[name] = BADNESS[one.outcome]
                if day:
                    reason = "uncovered" if earlier.get(name) == one.outcome else "breaks"
                    told.append(_told(day, one, today.get(name, "none"), reason))
        earlier = outcomes
    return sorted(told, key=str)


def by_forecast(request: ScanRequest, days: int) -> list[Told]:
    """Tell what falls due by one scan that looks ahead."""
    with scan(msgspec.structs.replace(request, ahead=days)) as run:
        assert run.forecast is not None
        found = run.forecast.dues
    none = {Outcome.PASS, Outcome.NOT_APPLICABLE}
    told = [
        _told(
            one.day,
            one.finding,
            "none" if one.before in none else one.before.value,
            one.reason.value,
        )
        for one in found
    ]
    return sorted(told, key=str)


def _told(day: int, one: Finding, before: str, reason: str) -> Told:
    return Told(
        day,
        one.rule_id,
        one.resource.id,
        one.outcome.value,
        one.message,
        json.dumps(json.loads(bytes(one.evidence)), sort_keys=True),
        one.waiver,
        one.first_seen,
        before,
        reason,
    )
