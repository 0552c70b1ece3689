"""A plan for a pull request: the plan goes in, Markdown that renders as what it says comes out."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from scanner.base.text import clock, plural
from scanner.model.outcome import Risk
from scanner.remediate.document import Left, Plan, PlannedAction
from scanner.remediate.table import change_words, place, traffic_words
from scanner.report.parts.markup import escaped

MAX_BYTES: Final = 65_000
"""Most of a page: comments of code hosts hold 65,536 characters."""

MAX_ROWS: Final = 200
"""Rows of each table."""

_RESERVE: Final = 1_000  # bytes kept free for what stands around the rows
_MARKS: Final = {
    Risk.SAFE: "safe",
    Risk.DISRUPTIVE: "**disruptive**",
    Risk.IRREVERSIBLE: ":red_circle: **IRREVERSIBLE**",
}


def markdown(plan: Plan) -> str:
    """Return the page; names and messages in it are escaped."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    counts = plan.summary
    yield f"## keypolicy plan: {plural(counts.actions, 'change')}"
    yield ""
    yield (
        f"Server {escaped(plan.server)}, as of {clock(plan.as_of)}: {counts.safe:,} safe,"
        f" {counts.disruptive:,} disruptive, {counts.irreversible:,} irreversible;"
        f" {plural(counts.left, 'finding')} left as they are."
    )
    if counts.irreversible:
        yield ""
        yield (
            f"> :red_circle: **{plural(counts.irreversible, 'key')} would be deleted for good.**"
            " `keypolicy fix apply` does that only with `--allow-irreversible`."
        )
    yield ""
    room = MAX_BYTES - _RESERVE
    if plan.actions:
        yield "| Action | Risk | Key | Change | Because |"
        yield "|---|---|---|---|---|"
        rows = _fitting(map(_action, plan.actions), room)
        room -= _size(rows)
        yield from rows
        yield from _more(len(plan.actions) - len(rows), "changes")
    else:
        yield "Nothing is to be changed."
    if plan.left:
        yield ""
        yield f"<details><summary>Left as they are: {plural(counts.left, 'finding')}</summary>"
        yield ""
        yield "| Key | Rule | Why |"
        yield "|---|---|---|"
        rows = _fitting(map(_left, plan.left), room)
        yield from rows
        yield from _more(len(plan.left) - len(rows), "findings")
        yield ""
        yield "</details>"
    yield ""
    yield "Apply it, once reviewed, with `keypolicy fix apply PLAN.json`."


def _fitting(rows: Iterator[str], room: int) -> list[str]:
    """Return the first rows, as many as there is room for."""
    found: list[str] = []
    for row in islice(rows, MAX_ROWS):
        room -= _size([row])
        if room < 0:
            break
        found.append(row)
    return found


def _size(rows: list[str]) -> int:
    return sum(len(row.encode()) + 1 for row in rows)


def _action(one: PlannedAction) -> str:
    change = "<br>".join(map(escaped, change_words(one.before, one.after)))
    notes = [one.reason, *one.notes]
    if one.traffic is not None:
        notes.insert(1, traffic_words(one.traffic))
    why = "<br>".join(map(escaped, notes))
    name = f"`{one.action}`"
    return f"| {name} | {_MARKS[one.risk]} | {escaped(place(one.target))} | {change} | {why} |"


def _left(one: Left) -> str:
    why = f"{escaped(one.code)}: {escaped(one.reason)}"
    return f"| {escaped(place(one.target))} | {escaped(one.rule_id)} | {why} |"


def _more(number: int, noun: str) -> Iterator[str]:
    if number:
        yield ""
        yield f"... and {number:,} more {noun}; the plan's file has all."
