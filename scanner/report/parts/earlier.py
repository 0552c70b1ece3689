"""Earlier JSON reports, as the points of a trend."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.base.shape.decode import decoded
from scanner.model.history import GroupTally, by_control
from scanner.model.moment import in_utc
from scanner.model.outcome import Severity
from scanner.model.run import GateResult, TrendPoint

MAX_BYTES: Final = 1 << 30
"""Largest report that is read."""

NOT_OURS: Final = "Give reports that `keypolicy scan -o FILE.json` wrote."
"""How to mend that a file is no report."""


class _Run(msgspec.Struct):
    as_of: datetime


class _Gate(msgspec.Struct):
    result: GateResult


class _ReportSummary(msgspec.Struct):
    open_by_severity: dict[Severity, int]
    incomplete_tables: frozenset[str]
    found_by_severity: dict[Severity, int] | UnsetType = UNSET


class _Inventory(msgspec.Struct):
    organizations: dict[str, int] | UnsetType = UNSET


class _Policy(msgspec.Struct):
    name: str
    version: str
    terms: str | UnsetType = UNSET


class _CountedRule(msgspec.Struct):
    controls: dict[str, list[str]] = {}
    counts: dict[str, int] = {}

    @property
    def rated(self) -> GroupTally:
        counts = self.counts.get
        return GroupTally(
            counts("pass", 0), counts("fail", 0), counts("unknown", 0) + counts("error", 0)
        )


class _Report(msgspec.Struct):
    """The part of a JSON report, schema version 1, that a trend needs.

    Reports of the first release lack `found_by_severity`, `organizations` and `terms`.
    """

    schema_version: str
    run: _Run
    gate: _Gate
    inventory: _Inventory
    policies: list[_Policy]
    summary: _ReportSummary
    rules: list[_CountedRule] = []


def read_earlier(paths: Iterable[Path]) -> tuple[TrendPoint, ...]:
    """Return what earlier scans came to, oldest first, one for each as-of time.

    Raises UsageError for a file that cannot be read, or is no JSON report of version 1.
    """
    points = {point.as_of: point for point in map(_read, paths)}
    return tuple(points[moment] for moment in sorted(points))


def _read(path: Path) -> TrendPoint:
    try:
        report = decoded(read_regular(path, MAX_BYTES), _Report)
        moment = in_utc(report.run.as_of)
    except UsageError as error:
        raise UsageError(error.message, where=str(path), remedy=NOT_OURS) from error
    except ValueError as error:
        raise UsageError(
            f"is not a JSON report of keypolicy ({error})", where=str(path), remedy=NOT_OURS
        ) from error
    if report.schema_version != "1":
        raise UsageError(
            f"is a report of schema version {report.schema_version}; this release reads 1",
            where=str(path),
            remedy=NOT_OURS,
        )
    return _point(report, moment)


def _point(report: _Report, moment: datetime) -> TrendPoint:
    summary, organizations = report.summary, report.inventory.organizations
    policies = {one.name: (one.version, one.terms) for one in report.policies if one.terms}
    return TrendPoint(
        as_of=moment,
        result=report.gate.result,
        found=summary.found_by_severity or summary.open_by_severity,
        open=summary.open_by_severity,
        policies=policies if len(policies) == len(report.policies) else None,
        organizations=frozenset(organizations) if organizations is not UNSET else None,
        incomplete=summary.incomplete_tables,
        controls=by_control((one.controls, one.rated) for one in report.rules),
    )
