"""A plan for a terminal: the plan goes in, harmless lines of bounded width come out."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from scanner.base.text import clean, clock, fit, plural, wrap
from scanner.model.outcome import Risk
from scanner.remediate.document import KeyTarget, KeyTraffic, Left, Plan, PlannedAction, State

MAX_LEFT: Final = 20
"""Findings that are left are named up to so many; the file has all."""

_INDENT: Final = "  "
_NARROWEST: Final = 40
_STYLES: Final = {
    Risk.SAFE: "\x1b[32m",
    Risk.DISRUPTIVE: "\x1b[33m",
    Risk.IRREVERSIBLE: "\x1b[1;31m",
}
_RESET: Final = "\x1b[0m"


def table_lines(plan: Plan, width: int, *, color: bool) -> Iterator[str]:
    """Give the lines; what cannot be undone is red where there is colour, and said in capitals."""
    width = max(width, _NARROWEST)
    yield from wrap(f"PLAN: {headline(plan)}", width, hanging=_INDENT)
    yield from wrap(clean(f"server {plan.server}, as of {clock(plan.as_of)}"), width)
    for one in plan.actions:
        yield ""
        yield from _action(one, width, color=color)
    if plan.left:
        yield ""
        yield f"Left as they are: {plural(len(plan.left), 'finding')}"
        for left in plan.left[:MAX_LEFT]:
            yield from _left(left, width)
        if len(plan.left) > MAX_LEFT:
            yield f"{_INDENT}... and {len(plan.left) - MAX_LEFT:,} more; -o FILE.json has all"


def headline(plan: Plan) -> str:
    """Say in a line how many changes there are, by risk."""
    counts = plan.summary
    if not counts.actions:
        return "nothing to change"
    risks = (
        (counts.safe, "safe"),
        (counts.disruptive, "disruptive"),
        (counts.irreversible, "IRREVERSIBLE"),
    )
    told = ", ".join(f"{number:,} {word}" for number, word in risks if number)
    return f"{plural(counts.actions, 'change')} ({told})"


def _action(one: PlannedAction, width: int, *, color: bool) -> Iterator[str]:
    word = one.risk.upper() if one.risk is Risk.IRREVERSIBLE else str(one.risk)
    first, *rest = wrap(
        clean(f"{one.action} ({word}): {place(one.target)}"), width, hanging=_INDENT
    )
    style = _STYLES[one.risk]
    paint = color and one.risk is Risk.IRREVERSIBLE
    head = f"{style}{first}{_RESET}" if paint else _painted(first, one.action, style, color=color)
    yield head
    yield from (f"{style}{line}{_RESET}" if paint else line for line in rest)
    for line in change_words(one.before, one.after):
        yield from wrap(clean(line), width, _INDENT, hanging=_INDENT * 2)
    yield from wrap(clean(f"because {one.reason}"), width, _INDENT, hanging=_INDENT * 2)
    if one.traffic is not None:
        yield from wrap(traffic_words(one.traffic), width, _INDENT, hanging=_INDENT * 2)
    for note in one.notes:
        yield from wrap(clean(f"note: {note}"), width, _INDENT, hanging=_INDENT * 2)
    yield f"{_INDENT}id {clean(one.id)}"


def _painted(line: str, word: str, style: str, *, color: bool) -> str:
    return f"{style}{word}{_RESET}{line[len(word) :]}" if color and line.startswith(word) else line


def _left(one: Left, width: int) -> Iterator[str]:
    text = f"{place(one.target)}, {one.rule_id} ({one.code}): {one.reason}"
    yield from wrap(clean(text), width, f"{_INDENT}- ", hanging=_INDENT * 2)


def place(target: KeyTarget) -> str:
    """Name a key: where it is, what it is called, and its id."""
    where = "/".join(part for part in (target.organization, target.project) if part) or "nowhere"
    if not target.id:
        return f"{where} {target.name}" if target.name else where
    return f"{where} {target.name or '(no name)'} [{fit(target.id, 12)}]"


def change_words(before: State, after: State | None) -> list[str]:
    """Say what becomes of each field, one a line; of an object, of each member that changes."""
    if after is None:
        return ["the key is deleted"]
    old, new = _parts(before), _parts(after)
    return [
        f"{part}: {_shown(old[part])} -> {_shown(value)}"
        if part in old
        else f"{part}: {_shown(value)}"
        for part, value in sorted(new.items())
        if part not in old or old[part] != value or "." not in part
    ]


def traffic_words(traffic: KeyTraffic) -> str:
    """Say how many events a key accepted, and in how many days."""
    accepted, days = plural(traffic.accepted, "event"), plural(traffic.days, "day")
    return f"it accepted {accepted} in {days}"


def _parts(state: State) -> State:
    """Return the fields, and in place of an object its members; a rate limit is one value."""
    found: State = {}
    for field, value in state.items():
        if isinstance(value, dict) and not _is_limit(value):
            found |= {f"{field}.{name}": inner for name, inner in value.items()}
        else:
            found[field] = value
    return found


def _is_limit(value: State) -> bool:
    return set(value) == {"count", "window"}


def _shown(value: Any) -> str:  # noqa: ANN401 - a field of the API is any JSON
    if value is None:
        return "none"
    if isinstance(value, dict) and _is_limit(value):
        return f"{value['count']:,} in {value['window']:,} s"
    return msgspec.json.encode(value, order="sorted").decode()
