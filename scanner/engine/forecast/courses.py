"""Rules that were evaluated at as-of go in; out comes on which days each row has another outcome.

Days are a dimension of the statement: the rows, crossed with the days, are evaluated once. Of the
answers only those are kept that are not as they are at as-of, which most are.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import _duckdb as duckdb
import msgspec

from scanner.engine.database import Connection, time_limit
from scanner.engine.forecast.moving import AT, DAY, by_day, depends, moving, wind
from scanner.engine.judge.evaluate import (
    STATEMENT_SECONDS,
    Evaluated,
    evaluate_alone,
    outcome_code,
)
from scanner.engine.judge.prepare import AT_ONCE, Prepared, values
from scanner.engine.predicate.clock import AS_OF

DAYS: Final = "forecast_days"
"""Table of the days, each with its number from 1 on and its time."""

NOW: Final = "today"
"""Column of the outcome at as-of."""


class Span(NamedTuple):
    """Days, the first and the last, on which the outcome is `code` and not what it is at as-of."""

    code: int
    first: int
    last: int


class Course(msgspec.Struct, frozen=True):
    """The days on which a rule comes to something else than at as-of.

    They are rows of `table` with `number`, `day`, and the codes then and at as-of in `column` and
    `now`. `error` is why a row has the outcome error on some day.
    """

    table: str
    column: str
    now: str
    error: str = ""


class Courses:
    """How the outcomes of rules go on: nothing at all for those that do not depend on the time."""

    def __init__(
        self, connection: Connection, evaluated: Sequence[Evaluated], as_of: datetime, days: int
    ) -> None:
        """Evaluate the rules on each of the days after as-of."""
        self._connection = connection
        self._as_of = as_of
        self.days = days
        self._moving = {
            table: moving(connection, table, AT)
            for table in dict.fromkeys(one.prepared.rule.resource for one in evaluated)
        }
        self._found: dict[str, Course] = {}
        self._tell_days()
        for table, columns in self._moving.items():
            of_table = [one for one in evaluated if one.prepared.rule.resource == table]
            mine = [one for one in of_table if depends(one.prepared, columns)]
            dated = by_day(connection, [one.prepared for one in mine])
            for start in range(0, len(mine), AT_ONCE):
                name = f"later_{table}_{start // AT_ONCE}"
                some = slice(start, start + AT_ONCE)
                self._together(name, mine[some], dated[some])

    @property
    def rules(self) -> frozenset[str]:
        """The ids of the rules that depend on the time."""
        return frozenset(self._found)

    def moment(self, day: int) -> datetime:
        """Return the time of a day, 0 for as-of."""
        return self._as_of + timedelta(days=day)

    def spans(self, rule_id: str) -> dict[int, list[Span]]:
        """Return the days on which rows have another outcome than at as-of, by rowid."""
        course = self._found.get(rule_id)
        if course is None:
            return {}
        # Days in a row have one difference to their place among all with this code.
        found = self._connection.execute(
            "SELECT number, CAST(code AS INTEGER), min(day), max(day) FROM (SELECT number, day,"
            f" {course.column} AS code, day - row_number() OVER (PARTITION BY number,"
            f" {course.column} ORDER BY day) AS island FROM {course.table}"
            f" WHERE {course.column} <> {course.now}) GROUP BY number, code, island"
            " ORDER BY number, min(day)"
        ).fetchall()
        spans: dict[int, list[Span]] = {}
        for number, *span in found:
            spans.setdefault(number, []).append(Span(*span))
        return spans

    def changed(self, one: Evaluated) -> str:
        """Return a SELECT of the rows that come to another outcome; empty where none can."""
        course = self._found.get(one.prepared.rule.id)
        if course is None:
            return ""
        return f"SELECT number FROM {course.table} WHERE {course.column} <> {course.now}"

    def error(self, rule_id: str) -> str:
        """Return why a row has the outcome error on some day."""
        course = self._found.get(rule_id)
        return course.error if course else ""

    def rows_on(self, table: str, chosen: str, days: str) -> str:
        """Return a relation: the rows of the table as they are on the days beside them.

        `days` is a relation with AT, and what joins it: `d` with the table as `t`. `chosen` are
        the columns before those of the table.
        """
        columns = self._moving[table]
        changes = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
        as_then = f"t.* REPLACE ({changes})" if changes else "t.*"
        return f'(SELECT {chosen}, {as_then} FROM "{table}" AS t {days})'

    def _tell_days(self) -> None:
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {DAYS} AS SELECT day AS {DAY},"
            f" CAST($as_of AS TIMESTAMPTZ) + to_hours(24 * day) AS {AT}"
            " FROM range(1, $days + 1) AS days(day)",
            {"as_of": self._as_of, "days": self.days},
        )

    def _together(self, name: str, rules: Sequence[Evaluated], dated: Sequence[Prepared]) -> None:
        """Evaluate rules of one table in one statement; each by itself where that fails."""
        try:
            self._create(name, rules, dated)
        except duckdb.Error:
            if len(rules) > 1:
                for place, (one, its) in enumerate(zip(rules, dated, strict=True)):
                    self._together(f"{name}_{place}", [one], [its])
            else:
                self._day_by_day(name, rules[0])
            return
        for place, one in enumerate(rules):
            course = Course(name, f"o{place}", f"{NOW}{place}")
            self._found[one.prepared.rule.id] = course

    def _create(self, name: str, rules: Sequence[Evaluated], dated: Sequence[Prepared]) -> None:
        table = rules[0].prepared.rule.resource
        codes = ", ".join(
            f"CAST({outcome_code(one)} AS TINYINT) AS o{place}" for place, one in enumerate(dated)
        )
        joined = {v: f"v{n}" for n, v in enumerate(dict.fromkeys(one.verdicts for one in rules))}
        joins = "".join(f" JOIN {verdicts} AS {v} USING (number)" for verdicts, v in joined.items())
        today = [f"{joined[one.verdicts]}.{one.column}" for one in rules]
        then = ", ".join(f"r.o{n}, {now} AS {NOW}{n}" for n, now in enumerate(today))
        differs = " OR ".join(f"r.o{n} <> {now}" for n, now in enumerate(today))
        crossed = self.rows_on(table, "t.rowid AS number, d.*", f"CROSS JOIN {DAYS} AS d")
        read = values([p for one in dated for p in one.checks.values()], self._as_of)
        read.pop(AS_OF, None)  # the days stand for it
        with time_limit(self._connection, STATEMENT_SECONDS):
            self._connection.execute(
                f"CREATE OR REPLACE TABLE {name} AS SELECT number, r.{DAY} AS day, {then}"
                f" FROM (SELECT number, {DAY}, {codes} FROM {crossed}) AS r"
                f"{joins} WHERE {differs}",
                read,
            )

    def _day_by_day(self, name: str, one: Evaluated) -> None:
        """Evaluate a rule that cannot be evaluated on some day as a scan of each day would."""
        table = one.prepared.rule.resource
        columns = "number BIGINT, day BIGINT, o0 TINYINT, today0 TINYINT"
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
        error = ""
        try:
            for day in range(1, self.days + 1):
                moment = self.moment(day)
                wind(self._connection, table, moment)
                then = evaluate_alone(self._connection, f"{name}_then", one.prepared, moment)
                error = error or then.error
                self._connection.execute(
                    f"INSERT INTO {name} SELECT number, {day}, n.{then.column}, v.{one.column}"
                    f" FROM {then.verdicts} AS n JOIN {one.verdicts} AS v USING (number)"
                    f" WHERE n.{then.column} <> v.{one.column}"
                )
        finally:
            wind(self._connection, table, self._as_of)
        self._found[one.prepared.rule.id] = Course(name, "o0", f"{NOW}0", error)


def code_on(day: int, today: int, spans: Sequence[Span]) -> int:
    """Return the code of the outcome on a day."""
    return next((one.code for one in spans if one.first <= day <= one.last), today)


def turns(spans: Sequence[Span]) -> set[int]:
    """Return the days on which the outcome is not that of the day before."""
    return {day for one in spans for day in (one.first, one.last + 1)}
