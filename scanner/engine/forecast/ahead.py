"""Evaluated rules and what triage tolerates go in; out comes what falls due, and on which day."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.forecast.courses import Courses, Span, code_on, turns
from scanner.engine.forecast.moving import AT
from scanner.engine.judge.evaluate import CODES, FOUND, PASS, Evaluated, worst_first
from scanner.engine.judge.findings import bound, rows, stream
from scanner.model.finding import Due, DueReason, Finding, Forecast, Identity, Lapse
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.triage.decide import BADNESS, Decider, Decision, DecisionLog
from scanner.triage.triage import Triage

_CLEAR: Final = -1
"""The badness of what is no open finding; those of findings begin at 0."""

_DUE: Final = "forecast_due"
_OPEN: Final = Decision(Disposition.OPEN)


def foretold(  # noqa: PLR0913, PLR0917 - what the scan has come to
    connection: Connection,
    evaluated: Sequence[Evaluated],
    predicates: Sequence[Evaluated],
    triage: Triage,
    as_of: datetime,
    days: int,
) -> Forecast:
    """Return what falls due in so many days; see look_ahead."""
    courses = Courses(connection, [*evaluated, *predicates], as_of, days)
    ahead = _Ahead(connection, courses, predicates, triage)
    dues = [due for one in worst_first(evaluated) for due in ahead.dues(one)]
    dues.sort(key=lambda due: due.day)  # it is stable: worst first within a day
    ids = {one.prepared.rule.id for one in evaluated}
    return Forecast(
        as_of=as_of,
        days=days,
        dues=tuple(dues),
        lapses=_lapses(triage, courses, dues),
        rules=len(ids),
        moving_rules=len(ids & courses.rules),
    )


def _lapses(triage: Triage, courses: Courses, dues: Sequence[Due]) -> tuple[Lapse, ...]:
    reopens = Counter(
        (due.finding.waiver, due.day) for due in dues if due.reason is DueReason.UNCOVERED
    )
    found = []
    for one in triage.waivers:
        day = one.days_left(courses.moment(0)) + 1
        if 0 < day <= courses.days:
            found.append(Lapse(one, day, courses.moment(day), reopens[one.id, day]))
    return tuple(sorted(found, key=lambda lapse: (lapse.day, lapse.waiver.id)))


class _Standing(NamedTuple):
    """A row of a rule's table: its outcome at as-of, and what triage has to know of it."""

    number: int
    today: int
    organization: str | None = None
    project: str | None = None
    id: str = ""


class _Turn(NamedTuple):
    """A day on which a row's finding is open, and worse than on any day before."""

    number: int
    day: int
    code: int
    today: int
    was_open: Outcome | None
    decision: Decision
    reason: DueReason


class _Ahead:
    """Looks for the turns of each rule, with the waivers and the baseline of each day."""

    def __init__(
        self,
        connection: Connection,
        courses: Courses,
        predicates: Sequence[Evaluated],
        triage: Triage,
    ) -> None:
        self._connection = connection
        self._courses = courses
        self._triage = triage
        self._coverings = [_Covering(connection, courses, one) for one in predicates]

    def dues(self, one: Evaluated) -> list[Due]:
        """Return what falls due of a rule, in the order of findings."""
        found = list(self._turns(one))
        told = self._findings(one, found) if found else ()
        dues = [
            Due(
                day=turn.day,
                at=self._courses.moment(turn.day),
                reason=turn.reason,
                finding=msgspec.structs.replace(
                    finding, waiver=turn.decision.waiver, first_seen=turn.decision.first_seen
                ),
                before=CODES[turn.today],
                was_open=turn.was_open,
            )
            for turn, finding in zip(found, told, strict=True)
        ]
        return sorted(dues, key=_place)

    def _turns(self, one: Evaluated) -> Iterator[_Turn]:
        rule = one.prepared.rule
        spans = self._courses.spans(rule.id)
        tolerance = _Tolerance(self._triage, self._courses, rule, self._coverings)
        if not spans and not tolerance.varies:
            return
        for row in self._rows(one, is_triaged=tolerance.is_any):
            yield from tolerance.turns(row, spans.get(row.number, []))

    def _rows(self, one: Evaluated, *, is_triaged: bool) -> Iterator[_Standing]:
        """Give the rows that may come to be open: those that change, and findings of today."""
        resource = one.prepared.rule.resource
        table = TABLES[resource]
        sql = f"SELECT v.number, CAST(v.{one.column} AS INTEGER)"
        wanted = [f"v.number IN ({changed})"] if (changed := self._courses.changed(one)) else []
        if is_triaged:
            sql += f", t.{table.organization}, {table.project_key}, t.id"
            wanted.append(f"v.{one.column} IN {FOUND}")
        found = self._connection.execute(
            f'{sql} FROM {one.verdicts} AS v JOIN "{resource}" AS t ON t.rowid = v.number'
            f" WHERE {' OR '.join(wanted)}"
        )
        return (_Standing(*row) for row in found.fetchall())

    def _findings(self, one: Evaluated, found: Sequence[_Turn]) -> Iterator[Finding]:
        """Give the findings of the turns, as a scan of the day tells them."""
        lists = {
            "turns": list(range(len(found))),
            "numbers": [turn.number for turn in found],
            "moments": [self._courses.moment(turn.day) for turn in found],
            "codes": [turn.code for turn in found],
        }
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {_DUE} AS SELECT unnest(CAST($turns AS BIGINT[])) AS number,"
            f" unnest(CAST($numbers AS BIGINT[])) AS row_number,"
            f" unnest(CAST($moments AS TIMESTAMPTZ[])) AS {AT},"
            f" unnest(CAST($codes AS TINYINT[])) AS code",
            lists,
        )
        then = self._courses.rows_on(
            one.prepared.rule.resource,
            "d.number AS rowid",
            f"JOIN {_DUE} AS d ON t.rowid = d.row_number",
        )
        error = one.error or self._courses.error(one.prepared.rule.id)
        due = msgspec.structs.replace(one, verdicts=_DUE, column="code", error=error)
        sql = f"{rows(due, (), then)} ORDER BY v.number"
        return stream(self._connection, due, sql, bound(due, ()))


class _Covering:
    """For which rows a waiver's predicate is TRUE, on any day."""

    def __init__(self, connection: Connection, courses: Courses, one: Evaluated) -> None:
        self._connection = connection
        self._courses = courses
        self._one = one
        self._today: frozenset[int] | None = None
        self._spans: dict[int, list[Span]] = {}

    def rows(self) -> frozenset[int]:
        """Return the rows for which it is TRUE on some day, or may be."""
        return self._ask() | self._spans.keys()

    def turns(self, number: int) -> set[int]:
        """Return the days on which it begins or ceases to be TRUE for the row."""
        self._ask()
        return turns(self._spans.get(number, ()))

    def holds(self, number: int, day: int) -> bool:
        """Whether it is TRUE for the row on the day."""
        today = PASS if number in self._ask() else _CLEAR
        return code_on(day, today, self._spans.get(number, ())) == PASS

    @property
    def varies(self) -> bool:
        """Whether it depends on the time."""
        return self._one.prepared.rule.id in self._courses.rules

    def _ask(self) -> frozenset[int]:
        if self._today is None:
            one = self._one
            found = self._connection.execute(
                f"SELECT number FROM {one.verdicts} WHERE {one.column} = {PASS}"
            )
            self._today = frozenset(number for (number,) in found.fetchall())
            self._spans = self._courses.spans(one.prepared.rule.id)
        return self._today


class _Tolerance:
    """What is tolerated of a rule's findings, day by day."""

    def __init__(
        self, triage: Triage, courses: Courses, rule: Rule, coverings: Sequence[_Covering]
    ) -> None:
        days = {0}
        today = courses.moment(0)
        for one in triage.waivers:
            if one.concerns(rule):
                begins = (one.created - timedelta(days=1) - today.astimezone(UTC).date()).days
                days |= {begins, one.days_left(today) + 1}
        self._last = courses.days
        self._days = sorted(day for day in days if 0 <= day <= self._last)
        self._deciders: list[Decider] = []
        for day in self._days:
            decider = triage.decider(rule, courses.moment(day), DecisionLog())
            if decider is not None:
                self._deciders.append(decider)
        self._coverings = [
            coverings[place] for decider in self._deciders[:1] for place in decider.predicates
        ]

    @property
    def is_any(self) -> bool:
        """Whether anything may be tolerated at all."""
        return bool(self._deciders)

    @property
    def varies(self) -> bool:
        """Whether what is tolerated depends on the day."""
        return len(self._days) > 1 or any(one.varies for one in self._coverings)

    @cached_property
    def _by_row(self) -> dict[int, list[int]]:
        """The places of the coverings that a row may have, which are few of many."""
        found: dict[int, list[int]] = {}
        for place, one in enumerate(self._coverings):
            for number in one.rows():
                found.setdefault(number, []).append(place)
        return found

    def turns(self, row: _Standing, spans: Sequence[Span]) -> Iterator[_Turn]:
        """Give the days on which the row's finding is open and worse than on any before."""
        mine = self._by_row.get(row.number, ())
        days = turns(spans).union(
            self._days, *(self._coverings[place].turns(row.number) for place in mine)
        )
        worst, was_open = _CLEAR, None
        for day in sorted(day for day in days if day <= self._last):
            code = code_on(day, row.today, spans)
            outcome = CODES[code]
            if outcome not in BADNESS or BADNESS[outcome] <= worst:
                continue
            decision = self._decide(row, outcome, day)
            if decision.disposition is not Disposition.OPEN:
                continue
            if day > 0:
                is_new = code != code_on(day - 1, row.today, spans)
                reason = DueReason.BREAKS if is_new else DueReason.UNCOVERED
                yield _Turn(row.number, day, code, row.today, was_open, decision, reason)
            worst, was_open = BADNESS[outcome], outcome

    def _decide(self, row: _Standing, outcome: Outcome, day: int) -> Decision:
        if not self._deciders:
            return _OPEN
        mine = self._by_row.get(row.number, ())
        holding = {place for place in mine if self._coverings[place].holds(row.number, day)}
        matched = [place in holding for place in range(len(self._coverings))] if holding else []
        identity = Identity(outcome, row.organization, row.project, row.id, matched)
        return self._deciders[bisect_right(self._days, day) - 1].decide(identity)


def _place(due: Due) -> tuple[int, str, str, str]:
    of = due.finding.resource
    return due.day, of.organization or "", of.project or "", of.id
