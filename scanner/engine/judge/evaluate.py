"""Evaluating many rules of a table in one statement, and each by itself where that fails."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import _duckdb as duckdb
import msgspec

from scanner.engine.database import Connection, reason, time_limit
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import AT_ONCE, Prepared, values
from scanner.engine.judge.windows import cautious
from scanner.model.outcome import Outcome

CODES: Final = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.ERROR,
    Outcome.NOT_APPLICABLE,
)
"""Outcomes by the number that stands for them in the database."""

PASS, FAIL, UNKNOWN, ERROR, NOT_APPLICABLE = range(5)

FOUND: Final = f"({FAIL}, {UNKNOWN}, {ERROR})"
"""The codes that are findings, as a list in SQL."""

STATEMENT_SECONDS: Final = 120.0
"""Time limit of a statement that evaluates many rules of a table."""

_WINDOW: Final = " OVER ("

RULE_SECONDS: Final = 20.0
"""Time limit of a rule that is evaluated by itself, after the common statement failed."""


class Evaluated(msgspec.Struct, frozen=True):
    """A rule's outcomes, kept in the database: column `column` of table `verdicts`.

    `error` is why rows have the outcome error, empty where none has.
    """

    prepared: Prepared
    verdicts: str
    column: str
    counts: dict[Outcome, int]
    error: str = ""

    @property
    def found(self) -> int:
        """How many findings the rule has on rows."""
        return sum(self.counts.get(CODES[code], 0) for code in (FAIL, UNKNOWN, ERROR))


def worst_first(evaluated: Iterable[Evaluated]) -> list[Evaluated]:
    """Return the rules by severity; within one, in the order of the policy."""
    return sorted(evaluated, key=lambda one: -one.prepared.rule.severity.rank)


def evaluate(
    connection: Connection,
    prepared: Sequence[Prepared],
    as_of: datetime,
    unseen: Unseen | None = None,
) -> tuple[Evaluated, ...]:
    """Give every (rule, row) pair an outcome; the result is in the order of the rules.

    `unseen` is what the tables may lack; without it they are whole, whatever their rows say.
    """
    if unseen is not None:
        prepared = cautious(connection, prepared, unseen)
    found: dict[str, Evaluated] = {}
    for table in dict.fromkeys(one.rule.resource for one in prepared):
        mine = [one for one in prepared if one.rule.resource == table]
        for number, some in enumerate(_groups(mine)):
            for result in _together(connection, f"verdicts_{table}_{number}", some, as_of):
                found[result.prepared.rule.id] = result
    return tuple(found[one.rule.id] for one in prepared)


def _groups(rules: Sequence[Prepared]) -> list[Sequence[Prepared]]:
    """Divide the rules of a table into those of one statement each.

    Windows gather the whole table in memory, with every column that the statement reads: so rules
    that have some are among themselves.
    """
    windows = [any(_WINDOW in part.sql for part in one.checks.values()) for one in rules]
    kinds = [
        [one for one, has in zip(rules, windows, strict=True) if has is kind]
        for kind in (False, True)
    ]
    return [
        kind[start : start + AT_ONCE] for kind in kinds for start in range(0, len(kind), AT_ONCE)
    ]


def _together(
    connection: Connection, verdicts: str, rules: Sequence[Prepared], as_of: datetime
) -> list[Evaluated]:
    """Evaluate rules of one table in one statement; each by itself where that fails."""
    try:
        _create(connection, verdicts, rules, as_of, outcome_code, STATEMENT_SECONDS)
    except duckdb.Error:
        return [
            result
            for number, one in enumerate(rules)
            for result in _counted(
                connection, [evaluate_alone(connection, f"{verdicts}_{number}", one, as_of)]
            )
        ]
    return _counted(
        connection,
        [Evaluated(one, verdicts, f"o{number}", {}) for number, one in enumerate(rules)],
    )


def evaluate_alone(
    connection: Connection, verdicts: str, one: Prepared, as_of: datetime
) -> Evaluated:
    """Evaluate one rule, so that what is wrong with it harms no other.

    First as it is; then row by row, so that only the rows on which it fails are errors; where
    even that cannot be done (windows, time limit) all rows are.
    """
    error = ""
    for code in (outcome_code, _code_or_error):
        try:
            _create(connection, verdicts, [one], as_of, code, RULE_SECONDS)
        except duckdb.InterruptException:
            error = f"it took longer than {RULE_SECONDS:g} seconds"
            break
        except duckdb.Error as failure:
            error = error or reason(failure)
        else:
            told = error and _of_the_first(connection, verdicts, one, as_of, error)
            return Evaluated(one, verdicts, "o0", {}, told)
    _create(connection, verdicts, [one], as_of, _always_error, RULE_SECONDS)
    return Evaluated(one, verdicts, "o0", {}, error)


def _of_the_first(
    connection: Connection, verdicts: str, one: Prepared, as_of: datetime, error: str
) -> str:
    """Return why the rule fails on the first row of an error by id, and of which row that is said.

    DuckDB tells of the row that it came to first, which may be any; beside the others it would be
    said of them, too.
    """
    table = f'"{one.rule.resource}"'
    found = connection.execute(
        f"SELECT count(*), arg_min(t.rowid, t.id), min(t.id) FROM {verdicts} AS v"
        f" JOIN {table} AS t ON t.rowid = v.number WHERE v.o0 = {ERROR}"
    ).fetchone()
    rows, number, identifier = found or (0, None, None)
    if number is None:
        return error
    sql = f"SELECT {outcome_code(one)} FROM {table} WHERE rowid = {number}"
    try:
        with time_limit(connection, RULE_SECONDS):
            connection.execute(sql, values(one.checks.values(), as_of))
    except duckdb.Error as failure:
        error = reason(failure) if rows == 1 else f"first on {identifier}: {reason(failure)}"
    return error


def _create(  # noqa: PLR0913, PLR0917 - one statement, and all that it depends on
    connection: Connection,
    verdicts: str,
    rules: Sequence[Prepared],
    as_of: datetime,
    code: Callable[[Prepared], str],
    seconds: float,
) -> None:
    """Create the table of verdicts: the number of the row, and a code for each rule."""
    codes = [code(one) for one in rules]
    chosen = ", ".join(f"CAST({c} AS TINYINT) AS o{number}" for number, c in enumerate(codes))
    sql = (
        f"CREATE OR REPLACE TABLE {verdicts} AS"
        f' SELECT rowid AS number, {chosen} FROM "{rules[0].rule.resource}"'
    )
    read = [] if code is _always_error else [p for o in rules for p in o.checks.values()]
    with time_limit(connection, seconds):
        connection.execute(sql, values(read, as_of))


def outcome_code(one: Prepared) -> str:
    """Return the code: TRUE passes, FALSE fails, NULL is unknown, and so it is for `where`."""
    requirement = f"coalesce({FAIL} - CAST(({one.requirement.sql}) AS TINYINT), {UNKNOWN})"
    if one.where is None:
        return requirement
    where = f"({one.where.sql})"
    return (
        f"CASE WHEN {where} THEN {requirement} WHEN NOT {where} THEN {NOT_APPLICABLE}"
        f" ELSE {UNKNOWN} END"
    )


def _code_or_error(one: Prepared) -> str:
    """Return the code that is ERROR for the rows on which the rule cannot be evaluated.

    Each predicate has a TRY of its own: DuckDB computes what two branches of a CASE share before
    the CASE, outside a TRY that is put around all of it.
    """
    requirement = (
        f"coalesce(TRY(coalesce({FAIL} - CAST(({one.requirement.sql}) AS TINYINT), {UNKNOWN})),"
        f" {ERROR})"
    )
    if one.where is None:
        return requirement
    where = f"coalesce(TRY(coalesce(CAST(({one.where.sql}) AS TINYINT), 2)), 3)"
    return (
        f"CASE {where} WHEN 1 THEN {requirement} WHEN 0 THEN {NOT_APPLICABLE}"
        f" WHEN 2 THEN {UNKNOWN} ELSE {ERROR} END"
    )


def _always_error(one: Prepared) -> str:  # noqa: ARG001 - one of three interchangeable forms
    return str(ERROR)


def _counted(connection: Connection, results: Sequence[Evaluated]) -> list[Evaluated]:
    """Count the outcomes of rules whose verdicts are in one table.

    A grouping for each column, not an aggregate for each column and code: DuckDB's cost of
    planning and running those grows with the square of their number.
    """
    each = (
        f"SELECT {number}, CAST({one.column} AS INTEGER), count(*) FROM {one.verdicts}"
        f" GROUP BY {one.column}"
        for number, one in enumerate(results)
    )
    counts: list[dict[Outcome, int]] = [{} for _ in results]
    for number, code, rows in connection.execute(" UNION ALL ".join(each)).fetchall():
        counts[number][CODES[code]] = int(rows)
    return [
        msgspec.structs.replace(one, counts=dict(sorted(mine.items(), key=_place)))
        for one, mine in zip(results, counts, strict=True)
    ]


def _place(counted: tuple[Outcome, int]) -> int:
    return CODES.index(counted[0])
